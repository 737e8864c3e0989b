"""Write docs/metrics.md to stdout."""

import sys

from ops.metrics.document import document

sys.stdout.write(document())

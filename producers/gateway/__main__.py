"""`python -m producers.gateway [--check]`: write or check the published OpenAPI document."""

import sys

from producers.gateway.openapi import main

sys.exit(main(sys.argv[1:]))

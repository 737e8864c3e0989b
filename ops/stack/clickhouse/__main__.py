"""`python -m ops.stack.clickhouse`: serve with the settings of the environment."""

from __future__ import annotations

import sys

from ops.settings import load
from ops.stack.clickhouse.launch import run
from producers.contract.errors import DongBoError

try:
    run(load())
except DongBoError as error:
    sys.exit(str(error))

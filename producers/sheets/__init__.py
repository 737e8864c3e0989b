"""A ward's exports, CSV and XLSX, as events: only the columns that a mapping names are read."""

from producers.sheets.convert import Finding, Row, convert
from producers.sheets.mapping import EXAMPLE, Mapping, load_mapping
from producers.sheets.table import SUFFIXES, open_table

__all__ = ["EXAMPLE", "SUFFIXES", "Finding", "Mapping", "Row", "convert", "load_mapping", "open_table"]

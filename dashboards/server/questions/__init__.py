"""Saved questions as pages and files: `/questions/NAME`, `.json`, `.csv`, `.xlsx`, `.parquet`.

catalogue ──▶ routes ──▶ desk ──▶ answer ──▶ files
(headers)     (address)  (turns)  (SQL)      (bytes)
"""

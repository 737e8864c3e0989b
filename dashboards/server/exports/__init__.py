"""Every table as a file, as of a cut: `/export/<table>.csv|xlsx`. The same link always gives the same bytes.

routes ──▶ job ──▶ csv_file, xlsx_file
(address)  (SQL, spool)  (cells)
"""

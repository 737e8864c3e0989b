"""One ward: its figures, how it stands, what is missing, declared, corrected, overdue and difficult."""

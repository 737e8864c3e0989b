"""`python -m ops` is the command line `dongbo`."""

from ops.cli import main

if __name__ == "__main__":
    main()

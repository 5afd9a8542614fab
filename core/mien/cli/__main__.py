"""`python -m mien.cli` is `mien`."""

from mien.cli.app import main

if __name__ == "__main__":
    main()

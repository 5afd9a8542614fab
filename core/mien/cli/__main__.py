"""`python -m mien.cli` is `mien`."""

from mien.cli.start import main

if __name__ == "__main__":
    main()

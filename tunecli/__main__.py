"""Lets `python -m tunecli` stand for the console script."""

from tunecli.cli.main import main

if __name__ == "__main__":
    main()

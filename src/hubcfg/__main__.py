"""Runs the command line as `python -m hubcfg`."""

from hubcfg.cli.main import main

if __name__ == "__main__":
    main()

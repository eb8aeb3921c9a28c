"""The server's entry point: `python panel_serve.py` is `claudia serve`, and takes the same options."""

import sys

from claudia_core.cli import main

if __name__ == "__main__":
    main(["serve", *sys.argv[1:]])

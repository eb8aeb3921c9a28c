"""`python -m claudia_core` is `claudia`."""

from claudia_core.cli import main

if __name__ == "__main__":
    main()

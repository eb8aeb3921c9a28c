"""What the commands write to: results on standard output, everything else on standard error."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 200
"""Characters of a line where no terminal says how wide it is."""


@cache
def out() -> Console:
    """For results."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPE_WIDTH
    return Console(highlight=False, markup=False, emoji=False, width=width)


@cache
def err() -> Console:
    """For everything else."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def say(text: str = "", style: str | None = None) -> None:
    """One line of a result, never wrapped."""
    out().print(text, style=style, soft_wrap=True)


def note(text: str, style: str | None = None) -> None:
    """One line beside the results, never wrapped."""
    err().print(text, style=style, soft_wrap=True)


def complain(message: str, hint: str | None) -> None:
    """An error for people: one red line, and what to do about it."""
    note(f"claudia: {message}", "bold red")
    if hint:
        note(f"         {hint}")


def configure_logs() -> None:
    """Log lines for people, on standard error: the time, what happened, and the values."""
    import logging

    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S"
    )
    logging.getLogger("claudia_core").setLevel(logging.INFO)
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # it tells at every failure what our error tells in words

"""The look of a report: the colours of the pages, as variables for light and dark, and `report.css`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from claudia_core.model.task import Status
from claudia_core.tracking.display import COLOURS
from dashboards.theme import CHART_COLOURS, DARK_COLOURS, FONT, THEME

CSS = Path(__file__).with_name("report.css")


@cache
def page_style() -> str:
    """The style of a whole file."""
    return f"{_variables()}{_rules()}"


@cache
def fragment_style() -> str:
    """The style of a part within another page, where it reaches nothing else."""
    return f"{_variables()}.claudia{{{_rules()}}}"


def _rules() -> str:
    return " ".join(CSS.read_text(encoding="utf-8").split())


def _variables() -> str:
    light, dark = _colours(THEME["light"], COLOURS), _colours(THEME["dark"], DARK_COLOURS)
    fills = "".join(f"--f-{name}:{colour};" for name, colour in CHART_COLOURS.items())
    return (
        f".claudia{{color-scheme:light dark;font-family:{FONT};{fills}{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{.claudia{{{dark}}}}}"
    )


def _colours(theme: Mapping[str, Any], statuses: Mapping[Status, str]) -> str:
    palette = theme["palette"]
    named = {
        "text": palette["text"]["primary"],
        "muted": palette["text"]["secondary"],
        "line": palette["divider"],
        "ground": palette["background"]["default"],
        "surface": palette["background"]["paper"],
        "accent": palette["primary"]["main"],
        **{status.value: colour for status, colour in statuses.items()},
    }
    return "".join(f"--{name}:{colour};" for name, colour in named.items())

"""Headings: what every page begins with."""

from __future__ import annotations

import html
from typing import Any

import panel as pn

from dashboards.theme import HEADING
from dashboards.theme.bare import Bare


def heading(title: str, text: str = "", tone: str = "", level: int = 2) -> Any:
    """A heading with a sentence below; both are shown as text."""
    return markup(heading_html(title, text, tone, level), HEADING)


def markup(text: str, *styles: str, **options: Any) -> Any:
    """Markup made by ourselves, with styles of ours alone."""
    return pn.pane.HTML(text, stylesheets=list(styles), sizing_mode="stretch_width", margin=0, design=Bare, **options)


def heading_html(title: str, text: str = "", tone: str = "", level: int = 2) -> str:
    """The same as markup, with everything escaped."""
    body = f'<span class="{html.escape(tone)}">{html.escape(text)}</span>'
    below = f'<p role="status">{body}</p>' if text else ""
    head = f"<h{level}>{html.escape(title)}</h{level}>" if title else ""
    return head + below

"""Mail as rows of cells and as a document to look at: pure functions without panel."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from typing import Any

from claudia_core.integrations.mail.templates import Rendered
from dashboards import units
from dashboards.cells.tasks import Row, fact

GUARD = (
    '<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "style-src 'unsafe-inline'; img-src data:\"><base target=_blank><meta name=viewport content=width=device-width>"
    "<style>body{font:15px/1.5 system-ui,sans-serif;margin:16px;overflow-wrap:anywhere}</style>"
)
"""Before a mail's own markup: nothing in it is loaded, links lead nowhere (the frame may open no windows), and without
styles it looks as in most programs for mail."""

NOBODY = "nobody: set CLAUDIA_MAIL_URL and CLAUDIA_MAIL_FROM"


def frame(source: str) -> str:
    """A mail's HTML as it looks, in a frame of its own: no script of it runs, no form is sent, nothing is loaded."""
    return (
        '<iframe sandbox="" referrerpolicy="no-referrer" title="The mail as it looks" '
        f'srcdoc="{html.escape(GUARD + source)}"></iframe>'
    )


def mail_facts(made: Rendered, sender: str, carrier: str) -> list[Row]:
    """What a mail says of itself before it is read."""
    facts = (
        fact("Subject", "text", made.subject),
        fact("From", "text", sender),
        fact("Sent by", "text", carrier or NOBODY),
        fact(
            "Parts",
            "text",
            f"HTML of {units.number(len(made.html))}, text of {units.number(len(made.text))} characters",
        ),
    )
    return [row for row in facts if row is not None]


def block(name: str, text: str) -> list[Row]:
    """A part of the mail as text to read and to copy."""
    return [{"id": name, "label": name, "value": text}]


def sample_text(sample: Mapping[str, Any]) -> str:
    """Example data as somebody edits it; empty for none."""
    return json.dumps(dict(sample), indent=2, ensure_ascii=False, default=str) if sample else ""

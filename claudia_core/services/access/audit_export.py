"""The audit log as text for other programs: JSON lines, or CSV (RFC 4180) that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

import orjson

from claudia_core.model.audit import AuditEntry

FIELDS = ("time", "actor", "actor_name", "via", "address", "action", "subject", "details", "id")
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula: such values get an apostrophe before them."""


def json_lines(entries: Iterable[AuditEntry]) -> Iterator[str]:
    """One JSON object for each entry, without line ends."""
    for entry in entries:
        yield orjson.dumps(entry.to_document()).decode()


def csv_lines(entries: Iterable[AuditEntry]) -> Iterator[str]:
    """A line of headings, then one for each entry, without line ends."""
    yield ",".join(FIELDS)
    for entry in entries:
        document = entry.to_document()
        document["details"] = orjson.dumps(document["details"]).decode() if document["details"] else ""
        yield _line([_safe(str(document[field])) for field in FIELDS])


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULAS) else text


def _line(values: list[str]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(values)
    return written.getvalue()

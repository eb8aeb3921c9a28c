"""A named choice of tasks, shared by everybody on the hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from claudia_core.errors import InvalidValue, TooLarge
from claudia_core.model.times import from_text, to_text
from claudia_core.model.values import require_text, shown

MAX_TITLE = 60
MAX_FIELDS = 20
MAX_FIELD = 500


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """A name for a view of the tasks page: `query` is what its address says, such as `{"status": "failed"}`."""

    id: str
    name: str
    created_at: datetime
    query: Mapping[str, str] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "id": self.id,
            "name": self.name,
            "query": dict(self.query),
            "created_at": to_text(self.created_at),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> SavedFilter:
        """The value that `to_document` wrote."""
        return cls(document["id"], document["name"], from_text(document["created_at"]), document["query"])


def require_title(name: object) -> str:
    """A filter's name without blanks around it.

    Raises:
        InvalidValue, TooLarge: it is no text of 1 to 60 characters on one line.
    """
    text = " ".join(require_text(name, "name", MAX_TITLE * 4).split())
    return require_text(text, "name", MAX_TITLE)


def require_query(query: object) -> dict[str, str]:
    """What a filter asks for, as a plain dict of texts.

    Raises:
        InvalidValue, TooLarge: it is no dict of texts, or over its limits.
    """
    if not isinstance(query, Mapping):
        raise InvalidValue(f"query is not a dict: {shown(query)}", field="query", hint="use a dict of texts")
    if len(query) > MAX_FIELDS:
        raise TooLarge(f"query has {len(query)} fields, over the limit of {MAX_FIELDS}", field="query")
    return {
        require_text(key, "query", 50): require_text(text, f"query.{key}", MAX_FIELD) for key, text in query.items()
    }

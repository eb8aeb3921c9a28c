"""An API key: what programs sign in with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from claudia_core.model.identity import Identity, Kind, Scope, require_scope
from claudia_core.model.times import from_optional_text, from_text, to_optional_text, to_text

MARK = "claudia_"
"""How every key begins, so that people and scanners for secrets know one when they see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key. Its text is shown once, when it is made; kept are `prefix`, by which people know it, and a hash.

    `expires_at` None means that it does not end by itself.
    """

    id: str
    name: str
    prefix: str
    digest: str = field(repr=False)
    scope: Scope
    created_at: datetime
    created_by: str
    projects: tuple[str, ...] = ()
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_good(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def identity(self, via: str = "key", *, session: str = "", address: str = "") -> Identity:
        """This key as somebody who asks."""
        scopes, projects = frozenset({self.scope}), frozenset(self.projects)
        return Identity(Kind.KEY, self.id, self.name, scopes, projects, via, session, address)

    def to_public(self) -> dict[str, Any]:
        """As plain JSON, without secrets."""
        return {
            "id": self.id,
            "name": self.name,
            "prefix": self.prefix,
            "scope": self.scope.value,
            "projects": list(self.projects),
            "created_at": to_text(self.created_at),
            "created_by": self.created_by,
            "expires_at": to_optional_text(self.expires_at),
            "last_used_at": to_optional_text(self.last_used_at),
            "revoked_at": to_optional_text(self.revoked_at),
        }

    def to_document(self) -> dict[str, Any]:
        """As the store keeps it."""
        return {**self.to_public(), "digest": self.digest}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> ApiKey:
        """The value that `to_document` wrote."""
        return cls(
            id=document["id"],
            name=document["name"],
            prefix=document["prefix"],
            digest=document["digest"],
            scope=require_scope(document["scope"]),
            projects=tuple(document["projects"]),
            created_at=from_text(document["created_at"]),
            created_by=document["created_by"],
            expires_at=from_optional_text(document["expires_at"]),
            last_used_at=from_optional_text(document["last_used_at"]),
            revoked_at=from_optional_text(document["revoked_at"]),
        )

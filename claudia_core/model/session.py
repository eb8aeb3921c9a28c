"""A sign-in that lasts: of a browser, by a cookie; or of a program, by a family of tokens that renew each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from claudia_core.model.identity import Kind
from claudia_core.model.times import from_text, to_text

BROWSER, TOKENS = "browser", "tokens"
"""Kinds of sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A sign-in. `kind` is `browser` or `tokens`, `owner` the id of the user or key (empty for the server's token).

    `digest` is the hash of what proves it: the cookie's secret, or the id of the newest refresh token. `proof` ties a
    session that began with the server's token to that token.
    """

    id: str
    kind: str
    owner_kind: Kind
    owner: str
    name: str
    via: str
    digest: str = field(repr=False)
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    proof: str = field(default="", repr=False)
    address: str = ""
    agent: str = ""

    def is_good(self, now: datetime) -> bool:
        """Whether its time is not over."""
        return now < self.expires_at

    def to_public(self) -> dict[str, Any]:
        """As plain JSON, without secrets."""
        return {
            "id": self.id,
            "kind": self.kind,
            "owner_kind": self.owner_kind.value,
            "owner": self.owner,
            "name": self.name,
            "via": self.via,
            "address": self.address,
            "agent": self.agent,
            "created_at": to_text(self.created_at),
            "seen_at": to_text(self.seen_at),
            "expires_at": to_text(self.expires_at),
        }

    def to_document(self) -> dict[str, Any]:
        """As the store keeps it."""
        return {**self.to_public(), "digest": self.digest, "proof": self.proof}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Session:
        """The value that `to_document` wrote."""
        times = {name: from_text(document[name]) for name in ("created_at", "seen_at", "expires_at")}
        return cls(**{**document, **times, "owner_kind": Kind(document["owner_kind"])})

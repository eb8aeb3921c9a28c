"""What a provider gives for a code: tokens, and until when they are good. They never show themselves."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from claudia_core.errors import ProviderRefused

MARGIN = 30.0
"""Seconds before its end at which a token counts as expired: it is to outlive the request it is for."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access token and what came with it.

    Args:
        access_token: shown as `Authorization: Bearer`.
        refresh_token: for a new access token; None where the provider gave none.
        id_token: of OpenID Connect, not validated; see `OpenIDProvider.identify`.
        expires_at: in seconds since 1970; None where the provider did not say.
        scope: what the token allows, as the provider says.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)
    expires_at: float | None = None
    scope: str = ""

    @classmethod
    def of(cls, answer: Mapping[str, Any], *, now: float | None = None, before: Tokens | None = None) -> Self:
        """A token endpoint's answer (RFC 6749, section 5.1); a refresh token that does not come stays as `before`.

        Raises:
            ProviderRefused: it holds no bearer token.
        """
        access = answer.get("access_token")
        if not isinstance(access, str) or not access or str(answer.get("token_type", "bearer")).lower() != "bearer":
            raise ProviderRefused("the provider gave no bearer token")
        refresh = answer.get("refresh_token") or (before.refresh_token if before else None)
        return cls(
            access,
            refresh if isinstance(refresh, str) else None,
            answer["id_token"] if isinstance(answer.get("id_token"), str) else None,
            _end(answer.get("expires_in"), time.time() if now is None else now),
            str(answer.get("scope") or (before.scope if before else "")),
        )

    @property
    def is_expired(self) -> bool:
        """Whether it is time for a new one."""
        return self.expires_at is not None and time.time() > self.expires_at - MARGIN

    def as_document(self) -> dict[str, Any]:
        """For the vault."""
        return asdict(self)


def _end(seconds: Any, now: float) -> float | None:
    try:
        return now + float(seconds)
    except (TypeError, ValueError):
        return None

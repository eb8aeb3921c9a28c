"""Who somebody is, as a provider says it: the id token checked to the letter (OpenID Connect Core, section 3.1.3.7)."""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from claudia_core.errors import MissingExtra, ProviderRefused

try:
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet
except ImportError as error:
    raise MissingExtra("OpenID Connect needs joserfc", hint="pip install 'claudia-core[auth]'") from error

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"]
"""Signatures by a key pair only: neither `none` nor HMAC, whose key would be the client's secret or a public key."""

LEEWAY = 60.0
"""Seconds by which two clocks may differ."""

OLDEST = 600.0
"""Seconds since an id token was made: a sign-in takes less."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Somebody, as a provider knows them.

    Args:
        issuer: who says so.
        subject: their id there, which never changes and is never given to somebody else.
        username: what they are called there; can change, and be taken by somebody else later.
        name: for people to read.
        email: only one that the provider has verified; else empty.
        domain: the organisation's domain that vouches for the account (Google's `hd`); else empty.
        groups: groups, teams or organisations.
    """

    issuer: str
    subject: str
    username: str = ""
    name: str = ""
    email: str = ""
    domain: str = ""
    groups: frozenset[str] = frozenset()

    @classmethod
    def of(cls, issuer: str, told: Mapping[str, Any], groups_claim: str = "groups") -> Claims:
        """The claims of an id token or of the userinfo endpoint, both already believed.

        Raises:
            ProviderRefused: there is no subject.
        """
        subject = told.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise ProviderRefused("the provider does not say who it is: there is no sub")
        groups = told.get(groups_claim)
        return cls(
            issuer,
            subject,
            _text(told, "preferred_username"),
            _text(told, "name"),
            _text(told, "email") if told.get("email_verified") is True else "",
            _text(told, "hd").lower(),
            frozenset(group for group in groups if isinstance(group, str)) if isinstance(groups, list) else frozenset(),
        )


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    return value[:200] if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Expected:
    """What an id token must say."""

    issuer: str
    client_id: str
    nonce: str


def verified(token: str, keys: KeySet, expected: Expected, now: float | None = None) -> dict[str, Any]:
    """The claims of an id token that is signed by one of `keys`, for us, for this very trip, and in time.

    Raises:
        ProviderRefused: it is not; the message says what is wrong, and nothing of the token.
    """
    try:
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
    except (JoseError, ValueError, TypeError) as error:
        raise ProviderRefused(f"the id token cannot be believed: {type(error).__name__}") from error
    _require(claims.get("iss") == expected.issuer, "is of another issuer")
    _require_audience(claims, expected.client_id)
    _require_time(claims, time.time() if now is None else now)
    nonce = claims.get("nonce")
    same = isinstance(nonce, str) and hmac.compare_digest(nonce.encode(errors="replace"), expected.nonce.encode())
    _require(same, "is of another sign-in")
    return claims


def _require_audience(claims: Mapping[str, Any], client_id: str) -> None:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    _require(client_id in audiences, "is for another program")
    party = claims.get("azp")
    _require(party == client_id or (party is None and len(audiences) == 1), "is for another program")


def _require_time(claims: Mapping[str, Any], now: float) -> None:
    expires, made, begins = (claims.get(name) for name in ("exp", "iat", "nbf"))
    _require(_is_number(expires) and _is_number(made), "does not say its times")
    assert isinstance(expires, (int, float))
    assert isinstance(made, (int, float))
    _require(now < expires + LEEWAY, "has expired")
    _require(made - LEEWAY < now < made + OLDEST + LEEWAY, "was not made just now")
    _require(begins is None or (isinstance(begins, (int, float)) and begins - LEEWAY < now), "is not good yet")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _require(is_met: bool, what: str) -> None:
    if not is_met:
        raise ProviderRefused(f"the id token {what}", hint="begin the sign-in again")

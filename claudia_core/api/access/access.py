"""From what a visitor shows to who it is: the server's token, a key, an access token, or a session's cookie.

What was looked up is known by heart for a second, so that a busy client costs microseconds; a change in this process
(a key revoked, a user disabled) is seen at once, one in another process within that second.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from claudia_core.address import store_file
from claudia_core.api.access.signing import SigningKeys
from claudia_core.app import Claudia
from claudia_core.errors import NotFound, TokenExpired, TokenInvalid, Unauthenticated
from claudia_core.model.api_key import MARK, ApiKey
from claudia_core.model.identity import Identity, Kind, Scope
from claudia_core.model.session import TOKENS, Session
from claudia_core.model.times import utc_now
from claudia_core.model.user import User

if TYPE_CHECKING:
    from claudia_core.api.access.auth_service import AuthService

KNOWN_SECONDS = 1.0
"""Seconds for which an identity is known by heart."""

SEND_IT = (
    "send it as Authorization: Bearer TOKEN; from Python as api_key, at a terminal in CLAUDIA_TOKEN or the hub's link"
)
"""The hint for who comes without a token, or with a wrong one."""

MOST_KNOWN = 10_000
LONGEST = 8_000
"""Most characters of a token or cookie that is looked at."""


class Known(NamedTuple):
    """An identity, until when it is known by heart, and at which revision of users, keys and sessions."""

    identity: Identity
    until: float
    revision: int


class Ways(NamedTuple):
    """How a person can sign in here besides the server's token: by password, or elsewhere (label and address)."""

    has_users: bool
    links: tuple[tuple[str, str], ...] = ()


class Access:
    """Knows visitors. Safe to use from several threads.

    Args:
        hub: whose users, keys and sessions.
        token: the server's own; whoever shows it is an admin.
        port: of the server. Cookies are named after it, because hubs on one host share a browser's cookies.
        links: where people can sign in elsewhere: label and address.
    """

    def __init__(self, hub: Claudia, token: str, port: int, links: Iterable[tuple[str, str]] = ()) -> None:
        self.hub = hub
        self._links = tuple(links)
        self._ways: tuple[float, Ways] | None = None
        self.cookie_name = f"claudia-{port}"
        self._token = token.encode()
        self._known: dict[tuple[str, str], Known] = {}

    # --- credentials --------------------------------------------------------------------------------------------

    def known(self, bearer: str, address: str) -> Identity | None:
        """Who shows this, if it is known by heart; costs a microsecond."""
        found = self._known.get((bearer, address))
        if found is None or found.revision != self.hub.revisions.number or found.until < time.monotonic():
            return None
        return found.identity

    def bearer(self, shown: str, address: str = "") -> Identity:
        """Who shows this after `Authorization: Bearer`. Asks the store: it may block.

        Raises:
            TokenInvalid, TokenExpired: nobody.
        """
        return self.known(shown, address) or self._learn(shown, address, lambda: self._of_bearer(shown, address))

    def cookie(self, shown: str, address: str = "") -> Identity:
        """Who shows this as the session's cookie. Asks the store: it may block.

        Raises:
            TokenInvalid, TokenExpired: nobody.
        """
        known = f"cookie {shown}"  # no bearer holds a space: the two cannot be taken for each other
        return self.known(known, address) or self._learn(known, address, lambda: self._of_cookie(shown, address))

    def accepts_token(self, shown: str) -> bool:
        """Whether this is the server's own token. Takes constant time."""
        return hmac.compare_digest(shown.encode(errors="replace"), self._token)

    def by_token(self, address: str = "", *, session: str = "") -> Identity:
        """Whoever came with the server's own token."""
        return Identity(Kind.TOKEN, "", "token", frozenset(Scope), via="token", session=session, address=address)

    def _learn(self, shown: str, address: str, look: Callable[[], Identity]) -> Identity:
        revision = self.hub.revisions.number  # before the look: a change during it makes what was found old
        identity = look()
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[shown, address] = Known(identity, time.monotonic() + KNOWN_SECONDS, revision)
        return identity

    def _of_bearer(self, shown: str, address: str) -> Identity:
        if self.accepts_token(shown):
            return self.by_token(address)
        if len(shown) > LONGEST:
            raise TokenInvalid("the token is too long")
        if shown.startswith(MARK):
            return self.hub.keys.accept(shown).identity(address=address)
        if shown.count(".") == 2:
            return self._of_claims(self.tokens.verify(shown), address)
        raise TokenInvalid("the token is not right", hint=SEND_IT)

    def _of_cookie(self, shown: str, address: str) -> Identity:
        id, _, secret = shown[:LONGEST].partition(".")
        return self.of_session(self.hub.sessions.accept(id, secret), address)

    def _of_claims(self, claims: dict[str, Any], address: str) -> Identity:
        session = self.hub.sessions.alive(str(claims.get("sid", "")))
        identity = self.of_session(session, address)
        if session.kind != TOKENS or claims.get("sub") != identity.actor:
            raise TokenInvalid("the token is not valid: it is somebody else's")
        return replace(identity, via="jwt")

    def of_session(self, session: Session, address: str) -> Identity:
        """Whose session it is, as they are now.

        Raises:
            TokenInvalid, TokenExpired: its owner may not come in any more.
        """
        if session.owner_kind is Kind.TOKEN:
            if not hmac.compare_digest(session.proof, self.proof):
                raise TokenInvalid("the server has another token now", hint="open its new link")
            return self.by_token(address, session=session.id)
        owner = self._owner(session)
        return owner.identity(session.via, session=session.id, address=address)

    def _owner(self, session: Session) -> User | ApiKey:
        try:
            if session.owner_kind is Kind.KEY:
                key = self.hub.keys.get(session.owner)
                if key.revoked_at is not None:
                    raise TokenInvalid("the API key has been revoked")
                if not key.is_good(utc_now()):
                    raise TokenExpired(f"the API key {key.name!r} has expired")
                return key
            user = self.hub.users.get(session.owner)
        except NotFound as error:
            raise TokenInvalid("its owner has been removed", hint="sign in again") from error
        if not user.enabled:
            raise TokenInvalid(f"{user.name} may not sign in any more")
        return user

    def still(self, identity: Identity) -> bool:
        """Whether somebody who came in before may still be here, as who they came; asks the store.

        Who has another scope or other projects meanwhile has to come in anew.
        """
        try:
            if identity.session:
                now = self.of_session(self.hub.sessions.alive(identity.session), identity.address)
                return (now.scopes, now.projects) == (identity.scopes, identity.projects)
            if identity.kind is Kind.KEY:
                return self.hub.keys.get(identity.id).is_good(utc_now())
        except (Unauthenticated, NotFound):
            return False
        return True

    @cached_property
    def proof(self) -> str:
        """Ties sessions to the server's token: with another token they are worth nothing."""
        return hmac.new(self._token, b"claudia session", hashlib.sha256).hexdigest()

    # --- sign-in ------------------------------------------------------------------------------------------------

    @cached_property
    def signing(self) -> SigningKeys:
        """The keys that sign tokens."""
        return SigningKeys(self.hub.settings, store_file(self.hub.settings))

    @cached_property
    def tokens(self) -> AuthService:
        """Makes and checks access and refresh tokens.

        Raises:
            MissingExtra: joserfc is not installed.
        """
        from claudia_core.api.access.auth_service import AuthService

        settings = self.hub.settings
        return AuthService(
            self.signing.usable,
            expires_in=settings.access_token_seconds,
            refresh_expires_in=settings.refresh_token_seconds,
        )

    def ways(self) -> Ways:
        """How people can sign in; looked up once a second at most."""
        found, now = self._ways, time.monotonic()
        if found is None or found[0] < now:
            found = self._ways = (now + KNOWN_SECONDS, Ways(self.hub.users.can_sign_in(), self._links))
        return found[1]

    @property
    def lifetime(self) -> timedelta:
        """How long a browser stays signed in."""
        return timedelta(days=self.hub.settings.session_days)

    def begin(self, identity: Identity, *, agent: str = "", shown: Iterable[str] = ()) -> str:
        """A new session for somebody; returns the cookie's value. The sessions of the cookies `shown` end.

        It blocks until the session is saved.
        """
        before = self._session_of(shown)
        proof = self.proof if identity.kind is Kind.TOKEN else ""
        session, secret = self.hub.sessions.begin(identity, self.lifetime, agent=agent, proof=proof, before=before)
        return f"{session.id}.{secret}"

    def _session_of(self, shown: Iterable[str]) -> str:
        for value in shown:
            try:
                return self.cookie(value).session
            except Unauthenticated:
                continue
        return ""

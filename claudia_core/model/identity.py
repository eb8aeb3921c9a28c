"""Who asks, and what they may do.

The guard of the server finds out once for each request and socket. From then on it travels in two ways: as
`scope["state"]["identity"]` (starlette's `request.state.identity`), and as a context variable, `current()`, which
pages and operations read. Code that no request has called, such as a notebook's, acts as `LOCAL`.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from enum import StrEnum

from claudia_core.errors import AccessDenied, InvalidValue, Unauthenticated


class Scope(StrEnum):
    """What a caller may do; each includes the ones before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """0 for a viewer; higher includes lower."""
        return RANKS[self]

    def includes(self, other: Scope) -> bool:
        """Whether whoever has this may do what takes `other`."""
        return RANKS[self] >= RANKS[other]


RANKS = {scope: rank for rank, scope in enumerate(Scope)}


def require_scope(value: object, field: str = "scope") -> Scope:
    """`value` as a scope.

    Raises:
        InvalidValue: it is none.
    """
    try:
        return Scope(str(value))
    except ValueError:
        raise InvalidValue(f"{field} is {value!r:.80}", field=field, hint=f"use {', '.join(Scope)}") from None


class Kind(StrEnum):
    """What a caller is known by."""

    TOKEN = "token"  # noqa: S105 - a word, no secret
    """The server's own token, or the browser that came with it."""
    USER = "user"
    KEY = "key"
    LOCAL = "local"
    """Somebody at this machine, beside the server: a terminal, a notebook."""
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who asks.

    Args:
        kind: what they are known by.
        id: of the user or key; empty for others.
        name: what people read.
        scopes: what they may do; the highest counts.
        projects: the projects they are confined to; empty for all.
        via: how they came: `token`, `password`, `oidc`, `key`, `jwt`, `local`.
        session: the id of their session, which can be ended; empty where there is none.
        address: where the request came from.
    """

    kind: Kind
    id: str = ""
    name: str = ""
    scopes: frozenset[Scope] = frozenset()
    projects: frozenset[str] = frozenset()
    via: str = ""
    session: str = ""
    address: str = ""

    @property
    def scope(self) -> Scope | None:
        """The highest scope; None for somebody who may do nothing."""
        return max(self.scopes, key=RANKS.__getitem__, default=None)

    @property
    def is_confined(self) -> bool:
        """Whether only some projects are theirs."""
        return bool(self.projects)

    def may(self, needed: Scope) -> bool:
        """Whether they have this scope or one that includes it."""
        rank = RANKS[needed]
        return any(RANKS[scope] >= rank for scope in self.scopes)

    def require(self, needed: Scope, what: str = "this") -> None:
        """Refuse whoever may not.

        Raises:
            Unauthenticated: nobody has signed in.
            AccessDenied: somebody has, without this scope.
        """
        if self.may(needed):
            return
        if self.kind is Kind.ANONYMOUS:
            raise Unauthenticated("nobody has signed in", hint="sign in, or send Authorization: Bearer TOKEN")
        has = self.scope or "no scope"
        raise AccessDenied(f"{what} takes the scope {needed}, and {self.name or self.kind} has {has}")

    @property
    def actor(self) -> str:
        """Who did something, in a word of its own: `user:ID`, `key:ID`, `token`, `local:NAME`."""
        rest = self.id or (self.name if self.kind is Kind.LOCAL else "")
        return f"{self.kind}:{rest}" if rest else str(self.kind)


ANONYMOUS = Identity(Kind.ANONYMOUS)
"""Somebody who has shown nothing."""


def local() -> Identity:
    """Whoever runs this process: they can read the store's file, so nothing is kept from them."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        name = ""
    return Identity(Kind.LOCAL, name=name, scopes=frozenset(Scope), via="local")


_current: ContextVar[Identity | None] = ContextVar("claudia_identity", default=None)


def current() -> Identity:
    """Who the present request or session belongs to; `local()` outside of any."""
    return _current.get() or local()


def enter(identity: Identity) -> Token[Identity | None]:
    """Act as somebody from now on in this context; `leave` ends it."""
    return _current.set(identity)


def leave(token: Token[Identity | None]) -> None:
    """End what `enter` began."""
    _current.reset(token)


@contextmanager
def acting_as(identity: Identity) -> Iterator[None]:
    """Act as somebody within the block."""
    token = enter(identity)
    try:
        yield
    finally:
        leave(token)

"""Users: the only place where they change. Every change is in the audit log of the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from claudia_core.errors import Conflict, InvalidValue, NotFound, Unauthenticated
from claudia_core.model.identity import Identity, Kind, Scope, current, require_scope
from claudia_core.model.ids import new_id
from claudia_core.model.user import User, require_name, require_projects
from claudia_core.model.values import require_text
from claudia_core.ports import Query, Store, Transaction
from claudia_core.services.access import audit, passwords
from claudia_core.services.access.attempts import Attempts
from claudia_core.services.access.sessions import end_of

WRONG = "the name or the password is not right"


class Users:
    """Adds, changes, finds and signs in.

    Args:
        store: where they are kept.
        changed: called after each change, so that what is known by heart is looked up again.
    """

    def __init__(self, store: Store, changed: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._changed = changed
        self._attempts = Attempts(store)

    def add(
        self,
        name: str,
        password: str | None = None,
        *,
        scope: Scope | str = Scope.VIEWER,
        projects: Iterable[str] = (),
    ) -> User:
        """Make a user. Without a password they cannot sign in until one is set.

        Raises:
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
            Conflict: there is a user of that name; case does not matter.
            MissingExtra: argon2 is not installed.
        """
        name, granted, confined = require_name(name), require_scope(scope), require_projects(projects)
        kept = "" if password is None else passwords.hashed(passwords.require_password(password, name))
        id, who = new_id(), current()

        def work(tx: Transaction) -> User:
            _require_free(tx, name)
            user = User(id=id, name=name, scope=granted, projects=confined, password_hash=kept, created_at=tx.now)
            tx.put("users", user.to_document())
            audit.note(tx, who, "users.add", id, name=name, scope=granted.value, projects=list(confined))
            return user

        return self._done(work)

    def arrive(
        self,
        issuer: str,
        subject: str,
        name: str,
        *,
        scope: Scope | str = Scope.VIEWER,
        projects: Iterable[str] = (),
    ) -> User:
        """The user whom an identity provider knows as `subject`; made at the first time, brought up to date later.

        A name that somebody else has gets a number behind it.

        Raises:
            InvalidValue, TooLarge: a value breaks a rule.
            Unauthenticated: the user has been disabled.
        """
        issuer, subject = require_text(issuer, "issuer", 500), require_text(subject, "subject", 500)
        name, granted, confined = require_name(name), require_scope(scope), require_projects(projects)
        id = new_id()

        def work(tx: Transaction) -> User:
            known = tx.find(Query("users", {"account": f"{issuer} {subject}"}, limit=1)).documents
            if known:
                user = User.from_document(known[0])
                _require_enabled(user)
            else:
                user = User(
                    id=id, name=_free_name(tx, name), scope=granted, issuer=issuer, subject=subject, created_at=tx.now
                )
            told = {"name": user.name, "scope": granted.value, "projects": list(confined), "issuer": issuer}
            if not known or (user.scope, user.projects) != (granted, confined):
                audit.note(tx, user.identity("oidc"), "users.change" if known else "users.add", user.id, **told)
            user = replace(user, scope=granted, projects=confined, last_login_at=tx.now)
            tx.put("users", user.to_document())
            return user

        return self._done(work)

    def change(
        self,
        id: str,
        *,
        scope: Scope | str | None = None,
        projects: Iterable[str] | None = None,
        enabled: bool | None = None,
        password: str | None = None,
    ) -> User:
        """Change what is given. Who is disabled or gets a new password is signed out everywhere.

        Raises:
            NotFound: there is no such user.
            InvalidValue: a value breaks a rule.
            MissingExtra: argon2 is not installed.
        """
        values: dict[str, Any] = {}
        if scope is not None:
            values["scope"] = require_scope(scope)
        if projects is not None:
            values["projects"] = require_projects(projects)
        if enabled is not None:
            values["enabled"] = bool(enabled)
        told = {**values, **({"password": "changed"} if password is not None else {})}
        if password is not None:
            values["password_hash"] = passwords.hashed(passwords.require_password(password, self.get(id).name))
        who = current()

        def work(tx: Transaction) -> User:
            user = replace(_load(tx, id), **values)
            tx.put("users", user.to_document())
            if enabled is False or password is not None:
                end_of(tx, id)
            audit.note(tx, who, "users.change", id, name=user.name, **told)
            return user

        changed = self._done(work)
        if password is not None:
            self._attempts.forget(changed.name)
        return changed

    def remove(self, id: str) -> User:
        """Remove a user, who is signed out everywhere; returns who it was.

        Raises:
            NotFound: there is no such user.
        """
        who = current()

        def work(tx: Transaction) -> User:
            user = _load(tx, id)
            tx.delete("users", id)
            end_of(tx, id)
            audit.note(tx, who, "users.remove", id, name=user.name)
            return user

        return self._done(work)

    def sign_in(self, name: str, password: str, *, address: str = "") -> User:
        """The user of that name, if the password is right. Blocks for a tenth of a second.

        Raises:
            Unauthenticated: name or password is wrong, or the user is disabled; which of them is not told.
            RateLimited: too many wrong passwords for this name.
            MissingExtra: argon2 is not installed.
        """
        number = self._attempts.take(name)
        user = self._named(name)
        if not passwords.is_right(user.password_hash if user else "", password) or user is None or not user.enabled:
            stranger = Identity(Kind.ANONYMOUS, via="password", address=address)
            audit.Audit(self._store).record("auth.refused", user.id if user else "", stranger, tries=number)
            raise Unauthenticated(WRONG, field="password")
        self._attempts.forget(name)
        return self._store.write(lambda tx: _arrived(tx, user.id)).result()

    def get(self, id: str) -> User:
        """One user.

        Raises:
            NotFound: there is no such user.
        """
        found = self._store.get("users", id)
        if found is None:
            raise _unknown(id)
        return User.from_document(found)

    def named(self, name: str) -> User:
        """The user of that name; case does not matter.

        Raises:
            NotFound: there is none.
        """
        user = self._named(name)
        if user is None:
            raise NotFound(f"no user {name!r:.80}", field="name", hint="list them with: claudia user list")
        return user

    def list(self, *, limit: int = 1_000) -> list[User]:
        """Users by name."""
        page = self._store.find(Query("users", {}, "name_key", limit=limit))
        return [User.from_document(document) for document in page.documents]

    def can_sign_in(self) -> bool:
        """Whether somebody can sign in with a password or an identity provider."""
        return any(user.enabled and (user.password_hash or user.issuer) for user in self.list())

    def _named(self, name: str) -> User | None:
        found = self._store.find(Query("users", {"name_key": name.strip().casefold()}, limit=1)).documents
        return User.from_document(found[0]) if found else None

    def _done(self, work: Callable[[Transaction], User]) -> User:
        user = self._store.write(work).result()
        self._changed()
        return user


def _load(tx: Transaction, id: str) -> User:
    found = tx.get("users", id)
    if found is None:
        raise _unknown(id)
    return User.from_document(found)


def _unknown(id: str) -> NotFound:
    return NotFound(f"no user {id!r:.80}", field="id")


def _arrived(tx: Transaction, id: str) -> User:
    user = replace(_load(tx, id), last_login_at=tx.now)
    _require_enabled(user)
    tx.put("users", user.to_document())
    return user


def _require_enabled(user: User) -> None:
    if not user.enabled:
        raise Unauthenticated(f"{user.name} may not sign in any more", hint="ask an admin of this hub")


def _is_taken(tx: Transaction, name: str) -> bool:
    return bool(tx.find(Query("users", {"name_key": name.casefold()}, limit=1)).documents)


def _require_free(tx: Transaction, name: str) -> None:
    if _is_taken(tx, name):
        raise Conflict(
            f"there is a user {name!r} already", field="name", hint="claudia user passwd sets a new password"
        )


def _free_name(tx: Transaction, name: str) -> str:
    for number in range(2, 1_000):
        if not _is_taken(tx, name):
            return name
        name = f"{name.rpartition(' ')[0] if number > 2 else name} {number}"
    raise InvalidValue(f"too many users are called {name!r:.80}", field="name")

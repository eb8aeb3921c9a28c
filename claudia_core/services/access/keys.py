"""API keys: made, shown once, found by what a program shows, revoked."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from claudia_core.errors import InvalidValue, NotFound, TokenExpired, TokenInvalid
from claudia_core.model.api_key import MARK, ApiKey
from claudia_core.model.identity import Scope, current, require_scope
from claudia_core.model.ids import new_id
from claudia_core.model.times import to_text, utc_now
from claudia_core.model.user import require_name, require_projects
from claudia_core.ports import Query, Store, Transaction
from claudia_core.services.access import audit
from claudia_core.services.access.sessions import end_of

MOST_DAYS = 3_650
USED_EVERY = timedelta(minutes=1)
"""How exactly the last use of a key is noted: a busy key costs one small write a minute."""


class Keys:
    """Makes, finds and revokes keys.

    Args:
        store: where they are kept.
        changed: called after each change, so that what is known by heart is looked up again.
    """

    def __init__(self, store: Store, changed: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._changed = changed

    def create(
        self,
        name: str,
        *,
        scope: Scope | str = Scope.OPERATOR,
        projects: Iterable[str] = (),
        days: float | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key that ends after `days`, or not at all. The text is given this once; only its hash is kept.

        Raises:
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
        """
        name, granted, confined = require_name(name), require_scope(scope), require_projects(projects)
        if days is not None and not 0 < days <= MOST_DAYS:
            raise InvalidValue(f"days is {days!r}", field="days", hint=f"use a number up to {MOST_DAYS:,}")
        prefix = MARK + secrets.token_hex(4)
        text = f"{prefix}_{secrets.token_urlsafe(32)}"
        id, who = new_id(), current()

        def work(tx: Transaction) -> ApiKey:
            key = ApiKey(
                id=id,
                name=name,
                prefix=prefix,
                digest=digest_of(text),
                scope=granted,
                projects=confined,
                created_at=tx.now,
                created_by=who.actor,
                expires_at=None if days is None else tx.now + timedelta(days=days),
            )
            tx.put("keys", key.to_document())
            told = {"name": name, "prefix": prefix, "scope": granted.value, "projects": list(confined), "days": days}
            audit.note(tx, who, "keys.create", id, **told)
            return key

        return self._store.write(work).result(), text

    def revoke(self, id: str) -> ApiKey:
        """End a key, and the sessions that began with it. Once more does no harm.

        Raises:
            NotFound: there is no such key.
        """
        who = current()

        def work(tx: Transaction) -> ApiKey:
            found = tx.get("keys", id)
            if found is None:
                raise NotFound(f"no key {id!r:.80}", field="id", hint="list them with: claudia key list")
            key = ApiKey.from_document(found)
            if key.revoked_at is None:
                key = replace(key, revoked_at=tx.now)
                tx.put("keys", key.to_document())
                end_of(tx, id)
                audit.note(tx, who, "keys.revoke", id, name=key.name, prefix=key.prefix)
            return key

        key = self._store.write(work).result()
        self._changed()
        return key

    def accept(self, text: str) -> ApiKey:
        """The key with this text.

        Raises:
            TokenInvalid: there is none, or it has been revoked.
            TokenExpired: its time is over.
        """
        shown = digest_of(text)
        prefix = text[: len(MARK) + 8]
        found = self._store.find(Query("keys", {"prefix": prefix}, limit=5)).documents if text.isascii() else []
        right = [document for document in found if hmac.compare_digest(document["digest"], shown)]
        if not right or right[0]["revoked_at"] is not None:
            raise TokenInvalid("the API key is not valid", hint="claudia key list says which there are")
        key = ApiKey.from_document(right[0])
        self._require_time(key)
        self._use(key)
        return key

    def get(self, id: str) -> ApiKey:
        """One key, revoked or not.

        Raises:
            NotFound: there is no such key.
        """
        found = self._store.get("keys", id)
        if found is None:
            raise NotFound(f"no key {id!r:.80}", field="id")
        return ApiKey.from_document(found)

    def list(self, *, limit: int = 1_000) -> list[ApiKey]:
        """Keys, the newest first."""
        page = self._store.find(Query("keys", {}, "-id", limit=limit))
        return [ApiKey.from_document(document) for document in page.documents]

    def _require_time(self, key: ApiKey) -> None:
        if not key.is_good(utc_now()):
            raise TokenExpired(f"the API key {key.name!r} has expired", hint="make a new one with: claudia key create")

    def _use(self, key: ApiKey) -> None:
        now = utc_now()
        if key.last_used_at is None or now - key.last_used_at >= USED_EVERY:
            self._store.post(f"{key.id}/used", lambda tx: _used(tx, key.id, now))


def digest_of(text: str) -> str:
    """The hash of a key's text. Plain SHA-256 is enough: the text is 32 random bytes, and cannot be guessed."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _used(tx: Transaction, id: str, at: datetime) -> None:
    found = tx.get("keys", id)
    if found is not None and (found["last_used_at"] or "") < to_text(at):
        tx.put("keys", {**found, "last_used_at": to_text(at)})

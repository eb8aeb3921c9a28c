"""Sessions: begun at a sign-in, renewed, listed, ended one by one or everywhere."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from claudia_core.errors import NotFound, TokenExpired, TokenInvalid
from claudia_core.model.identity import Identity, current
from claudia_core.model.ids import new_id
from claudia_core.model.session import BROWSER, TOKENS, Session
from claudia_core.model.times import to_text, utc_now
from claudia_core.model.values import clean_text
from claudia_core.ports import Condition, Query, Range, Store, Transaction
from claudia_core.services.access import audit

LISTED = "list them with: claudia session list"

SEEN_EVERY = timedelta(minutes=1)
"""How exactly the last sign of a session is noted."""

PRUNE = 20
"""Sessions whose time is over that go whenever one begins."""

MOST = 10_000
"""Most sessions of one owner that are ended or listed at once."""


class Sessions:
    """Begins, finds and ends sessions.

    Args:
        store: where they are kept.
        changed: called after each end, so that what is known by heart is looked up again.
    """

    def __init__(self, store: Store, changed: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._changed = changed

    def begin(
        self,
        who: Identity,
        lifetime: timedelta,
        *,
        kind: str = BROWSER,
        agent: str = "",
        proof: str = "",
        before: str = "",
    ) -> tuple[Session, str]:
        """A new session and the secret that proves it, which is not kept.

        The id is new at every sign-in; the session `before`, if there was one, ends with it.
        """
        id, secret = new_id(), secrets.token_urlsafe(32)
        agent = clean_text(agent, 300, "agent")

        def work(tx: Transaction) -> Session:
            session = Session(
                id=id,
                kind=kind,
                owner_kind=who.kind,
                owner=owner_of(who),
                name=who.name,
                via=who.via,
                digest=digest_of(secret),
                proof=proof,
                address=who.address,
                agent=agent,
                created_at=tx.now,
                seen_at=tx.now,
                expires_at=tx.now + lifetime,
            )
            tx.put("sessions", session.to_document())
            _prune(tx)
            if before:
                tx.delete("sessions", before)
            audit.note(tx, who, "auth.sign_in", id, kind=kind, via=who.via, agent=agent)
            return session

        session = self._store.write(work).result()
        if before:
            self._changed()
        return session, secret

    def accept(self, id: str, secret: str) -> Session:
        """The browser's session with this id and secret.

        Raises:
            TokenInvalid: there is none, or it has been ended.
            TokenExpired: its time is over.
        """
        session = self.alive(id)
        if session.kind != BROWSER or not hmac.compare_digest(session.digest, digest_of(secret)):
            raise _ended()
        return session

    def alive(self, id: str) -> Session:
        """The session with this id, noting that it was seen.

        Raises:
            TokenInvalid, TokenExpired: as `accept`.
        """
        found = self._store.get("sessions", id) if id.isascii() else None
        if found is None:
            raise _ended()
        session, now = Session.from_document(found), utc_now()
        if not session.is_good(now):
            raise TokenExpired("the session's time is over", hint="sign in again")
        if now - session.seen_at >= SEEN_EVERY:
            self._store.post(f"{id}/seen", lambda tx: _seen(tx, id, now))
        return session

    def renew(self, id: str, secret: str, lifetime: timedelta) -> tuple[Session, str]:
        """Replace the secret of a session by a new one, once. A secret that was replaced before ends the session.

        Raises:
            TokenInvalid: the session has ended, or the secret was used before: then it is stolen, or its thief was
                quicker, and everybody who has one of the family must sign in again.
            TokenExpired: its time is over.
        """
        fresh, who = secrets.token_urlsafe(32), current()
        self.alive(id)

        def work(tx: Transaction) -> Session | None:
            found = tx.get("sessions", id)
            if found is None:
                return None
            session = Session.from_document(found)
            if session.kind != TOKENS or not hmac.compare_digest(session.digest, digest_of(secret)):
                tx.delete("sessions", id)
                audit.note(tx, who, "auth.reuse", id, name=session.name, owner=session.owner)
                return None
            renewed = replace(session, digest=digest_of(fresh), seen_at=tx.now, expires_at=tx.now + lifetime)
            tx.put("sessions", renewed.to_document())
            return renewed

        session = self._store.write(work).result()
        if session is None:
            self._changed()
            raise TokenInvalid("the refresh token was used before, or revoked", hint="sign in again")
        return session, fresh

    def get(self, id: str) -> Session:
        """One session.

        Raises:
            NotFound: there is no such session.
        """
        found = self._store.get("sessions", id)
        if found is None:
            raise NotFound(f"no session {id!r:.80}", field="id", hint=LISTED)
        return Session.from_document(found)

    def end(self, id: str, *, action: str = "sessions.end") -> Session:
        """End a session.

        Raises:
            NotFound: there is no such session.
        """
        who = current()

        def work(tx: Transaction) -> Session:
            found = tx.get("sessions", id)
            if found is None:
                raise NotFound(f"no session {id!r:.80}", field="id", hint=LISTED)
            tx.delete("sessions", id)
            session = Session.from_document(found)
            audit.note(tx, who, action, id, name=session.name, owner=session.owner)
            return session

        session = self._store.write(work).result()
        self._changed()
        return session

    def end_all(self, owner: str | None = None) -> int:
        """Sign out everywhere: one owner (the id of a user or key, or `token`), or everybody; returns how many."""
        who = current()

        def work(tx: Transaction) -> int:
            number = end_of(tx, owner)
            audit.note(tx, who, "sessions.end_all", owner or "", sessions=number)
            return number

        number = self._store.write(work).result()
        self._changed()
        return number

    def list(self, *, owner: str | None = None, limit: int = 1_000) -> list[Session]:
        """Sessions whose time is not over, the newest first; of one owner, or of all."""
        where: dict[str, Condition] = {"expires_at": Range(to_text(utc_now()), "")}
        if owner is not None:
            where["owner"] = owner
        page = self._store.find(Query("sessions", where, "-id", limit=limit))
        return [Session.from_document(document) for document in page.documents]


def owner_of(who: Identity) -> str:
    """What a session notes as its owner: the id of a user or key, else what the caller is known by."""
    return who.id or who.kind.value


def end_of(tx: Transaction, owner: str | None) -> int:
    """End the sessions of an owner, or of everybody, within a transaction; returns how many."""
    where: dict[str, Condition] = {} if owner is None else {"owner": owner}
    found = tx.find(Query("sessions", where, "id", limit=MOST)).documents
    for document in found:
        tx.delete("sessions", document["id"])
    return len(found)


def digest_of(secret: str) -> str:
    """The hash of a secret of 32 random bytes."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _ended() -> TokenInvalid:
    return TokenInvalid("the session has ended", hint="sign in again")


def _prune(tx: Transaction) -> None:
    over = Query("sessions", {"expires_at": Range(end=to_text(tx.now))}, "expires_at", limit=PRUNE)
    for document in tx.find(over).documents:
        tx.delete("sessions", document["id"])


def _seen(tx: Transaction, id: str, at: datetime) -> None:
    found = tx.get("sessions", id)
    if found is not None and found["seen_at"] < to_text(at):
        tx.put("sessions", {**found, "seen_at": to_text(at)})

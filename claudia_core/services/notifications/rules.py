"""Rules: made, changed, deleted; and those that a hub offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from claudia_core.errors import Conflict, InvalidValue, NotFound
from claudia_core.model.ids import new_id
from claudia_core.model.rule import (
    EVERYBODY,
    MOST_CHANNELS,
    MOST_MINUTES,
    MOST_USERS,
    Level,
    Rule,
    require_escalation,
    require_level,
    require_names,
)
from claudia_core.model.values import MAX_NAME, require_text
from claudia_core.model.webhook import require_filter, require_patterns
from claudia_core.ports import Query, Store, Transaction
from claudia_core.services.notifications.channels import require_flag, require_whole

MOST = 200

CHANGEABLE: Mapping[str, Callable[[Any], Any]] = {
    "name": lambda value: require_text(value, "name", MAX_NAME),
    "events": require_patterns,
    "filter": require_filter,
    "level": require_level,
    "channels": lambda value: require_names(value, "channels", MOST_CHANNELS),
    "users": lambda value: require_names(value, "users", MOST_USERS),
    "template": lambda value: require_text(value, "template", 100, empty=True),
    "active": lambda value: require_flag(value, "active"),
    "escalate_after": lambda value: require_whole(value, "escalate_after", 0, MOST_MINUTES),
    "escalate_to": lambda value: require_names(value, "escalate_to", MOST_CHANNELS),
}

OFFERED: Sequence[Mapping[str, Any]] = (
    {"name": "A task failed", "events": ["task:failed"], "level": "warning"},
    {"name": "A task is late or silent", "events": ["task:overdue", "task:stalled"], "level": "warning"},
    {"name": "An error is back", "events": ["issue:regressed"], "level": "warning"},
    {"name": "An agent is lost", "events": ["agent:lost"], "level": "critical"},
    {
        "name": "A check fails",
        "events": ["health:changed"],
        "filter": {"data.status": "fail"},
        "level": "critical",
    },
    {"name": "A check is well again", "events": ["health:changed"], "filter": {"data.status": "pass"}, "level": "info"},
    {"name": "A webhook was turned off", "events": ["webhook:disabled"], "level": "warning"},
)
"""What a hub offers: everybody gets it into their list."""


class Rules:
    """Makes and finds rules."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(
        self,
        name: str,
        events: Sequence[str],
        *,
        filter: Mapping[str, Any] | None = None,
        level: Level | str = Level.WARNING,
        channels: Sequence[str] = (),
        users: Sequence[str] = (),
        template: str = "",
        active: bool = True,
        escalate_after: int = 0,
        escalate_to: Sequence[str] = (),
    ) -> Rule:
        """Tell people about events from now on: by channels, and `users` in their lists (`*` for everybody).

        Where none of those users has acknowledged it `escalate_after` minutes later, the channels of `escalate_to`
        are told, too.

        Raises:
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
            NotFound: a channel is not there.
            Conflict: there are 200 rules already.
        """
        given: dict[str, Any] = {
            "name": name,
            "events": events,
            "filter": {} if filter is None else filter,
            "level": level,
            "channels": channels,
            "users": users,
            "template": template,
            "active": active,
            "escalate_after": escalate_after,
            "escalate_to": escalate_to,
        }
        values = {field: CHANGEABLE[field](value) for field, value in given.items()}
        id = new_id()

        def work(tx: Transaction) -> Rule:
            if len(tx.find(Query("rules", limit=MOST)).documents) >= MOST:
                raise Conflict(f"there are {MOST} rules already", hint="delete one")
            return _save(tx, Rule(id=id, created_at=tx.now, updated_at=tx.now, **values), "notification:rule-created")

        return self._store.write(work).result()

    def update(self, id: str, **changes: Any) -> Rule:
        """Change some of what `create` takes.

        Raises as `create`, and:
            NotFound: there is no such rule.
        """
        for field in changes:
            if field not in CHANGEABLE:
                raise InvalidValue(f"a rule has no {field!r:.80}", field=field, hint=", ".join(CHANGEABLE))
        values = {field: CHANGEABLE[field](value) for field, value in changes.items()}

        def work(tx: Transaction) -> Rule:
            return _save(tx, replace(_rule(tx, id), updated_at=tx.now, **values), "notification:rule-updated")

        return self._store.write(work).result()

    def delete(self, id: str) -> Rule:
        """Take a rule away; what it told stays.

        Raises:
            NotFound: there is no such rule.
        """

        def work(tx: Transaction) -> Rule:
            gone = _rule(tx, id)
            tx.delete("rules", id)
            tx.emit("notification:rule-deleted", id, {"name": gone.name})
            return gone

        return self._store.write(work).result()

    def get(self, id: str) -> Rule:
        """One rule.

        Raises:
            NotFound: there is no such rule.
        """
        return _rule(self._store, id)

    def add_offered(self, channels: Sequence[str] = ()) -> Sequence[Rule]:
        """Make the rules that the hub offers, for everybody's list and these channels; those of a name that is there
        already are left out.

        Raises:
            NotFound: a channel is not there.
        """
        told = require_names(channels, "channels", MOST_CHANNELS)
        ids = [new_id() for _ in OFFERED]

        def work(tx: Transaction) -> Sequence[Rule]:
            there = {found["name"] for found in tx.find(Query("rules", limit=MOST)).documents}
            made = [
                Rule(
                    id=id,
                    created_at=tx.now,
                    updated_at=tx.now,
                    channels=told,
                    users=(EVERYBODY,),
                    **{field: CHANGEABLE[field](value) for field, value in offered.items()},
                )
                for id, offered in zip(ids, OFFERED, strict=True)
                if offered["name"] not in there
            ]
            return [_save(tx, rule, "notification:rule-created") for rule in made]

        return self._store.write(work).result()

    def list(self) -> list[Rule]:
        """All rules by name."""
        page = self._store.find(Query("rules", order="name_key", limit=MOST))
        return [Rule.from_document(document) for document in page.documents]


def _rule(store: Store | Transaction, id: str) -> Rule:
    found = store.get("rules", id)
    if found is None:
        raise NotFound(f"no rule {id!r:.80}", field="id")
    return Rule.from_document(found)


def _save(tx: Transaction, rule: Rule, type: str) -> Rule:
    require_escalation(rule)
    for field in ("channels", "escalate_to"):
        for channel in getattr(rule, field):
            if tx.get("channels", channel) is None:
                raise NotFound(f"no channel {channel!r:.80}", field=field)
    tx.put("rules", rule.to_document())
    tx.emit(type, rule.id, {"name": rule.name, "active": rule.active, "events": list(rule.events)})
    return rule

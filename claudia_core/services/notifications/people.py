"""People as notifications know them: who is told, and how they want it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from claudia_core.errors import AccessDenied, InvalidValue, NotFound
from claudia_core.model.event import Event, private_to
from claudia_core.model.identity import Identity, Kind, Scope, current
from claudia_core.model.notice import Preferences
from claudia_core.model.notify_channel import MOST_DIGEST, is_mail_address
from claudia_core.model.quiet import require_quiet
from claudia_core.model.rule import EVERYBODY, Rule, require_level, require_names
from claudia_core.model.user import User
from claudia_core.model.webhook import matches
from claudia_core.ports import Query, Reader, Store, Transaction
from claudia_core.services.notifications.channels import require_flag, require_whole

HOLDER = Kind.TOKEN.value
"""The owner of the list of whoever comes with the server's own token; a notebook's own hub shows it, too."""

MOST_USERS = 1_000
MOST_MUTED = 50


def _email(value: object) -> str:
    if value == "" or (isinstance(value, str) and is_mail_address(value)):
        return str(value)
    raise InvalidValue(f"email is {value!r:.100}", field="email", hint="use ann@example.org, or nothing")


CHANGEABLE: Mapping[str, Callable[[Any], Any]] = {
    "email": _email,
    "mail": lambda value: require_flag(value, "mail"),
    "toasts": lambda value: require_flag(value, "toasts"),
    "level": require_level,
    "muted": lambda value: require_names(value, "muted", MOST_MUTED),
    "quiet": require_quiet,
    "digest": lambda value: require_whole(value, "digest", 0, MOST_DIGEST),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be told: their id, their name, how they want it, and the projects they are confined to."""

    id: str
    name: str
    preferences: Preferences
    projects: frozenset[str] = frozenset()

    def may_see(self, event: Event) -> bool:
        """Whether the event is about something of theirs: who is confined sees the tasks of their projects."""
        if not self.projects:
            return True
        labels = event.data.get("labels") if event.type.startswith("task:") else None
        return isinstance(labels, dict) and labels.get("project") in self.projects

    def wants(self, rule: Rule, event: Event) -> bool:
        """Whether they want to be told what a rule tells about this event."""
        if rule.level.rank < self.preferences.level.rank or matches(self.preferences.muted, event.type):
            return False
        return self.may_see(event)


class People:
    """Knows people, and keeps how they want to be told."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def preferences(self, owner: str | None = None) -> Preferences:
        """How somebody wants to be told; whoever asks where nobody is named.

        Raises:
            NotFound: there is no such user.
            AccessDenied: somebody else's are asked for, and not by an admin.
        """
        return preferences_of(self._store, self.owner(owner))

    def change(self, owner: str | None = None, **changes: Any) -> Preferences:
        """Change some of `email`, `mail`, `toasts`, `level`, `muted`, `quiet`, `digest`.

        Raises as `preferences`, and:
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
        """
        for field in changes:
            if field not in CHANGEABLE:
                raise InvalidValue(f"there is no {field!r:.80} to prefer", field=field, hint=", ".join(CHANGEABLE))
        id = self.owner(owner)
        values = {field: CHANGEABLE[field](value) for field, value in changes.items()}

        def work(tx: Transaction) -> Preferences:
            chosen = replace(preferences_of(tx, id), **values)
            if chosen.mail and not chosen.email:
                raise InvalidValue("there is no address for mail", field="email", hint="give email as well")
            tx.put("preferences", chosen.to_document())
            tx.emit("notification:preferences", f"user:{id}", {})
            return chosen

        return self._store.write(work).result()

    def owner(self, named: str | None = None) -> str:
        """Whose list is meant: somebody's by name or id, or of whoever asks.

        Raises:
            NotFound: there is no such user.
            AccessDenied: it is somebody else's, and whoever asks is no admin.
        """
        who = current()
        mine = owner_of(who)
        if named is None or named == mine or (who.kind is Kind.USER and named == who.name):
            return mine
        self.require_admin()
        return self.id_of(named)

    def require_admin(self) -> None:
        """Refuse whoever may not look at what others are told.

        Raises:
            AccessDenied: whoever asks is no admin, or is confined to projects.
        """
        who = current()
        if not reads_all(who):
            raise AccessDenied("only an admin may look at what others are told", field="user")

    def id_of(self, named: str) -> str:
        """The id of a user by name or id.

        Raises:
            NotFound: there is no such user.
        """
        if named == HOLDER or self._store.get("users", named) is not None:
            return named
        found = self._store.find(Query("users", {"name_key": named.casefold()}, limit=1)).documents
        if not found:
            raise NotFound(f"no user {named!r:.80}", field="user")
        return str(found[0]["id"])

    def all(self) -> list[Person]:
        """Everybody who may sign in, and whoever has the server's token."""
        page = self._store.find(Query("users", order="name_key", limit=MOST_USERS))
        users = [user for user in map(User.from_document, page.documents) if user.enabled]
        wanted = [HOLDER, *(user.id for user in users)]
        kept = self._store.get_many("preferences", wanted)
        told = {id: Preferences.from_document(kept[id]) if id in kept else Preferences(id=id) for id in wanted}
        holder = Person(HOLDER, HOLDER, told[HOLDER])
        return [holder, *(Person(user.id, user.name, told[user.id], frozenset(user.projects)) for user in users)]


def owner_of(who: Identity) -> str:
    """Whose list somebody has: a user their own; the token's and this machine's users share one; a key its own."""
    return who.id or HOLDER


def may_read(who: Identity, event: Event) -> bool:
    """Whether somebody may see an event of the log: what is about one person's list is theirs, and an admin's."""
    whose = private_to(event.type, event.subject)
    return not whose or reads_all(who) or whose == owner_of(who)


def reads_all(who: Identity) -> bool:
    """Whether they may look at everybody's list."""
    return who.may(Scope.ADMIN) and not who.is_confined


def meant(rule: Rule, people: Iterable[Person]) -> list[Person]:
    """Those whom a rule tells."""
    if EVERYBODY in rule.users:
        return list(people)
    names = {name.casefold() for name in rule.users}
    return [person for person in people if person.id in rule.users or person.name.casefold() in names]


def preferences_of(store: Reader | Transaction, id: str) -> Preferences:
    """How somebody wants to be told; as most people do where they did not say."""
    found = store.get("preferences", id)
    return Preferences(id=id) if found is None else Preferences.from_document(found)

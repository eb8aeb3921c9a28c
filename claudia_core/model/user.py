"""A person who may sign in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from claudia_core.errors import InvalidValue
from claudia_core.model.identity import Identity, Kind, Scope, require_scope
from claudia_core.model.times import from_optional_text, from_text, to_optional_text, to_text
from claudia_core.model.values import require_text

MAX_PROJECTS = 50
_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PROJECT = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


def require_project(value: object, field: str = "project") -> str:
    """`value` as the name of a project.

    Raises:
        InvalidValue: it is none.
    """
    if isinstance(value, str) and _PROJECT.fullmatch(value):
        return value
    raise InvalidValue(f"{field} is {value!r:.80}", field=field, hint="use up to 64 of a-z 0-9 _ . -, such as etl")


def require_projects(values: Iterable[str], field: str = "projects") -> tuple[str, ...]:
    """The names of projects, each once and in order; none for all projects.

    Raises:
        InvalidValue: one is no name of a project, or there are more than 50.
    """
    found = tuple(sorted({require_project(value, field) for value in values}))
    if len(found) > MAX_PROJECTS:
        raise InvalidValue(f"{len(found)} projects, over the limit of {MAX_PROJECTS}", field=field)
    return found


def require_name(value: object) -> str:
    """`value` as a name to sign in with: up to 100 printable characters on one line, without spaces around them.

    Raises:
        InvalidValue, TooLarge.
    """
    name = require_text(value, "name", 100)
    if name != name.strip() or not name.isprintable():
        raise InvalidValue(f"name is {name!r}", field="name", hint="leave out spaces at its ends and line breaks")
    if _ID.fullmatch(name):  # channels and notifications take a user's name or id
        raise InvalidValue("name looks like an id", field="name")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person. They sign in with a password, or are known by an identity provider (`issuer` and `subject`).

    `projects` confines them to some projects; empty means all. A disabled user may not sign in, and is signed out.
    """

    id: str
    name: str
    scope: Scope
    created_at: datetime
    projects: tuple[str, ...] = ()
    enabled: bool = True
    password_hash: str = field(default="", repr=False)
    issuer: str = ""
    subject: str = ""
    last_login_at: datetime | None = None

    def identity(self, via: str, *, session: str = "", address: str = "") -> Identity:
        """This user as somebody who asks."""
        scopes, projects = frozenset({self.scope}), frozenset(self.projects)
        return Identity(Kind.USER, self.id, self.name, scopes, projects, via, session, address)

    def to_public(self) -> dict[str, Any]:
        """As plain JSON, without secrets."""
        return {
            "id": self.id,
            "name": self.name,
            "scope": self.scope.value,
            "projects": list(self.projects),
            "enabled": self.enabled,
            "has_password": bool(self.password_hash),
            "issuer": self.issuer,
            "created_at": to_text(self.created_at),
            "last_login_at": to_optional_text(self.last_login_at),
        }

    def to_document(self) -> dict[str, Any]:
        """As the store keeps it."""
        account = f"{self.issuer} {self.subject}" if self.issuer else ""
        secrets = {"password_hash": self.password_hash, "subject": self.subject, "account": account}
        return {**self.to_public(), **secrets}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> User:
        """The value that `to_document` wrote."""
        return cls(
            id=document["id"],
            name=document["name"],
            scope=require_scope(document["scope"]),
            projects=tuple(document["projects"]),
            enabled=document["enabled"],
            password_hash=document["password_hash"],
            issuer=document["issuer"],
            subject=document["subject"],
            created_at=from_text(document["created_at"]),
            last_login_at=from_optional_text(document["last_login_at"]),
        )

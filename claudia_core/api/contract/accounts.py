"""Operations on users, keys, sessions and the audit log: what they are asked, what they answer, what they do."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, JsonValue

from claudia_core.api.contract.inputs import After, Id, Input, Limit
from claudia_core.api.contract.outputs import Output
from claudia_core.app import Claudia
from claudia_core.errors import AccessDenied, NotFound
from claudia_core.model.identity import Identity, Scope, current
from claudia_core.model.session import Session
from claudia_core.services.access.sessions import owner_of

type Answer = dict[str, Any]

Name = Annotated[str, Field(min_length=1, max_length=100)]
ScopeName = Annotated[str, Field(max_length=20, description="viewer, operator or admin.")]
Projects = Annotated[list[str], Field(max_length=50, description="Names of projects; none for all.")]
Password = Annotated[str, Field(max_length=1_000, description="10 characters or more.")]


class AddUser(Input):
    """A new user. Without a password they cannot sign in until one is set."""

    name: Name
    password: Password | None = None
    scope: ScopeName = "viewer"
    projects: Projects = Field(default_factory=list)


class ChangeUser(Input):
    """What is to be changed. Who is disabled or gets a new password is signed out everywhere."""

    id: Id
    password: Password | None = None
    scope: ScopeName | None = None
    projects: list[str] | None = Field(None, max_length=50, description="Names of projects; an empty list for all.")
    enabled: Annotated[bool, Field(strict=True)] | None = None


class ListAccounts(Input):
    """How many."""

    limit: Limit = 1_000


class CreateKey(Input):
    """A new API key."""

    name: Name
    scope: ScopeName = "operator"
    projects: Projects = Field(default_factory=list)
    days: float | None = Field(None, description="Days after which it ends; it does not when left out.")


class ListSessions(Input):
    """Whose sessions; admins see all of them, others their own."""

    owner: str | None = Field(None, max_length=100, description="Id of a user or key, or `token`.")
    limit: Limit = 1_000


class EndSessions(Input):
    """Whose sessions end: the caller's own when left out. Only admins may end others'."""

    owner: str | None = Field(None, max_length=100, description="Id of a user or key, or `token`.")


class ListAudit(Input):
    """Which entries, newest first."""

    actor: str | None = Field(None, max_length=200, description="Such as user:ID, key:ID, token or local:NAME.")
    action: str | None = Field(None, max_length=100, description="Such as tasks.cancel.")
    subject: str | None = Field(None, max_length=200)
    since: datetime | None = Field(None, description="With a timezone.")
    until: datetime | None = Field(None, description="With a timezone.")
    limit: Limit = 100
    after: After = None


class UserOut(Output):
    """Somebody who may sign in."""

    id: str
    name: str
    scope: str
    projects: list[str]
    enabled: bool
    has_password: bool
    issuer: str = Field("", description="The identity provider that knows them; empty for a password.")
    created_at: datetime
    last_login_at: datetime | None = None


class UserListOut(Output):
    """Users by name."""

    items: list[UserOut]


class ApiKeyOut(Output):
    """An API key, without its text."""

    id: str
    name: str
    prefix: str = Field(description="How its text begins.")
    scope: str
    projects: list[str]
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class NewApiKeyOut(ApiKeyOut):
    """An API key with its text, which is shown this once."""

    key: str = Field(description="Send it as Authorization: Bearer KEY.")


class ApiKeyListOut(Output):
    """API keys, newest first."""

    items: list[ApiKeyOut]


class SessionOut(Output):
    """A sign-in that lasts."""

    id: str
    kind: str = Field(description="browser or tokens.")
    owner_kind: str = Field(description="user, key or token.")
    owner: str
    name: str
    via: str
    address: str
    agent: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class SessionListOut(Output):
    """Sessions, newest first."""

    items: list[SessionOut]


class EndedOut(Output):
    """How many sessions ended."""

    ended: int


class AuditEntryOut(Output):
    """Who did what, when, from where."""

    id: str
    time: datetime
    actor: str
    actor_name: str
    via: str
    address: str
    action: str
    subject: str
    details: dict[str, JsonValue]


class AuditPageOut(Output):
    """Some entries; `next` asks for the rest."""

    items: list[AuditEntryOut]
    next: str | None = None


def list_users(hub: Claudia, asked: ListAccounts) -> Answer:
    return {"items": [user.to_public() for user in hub.users.list(limit=asked.limit)]}


def add_user(hub: Claudia, asked: AddUser) -> Answer:
    _require_all_projects(current())
    user = hub.users.add(asked.name, asked.password, scope=asked.scope, projects=asked.projects)
    return user.to_public()


def change_user(hub: Claudia, asked: ChangeUser) -> Answer:
    _require_all_projects(current())
    changes = {name: getattr(asked, name) for name in ("password", "scope", "projects", "enabled")}
    return hub.users.change(asked.id, **changes).to_public()


def remove_user(hub: Claudia, asked: Any) -> Answer:
    _require_all_projects(current())
    return hub.users.remove(asked.id).to_public()


def list_keys(hub: Claudia, asked: ListAccounts) -> Answer:
    return {"items": [key.to_public() for key in hub.keys.list(limit=asked.limit)]}


def create_key(hub: Claudia, asked: CreateKey) -> Answer:
    _require_all_projects(current())
    key, text = hub.keys.create(asked.name, scope=asked.scope, projects=asked.projects, days=asked.days)
    return {**key.to_public(), "key": text}


def revoke_key(hub: Claudia, asked: Any) -> Answer:
    _require_all_projects(current())
    return hub.keys.revoke(asked.id).to_public()


def list_sessions(hub: Claudia, asked: ListSessions) -> Answer:
    who = current()
    owner = asked.owner if _is_over_all(who) else owner_of(who)
    return {"items": [session.to_public() for session in hub.sessions.list(owner=owner, limit=asked.limit)]}


def end_session(hub: Claudia, asked: Any) -> Answer:
    own_session(hub, asked.id)
    return hub.sessions.end(asked.id).to_public()


def own_session(hub: Claudia, id: str) -> Session:
    """A session that the caller may end: their own, or any for an admin.

    Raises:
        NotFound: there is none; or it is somebody else's, which is not told.
    """
    session, who = hub.sessions.get(id), current()
    if not _is_over_all(who) and session.owner != owner_of(who):
        raise NotFound(f"no session {id!r:.80}", field="id")
    return session


def end_sessions(hub: Claudia, asked: EndSessions) -> Answer:
    who = current()
    owner = asked.owner or owner_of(who)
    if owner != owner_of(who) and not _is_over_all(who):
        raise AccessDenied("only an admin may sign out others", field="owner")
    return {"ended": hub.sessions.end_all(owner)}


def list_audit(hub: Claudia, asked: ListAudit) -> Answer:
    filters = {name: getattr(asked, name) for name in type(asked).model_fields}
    page = hub.audit.list(**filters)
    return {"items": [entry.to_document() for entry in page.entries], "next": page.next}


def _is_over_all(who: Identity) -> bool:
    return who.may(Scope.ADMIN) and not who.is_confined


def _require_all_projects(who: Identity) -> None:
    """Whoever is confined to projects must not make somebody who is not."""
    if who.is_confined:
        raise AccessDenied("this takes access to all projects")

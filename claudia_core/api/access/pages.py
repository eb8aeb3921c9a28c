"""Plain pages about access: my sessions, API keys, users, the audit log. They work without JavaScript.

What they show and change goes through the operations of the contract, which ask for the caller's scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from anyio import to_thread
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from claudia_core.api import problems, refusals
from claudia_core.api.access.browser import sign_out
from claudia_core.api.access.login import read_form
from claudia_core.api.access.markup import Html, button, choice, field, moment, safe, table
from claudia_core.api.access.perform import perform
from claudia_core.api.asked import checked
from claudia_core.api.contract.operations import OPERATIONS
from claudia_core.app import Claudia
from claudia_core.errors import ClaudiaError
from claudia_core.model.identity import Identity, Scope, current
from claudia_core.services.access.audit_export import csv_lines, json_lines

TABS = (
    ("/access", "Sessions", Scope.VIEWER),
    ("/access/keys", "API keys", Scope.ADMIN),
    ("/access/users", "Users", Scope.ADMIN),
    ("/access/audit", "Audit log", Scope.ADMIN),
)
EXPORTS = {"csv": (csv_lines, "text/csv"), "jsonl": (json_lines, "application/jsonl")}
FILTERS = ("actor", "action", "subject")

type Values = Mapping[str, Any]
type View = Callable[["Desk", Values], Html]


def mount(app: FastAPI, claudia: Claudia) -> None:
    """Add the pages."""
    routes = APIRouter(include_in_schema=False)
    for path, (title, view) in VIEWS.items():
        routes.add_api_route(path, partial(_show, claudia, title, view), methods=["GET"])
    for path, (operation, back) in CHANGES.items():
        routes.add_api_route(path, partial(_change, claudia, operation, back), methods=["POST"])
    routes.add_api_route("/access/audit/export", partial(_export, claudia), methods=["GET"])
    app.include_router(routes)


class Desk:
    """What one request works with."""

    def __init__(self, hub: Claudia, identity: Identity, root: str) -> None:
        self._hub = hub
        self.identity = identity
        self.root = root

    def ask(self, name: str, /, **values: Any) -> dict[str, Any]:
        """Carry out an operation for whoever asks."""
        operation = OPERATIONS[name]
        return perform(operation, self._hub, checked(operation.input, values), self.identity)

    def to(self, path: str) -> str:
        """An address of this server."""
        return self.root + path


async def _show(hub: Claudia, title: str, view: View, request: Request) -> Response:
    values = {name: value for name, value in request.query_params.items() if name in (*FILTERS, "after")}
    return await _page(_desk(hub, request), request, title, view, values)


async def _page(desk: Desk, request: Request, title: str, view: View, values: Values, alert: str = "") -> Response:
    status = 200
    try:
        content = await to_thread.run_sync(view, desk, values)
    except ClaudiaError as error:
        content, alert, status = Html(), str(error), problems.KINDS.get(error.code, problems.KINDS["error"]).status
    told = refusals.ALERT.format(text=safe(alert)) if alert else ""
    return refusals.page(title, _navigation(desk, request.url.path, title) + told + content, status, wide=True)


async def _change(hub: Claudia, name: str, back: str, request: Request) -> Response:
    desk, fields = _desk(hub, request), await read_form(request)
    title, view = VIEWS[back]
    try:
        made = await to_thread.run_sync(partial(desk.ask, name, **_values(name, fields)))
    except ClaudiaError as error:
        return await _page(desk, request, title, view, {}, str(error))
    if "key" in made:  # shown this once, so there is nothing to lead on to
        return await _page(desk, request, title, view, {"key": made["key"]})
    response = RedirectResponse(desk.to(back), 303)
    if back == "/access" and ("ended" in made or made.get("id") == desk.identity.session):
        sign_out(request, response)
    return response


async def _export(hub: Claudia, request: Request) -> Response:
    lines, media_type = EXPORTS.get(request.query_params.get("format", "csv"), EXPORTS["csv"])
    filters = {name: request.query_params.get(name) or None for name in FILTERS}
    text = (f"{line}\n" for line in lines(hub.audit.every(**filters)))
    name = f'attachment; filename="audit.{media_type.rpartition("/")[2]}"'
    return StreamingResponse(text, headers={"content-disposition": name}, media_type=media_type)


def _desk(hub: Claudia, request: Request) -> Desk:
    return Desk(hub, current(), request.scope.get("root_path", ""))


def _values(name: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """What a form's fields mean for the operation; empty ones are left out."""
    values: dict[str, Any] = {key: text for key, text in fields.items() if text}
    if "projects" in values:
        values["projects"] = values["projects"].replace(",", " ").split()
    if "days" in values:
        values["days"] = _number(values["days"])
    if "enabled" in values:
        values["enabled"] = values["enabled"] == "yes"
    known = OPERATIONS[name].input.model_fields
    return {key: value for key, value in values.items() if key in known}


def _number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _navigation(desk: Desk, path: str, title: str) -> Html:
    links = "".join(
        f'<a href="{safe(desk.to(to))}"{" aria-current=page" if path.startswith(to) and name == title else ""}>'
        f"{safe(name)}</a>"
        for to, name, scope in TABS
        if desk.identity.may(scope)
    )
    who = f"{desk.identity.name or desk.identity.kind} ({desk.identity.scope})"
    out = button(desk.to("/logout"), "Sign out", {})
    return Html(
        f'<nav aria-label="Access"><a href="{safe(desk.to("/"))}">← Claudia</a>{links}</nav>'
        f'<div class="who"><span>Signed in as <b>{safe(who)}</b></span>{out}</div><h1>{safe(title)}</h1>'
    )


def sessions(desk: Desk, _: Values) -> Html:
    """Who is signed in: the caller, or everybody for an admin."""
    found = desk.ask("sessions.list")["items"]
    end = desk.to("/access/sessions/end")
    rows = [
        (
            item["name"],
            "this one" if item["id"] == desk.identity.session else item["kind"],
            item["address"],
            item["agent"][:80],
            moment(item["seen_at"]),
            button(end, "End", {"id": item["id"]}, f"{item['name']}, {item['kind']}"),
        )
        for item in found
    ]
    headings = ("Who", "Kind", "From", "Program", "Last seen", "")
    everywhere = button(desk.to("/access/sessions/end-all"), "Sign out everywhere", {})
    return Html(table("Sessions", headings, rows) + everywhere)


def keys(desk: Desk, values: Values) -> Html:
    """API keys, and a form for a new one; `values["key"]` is shown, once."""
    revoke = desk.to("/access/keys/revoke")
    rows = [
        (
            item["name"],
            Html(f"<code>{safe(item['prefix'])}…</code>"),
            item["scope"],
            ", ".join(item["projects"]) or "all",
            moment(item["last_used_at"]),
            moment(item["expires_at"]),
            Html("revoked") if item["revoked_at"] else button(revoke, "Revoke", {"id": item["id"]}, item["name"]),
        )
        for item in desk.ask("keys.list")["items"]
    ]
    new = ""
    if "key" in values:
        new = f'<p role="status">Copy the new key now, it is not shown again: <code>{safe(values["key"])}</code></p>'
    form = (
        f'<h2>New key</h2><form class="new" method="post" action="{safe(desk.to("/access/keys/create"))}">'
        + field("name", "Name", required="required", maxlength="100")
        + choice("scope", "Scope", Scope, Scope.OPERATOR)
        + field("projects", "Projects (all when empty)")
        + field("days", "Days until it ends (never when empty)", inputmode="decimal")
        + "<button>Create</button></form>"
    )
    headings = ("Name", "Begins with", "Scope", "Projects", "Last used", "Ends", "")
    return Html(new + table("API keys", headings, rows) + form)


def users(desk: Desk, _: Values) -> Html:
    """People, and a form for a new one."""
    change, remove = desk.to("/access/users/change"), desk.to("/access/users/remove")
    rows = []
    for item in desk.ask("users.list")["items"]:
        label, enabled = ("Disable", "no") if item["enabled"] else ("Enable", "yes")
        toggle = button(change, label, {"id": item["id"], "enabled": enabled}, item["name"])
        rows.append(
            (
                item["name"],
                item["scope"],
                ", ".join(item["projects"]) or "all",
                item["issuer"] or ("password" if item["has_password"] else "nothing yet"),
                moment(item["last_login_at"]),
                Html(toggle + button(remove, "Remove", {"id": item["id"]}, item["name"])),
            )
        )
    form = (
        f'<h2>New user</h2><form class="new" method="post" action="{safe(desk.to("/access/users/add"))}">'
        + field("name", "Name", required="required", maxlength="100", autocomplete="off")
        + field("password", "Password (10 characters or more)", type="password", autocomplete="new-password")
        + choice("scope", "Scope", Scope, Scope.VIEWER)
        + field("projects", "Projects (all when empty)")
        + "<button>Add</button></form>"
    )
    headings = ("Name", "Scope", "Projects", "Signs in by", "Last sign-in", "")
    return Html(table("Users", headings, rows) + form)


def audit(desk: Desk, values: Values) -> Html:
    """Who changed what, newest first, page by page."""
    filters = {name: str(values[name]) for name in FILTERS if values.get(name)}
    after = {"after": str(values["after"])} if values.get("after") else {}
    page = desk.ask("audit.list", **filters, **after)
    rows = [
        (
            moment(item["time"]),
            item["actor_name"] or item["actor"],
            *(item[name] for name in ("via", "address", "action")),
            item["details"].get("name") or item["subject"],
            ", ".join(f"{name}: {value}" for name, value in item["details"].items() if value and name != "name"),
        )
        for item in page["items"]
    ]
    form = "".join(field(name, name.capitalize(), value=filters.get(name, "")) for name in FILTERS)
    headings = ("Time", "Who", "By", "From", "Action", "Subject", "Details")
    return Html(
        f'<form class="new" method="get" action="{safe(desk.to("/access/audit"))}">{form}<button>Show</button></form>'
        + table("Audit log", headings, rows)
        + "".join(_audit_links(desk, filters, page["next"]))
    )


def _audit_links(desk: Desk, filters: Mapping[str, str], next: str | None) -> Iterator[str]:
    if next is not None:
        query = safe(urlencode({**filters, "after": next}))
        yield f'<p><a href="{safe(desk.to("/access/audit"))}?{query}">Older →</a></p>'
    for kind in EXPORTS:
        query = safe(urlencode({**filters, "format": kind}))
        yield f'<a class="way" href="{safe(desk.to("/access/audit/export"))}?{query}">Export as {kind.upper()}</a>'


VIEWS: Mapping[str, tuple[str, View]] = {
    "/access": ("Sessions", sessions),
    "/access/keys": ("API keys", keys),
    "/access/users": ("Users", users),
    "/access/audit": ("Audit log", audit),
}
CHANGES: Mapping[str, tuple[str, str]] = {
    "/access/sessions/end": ("sessions.end", "/access"),
    "/access/sessions/end-all": ("sessions.end_all", "/access"),
    "/access/keys/create": ("keys.create", "/access/keys"),
    "/access/keys/revoke": ("keys.revoke", "/access/keys"),
    "/access/users/add": ("users.add", "/access/users"),
    "/access/users/change": ("users.change", "/access/users"),
    "/access/users/remove": ("users.remove", "/access/users"),
}

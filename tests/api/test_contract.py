"""One contract: every operation is reachable by REST, GraphQL and gRPC, with equal results and equal error codes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from claudia_core.api.contract import inputs, work
from claudia_core.api.contract.operations import ACCOUNTS, OPERATIONS
from claudia_core.app import Claudia
from claudia_core.model.delivery import Attempt
from claudia_core.model.identity import Identity, Kind
from claudia_core.model.report import ErrorReport
from claudia_core.model.times import utc_now
from claudia_core.services.events import NewEvent
from claudia_core.services.notifications.queueing import Directory, queue
from claudia_core.services.webhooks.deliveries import Outcome, settle
from tests.api.protocols import PROTOCOLS, Ask, Refused, masked, normal, spoken

type Values = dict[str, Any]

CHANGING = frozenset({"time", "observed_value", "events", "head", "bytes"})
"""What reads tell differently each time they are asked."""

STACK: Values = {
    "type": "KeyError",
    "message": "'gone'",
    "notes": ["a note"],
    "relation": "raised",
    "parent": None,
    "frames": [
        {
            "file": "shop/cart.py",
            "function": "total",
            "module": "shop.cart",
            "line": 12,
            "in_app": True,
            "before": ["def total(cart):"],
            "code": "    return cart['gone']",
            "after": [],
            "locals": {"cart": "{}"},
        }
    ],
}

MADE = CHANGING.union(
    ("issue_id", "first_seen", "last_seen", "resolved_at", "culprit", "grouping", "author"),
    ("id", "root_id", "parent_id", "task_id", "cursor", "duration", "rate", "eta"),
    ("key", "prefix", "created_by", "revoked_at", "seen_at"),
    ("secret", "endpoint_id", "target", "channels", "escalate_to", "rule_id", "next_at", "body", "until"),
    ("created_at", "updated_at", "started_at", "finished_at", "heartbeat_at", "expires_at"),
)
"""What writes make anew each time."""


@dataclass(frozen=True)
class Stage:
    """A hub with something of everything, and the ways to ask it."""

    hub: Claudia
    asks: Mapping[str, Ask]
    parent: str
    child: str
    failed: str
    issue: str
    agent: str
    error: str

    def new_issue(self) -> str:
        """The id of a new issue."""
        return self.hub.errors.report(ErrorReport(type="Fresh", culprit=str(uuid.uuid4()))).issue_id

    def task(self, status: str = "active") -> str:
        """A new task in this status."""
        id = self.hub.tasks.create("fresh", start=status != "pending", estimated_steps=8).id
        if status == "failed":
            self.hub.tasks.fail(id, "broken")
        return id

    def unknown(self, name: str) -> str:
        """This name, after whoever was called so is gone."""
        for user in self.hub.users.list():
            if user.name == name:
                self.hub.users.remove(user.id)
        return name

    def user(self) -> str:
        """A new user."""
        return self.hub.users.add(self.unknown("bob")).id

    def session(self, owner: str) -> str:
        """A new session of somebody."""
        who = Identity(Kind.USER, owner, owner, via="password")
        return self.hub.sessions.begin(who, timedelta(days=1))[0].id

    def webhook(self, **values: Any) -> str:
        """A new endpoint."""
        return self.hub.webhooks.create("https://host.example/hook", ["invoice:*"], **values)[0].id

    def failed_webhook(self) -> str:
        """A new endpoint with a delivery that failed for good."""
        id = self.delivery()
        attempt = Attempt(time=utc_now(), status=400, seconds=0.1, error="HTTP 400")
        outcome = Outcome(attempt=attempt, is_success=False)
        self.hub.store.write(lambda tx: settle(tx, id, outcome)).result()
        return self.hub.webhooks.delivery(id).endpoint_id

    def no_source(self, name: str) -> str:
        """This name, which no source has."""
        if any(source.id == name for source in self.hub.hooks.list()):
            self.hub.hooks.delete(name)
        return name

    def source(self, name: str) -> str:
        """A new source of this name."""
        return self.hub.hooks.create(self.no_source(name), "hmac", ["a secret of theirs"])[0].id

    def channel(self, **values: Any) -> str:
        """A new channel."""
        return self.hub.notifications.channels.create("ops", "mail", "ops@example.org", **values).id

    def rule(self) -> str:
        """A new rule."""
        return self.hub.notifications.rules.create("night", ["invoice:*"], users=["*"]).id

    def no_rules(self) -> list[str]:
        """Channels for offered rules, none of which is there."""
        for rule in self.hub.notifications.rules.list():
            self.hub.notifications.rules.delete(rule.id)
        return [self.channel()]

    def dispatch(self) -> str:
        """A dispatch that waits."""
        return self.hub.notifications.channels.test(self.channel()).id

    def notice(self) -> str:
        """A notice in the list of whoever has the token."""
        event = self.hub.store.events(0, 1).events[0]
        rule = replace(self.hub.notifications.rules.get(self.rule()), events=("*",))
        directory = Directory((rule,), {}, self.hub.notifications.people.all()[:1])
        self.hub.store.write(lambda tx: queue(tx, directory, [event])).result()
        return self.hub.notifications.notices.list(unread=True).notices[0].id

    def delivery(self) -> str:
        """A delivery that waits, of a new endpoint."""
        return self.hub.webhooks.test(self.webhook()).id

    def filter(self) -> str:
        """A saved filter."""
        return self.hub.filters.save(self.free("Night"), {"tag": "nightly"}).id

    def free(self, name: str) -> str:
        """This name, after whatever was called so is gone."""
        for saved in self.hub.filters.list():
            if saved.name == name:
                self.hub.filters.delete(saved.id)
        return name


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    mail = f"file://{tmp_path_factory.mktemp('mail')}"
    with Claudia("memory://", display="off", mail_url=mail) as hub, spoken(hub) as asks:
        yield staged(hub, asks)


def test_settings_show_no_password() -> None:
    """Addresses among the settings are shown to every viewer without the passwords in them."""
    given = {"rate_storage": "redis://me:hunter2@127.0.0.1:1/0", "otel_endpoint": "http://me:hunter2@127.0.0.1:1"}
    with Claudia("memory://", display="off", **given) as hub:
        told = work.list_settings(hub, inputs.Nothing())["settings"]
    assert "hunter2" not in str(told)
    assert told["rate_storage"] == "redis://me:********@127.0.0.1:1/0"


def staged(hub: Claudia, asks: Mapping[str, Ask]) -> Stage:
    parent = hub.tasks.create(
        "parent",
        type="etl",
        payload={"deep": [1, {"x": None, "y": 2.5}]},
        tags=["a", "b"],
        labels={"k": "v"},
        start=True,
    )
    child = hub.tasks.create("child", parent_id=parent.id, start=True, estimated_steps=4)
    hub.tasks.progress(child.id, 3, message="third")
    hub.tasks.complete(child.id, {"rows": 3, "names": ["ä", ""]})
    hub.filters.save("Failed", {"status": "failed"})
    failed = hub.tasks.create("failed", start=True)
    try:
        raise ValueError("broken")
    except ValueError as error:
        hub.tasks.fail(failed.id, error)
        hub.errors.capture(error, task_id=failed.id, step=3)
    occurrence = hub.errors.occurrences(task_id=failed.id)[0]
    hub.errors.comment(occurrence.issue_id, "seen before")
    gone = hub.errors.report(
        ErrorReport(type="KeyError", message="gone", culprit="m.f", exceptions=(STACK,), tags={"a": "b"})
    )
    endpoint, _ = hub.webhooks.create("https://host.example/", filter={"data.n": [1, "x", None]}, headers={"X-A": "b"})
    hub.webhooks.test(endpoint.id)
    hub.health.watch()
    hub.hooks.create("ci", "standard")
    hub.integrations.debugger.turn_on("github")
    with hub.integration("github") as call:
        call.sent("GET /", {"page": 1})
    hub.users.add("cleo", projects=["etl"])
    hub.keys.create("nightly", days=3)
    hub.sessions.begin(Identity(Kind.USER, "cleo", "cleo", via="password"), timedelta(days=1))
    hub.flush()
    hub.events.append([NewEvent("invoice:paid", "42", {"amount": 12.5, "lines": [1, 2]})])
    agent = hub.agents.register("worker")
    hub.agents.announce(agent.id, ["etl"], 2)
    hub.tasks.create("waits", type="nobody runs it", due_at=utc_now() + timedelta(days=1))
    made = Stage(hub, asks, parent.id, child.id, failed.id, occurrence.issue_id, agent.id, gone.id)
    made.dispatch()
    hub.suppressions.add("gone@example.org", "complaint")
    made.notice()
    return made


READS: Mapping[str, list[Callable[[Stage], Values]]] = {
    "tasks.list": [
        lambda stage: {},
        lambda stage: {"status": ["failed", "completed"], "limit": 1},
        lambda stage: {"type": ["etl"], "name": "PAR", "roots": True},
        lambda stage: {"parent_id": stage.parent, "order": "-updated_at"},
        lambda stage: {"tag": "a", "since": "2020-01-01T00:00:00+00:00", "order": "-duration"},
    ],
    "tasks.counts": [lambda stage: {}],
    "tasks.types": [lambda stage: {}, lambda stage: {"prefix": "e", "limit": 1}],
    "tasks.tags": [lambda stage: {"prefix": "a"}],
    "filters.list": [lambda stage: {}],
    "tasks.get": [lambda stage: {"id": stage.parent}, lambda stage: {"id": stage.child}, lambda s: {"id": s.failed}],
    "tasks.children": [lambda stage: {"id": stage.parent, "limit": 5}],
    "tasks.result": [lambda stage: {"id": stage.child}, lambda stage: {"id": stage.failed}],
    "progress.get": [lambda stage: {"id": stage.child}],
    "events.list": [
        lambda stage: {},
        lambda stage: {"after": f"{stage.hub.store.epoch}:2", "limit": 3},
        lambda stage: {"type": ["invoice:paid", "task:failed"], "since": "2020-01-01T00:00:00+00:00"},
        lambda stage: {"subject": stage.child},
    ],
    "errors.issues": [
        lambda stage: {},
        lambda stage: {"status": ["unresolved"], "limit": 1, "order": "-count_key"},
        lambda stage: {"text": "GONE key", "level": "error"},
        lambda stage: {"task_id": stage.failed},
    ],
    "errors.get": [lambda stage: {"id": stage.error}],
    "errors.counts": [lambda stage: {"id": stage.issue}, lambda stage: {"id": stage.issue, "daily": True}],
    "errors.affected": [lambda stage: {"id": stage.issue}],
    "errors.comments": [lambda stage: {"id": stage.issue}],
    "errors.issue": [lambda stage: {"id": stage.issue}],
    "errors.occurrences": [lambda stage: {}, lambda s: {"issue_id": s.issue}, lambda s: {"task_id": s.failed}],
    "webhooks.list": [lambda stage: {}],
    "webhooks.get": [lambda stage: {"id": stage.hub.webhooks.list()[0].id}],
    "deliveries.list": [lambda stage: {"limit": 1}, lambda stage: {"status": "pending"}],
    "deliveries.get": [lambda stage: {"id": stage.hub.webhooks.deliveries().deliveries[0].id}],
    "hooks.list": [lambda stage: {}],
    "integrations.list": [lambda stage: {}],
    "integrations.calls": [
        lambda stage: {},
        lambda stage: {"integration": "github", "outcome": "ok", "since": "2020-01-01T00:00:00+00:00", "limit": 1},
    ],
    "agents.list": [lambda stage: {"status": "online"}],
    "agents.get": [lambda stage: {"id": stage.agent}],
    "queues.list": [lambda stage: {}],
    "health.get": [lambda stage: {}],
    "health.checks": [lambda stage: {}],
    "health.history": [lambda stage: {"check": "store"}, lambda stage: {"check": "store", "days": 1, "hourly": True}],
    "log.status": [lambda stage: {}],
    "channels.list": [lambda stage: {}],
    "rules.list": [lambda stage: {}],
    "rules.offered": [lambda stage: {}],
    "dispatches.list": [lambda stage: {"limit": 1}, lambda stage: {"status": "pending"}],
    "notices.list": [
        lambda stage: {},
        lambda stage: {"user": "*", "limit": 5},
        lambda stage: {"user": "cleo", "unread": True, "limit": 1},
    ],
    "preferences.get": [lambda stage: {}, lambda stage: {"user": "cleo"}],
    "mail.templates": [lambda stage: {}],
    "mail.preview": [
        lambda stage: {"template": "notification"},
        lambda stage: {"template": "task_completed", "data": '{"taskName": "<b>x</b>"}'},
    ],
    "suppressions.list": [lambda stage: {"limit": 1}],
    "users.list": [lambda stage: {}],
    "keys.list": [lambda stage: {"limit": 5}],
    "sessions.list": [lambda stage: {"owner": "cleo"}],
    "audit.list": [
        lambda stage: {"action": "users.add", "limit": 1},
        lambda stage: {"actor": "user:cleo", "since": "2020-01-01T00:00:00+00:00"},
    ],
    "settings.list": [lambda stage: {}],
}

WRITES: Mapping[str, Callable[[Stage], Values]] = {
    "tasks.create": lambda stage: {
        "name": "made",
        "type": "etl",
        "payload": {"x": [1, None, {"y": 2.5}]},
        "parent_id": stage.parent,
        "tags": ["a"],
        "labels": {"k": "v"},
        "deadline": "2099-01-02T03:04:05.000006+00:00",
        "estimated_steps": 10,
        "unit": "rows",
        "attempts": 3,
        "start": True,
        "priority": 7,
        "due_at": "2099-01-02T03:04:05.000006+00:00",
        "stall_after": 30.5,
    },
    "tasks.create_many": lambda stage: {"tasks": [{"name": "one"}, {"type": "two", "estimated_steps": 2.5}]},
    "tasks.start": lambda stage: {"id": stage.task("pending"), "agent_id": stage.agent},
    "tasks.progress": lambda stage: {"id": stage.task(), "current": 3.5, "total": 10, "message": "so far"},
    "tasks.complete": lambda stage: {"id": stage.task(), "result": {"rows": [1, 2]}},
    "tasks.fail": lambda stage: {"id": stage.task(), "message": "broken", "type": "ValueError", "traceback": "line 1"},
    "tasks.cancel": lambda stage: {"id": stage.task(), "reason": "not wanted"},
    "tasks.retry": lambda stage: {"id": stage.task("failed")},
    "tasks.rerun": lambda stage: {"id": stage.child, "payload": {"x": [1, None]}},
    "filters.save": lambda stage: {"name": stage.free("Broken"), "query": {"status": "failed"}},
    "filters.rename": lambda stage: {"id": stage.filter(), "name": stage.free("Broken")},
    "filters.delete": lambda stage: {"id": stage.filter()},
    "progress.update": lambda stage: {
        "updates": [{"id": stage.task(), "current": 2}, {"id": stage.task(), "total": 5}]
    },
    "events.append": lambda stage: {
        "events": [{"type": "a:b"}, {"type": "a:c", "subject": "x", "data": {"n": [1, 2.5]}}]
    },
    "errors.report": lambda stage: {
        "type": "ValueError",
        "message": "elsewhere",
        "traceback": "line 1",
        "culprit": "module.function",
        "context": {"step": 3},
        "time": "2020-01-02T03:04:05.000006+00:00",
        "exceptions": [STACK],
        "fingerprint": ["{{ default }}", "shop"],
        "level": "warning",
        "handled": False,
        "user": {"id": 7},
        "tags": {"shard": "3"},
        "request": {"url": "/x?token=abc"},
        "breadcrumbs": [{"message": "began", "data": {"n": [1, 2.5]}}],
    },
    "errors.resolve": lambda stage: {"id": stage.new_issue()},
    "errors.ignore": lambda stage: {"id": stage.new_issue(), "more": 3},
    "errors.reopen": lambda stage: {"id": stage.hub.errors.resolve(stage.new_issue()).id},
    "errors.change": lambda stage: {
        "ids": [stage.new_issue(), stage.new_issue()],
        "action": "ignore",
        "until": "2099-01-02T03:04:05.000006+00:00",
    },
    "errors.comment": lambda stage: {"id": stage.new_issue(), "text": "seen <b>before</b>"},
    "agents.register": lambda stage: {"name": "worker", "host": "here", "pid": 4711, "lease": 20},
    "agents.heartbeat": lambda stage: {"id": stage.agent},
    "agents.pause": lambda stage: {"id": stage.hub.agents.register("pauses").id},
    "agents.resume": lambda stage: {"id": stage.hub.agents.pause(stage.hub.agents.register("goes on").id).id},
    "agents.drain": lambda stage: {"id": stage.hub.agents.register("drains").id},
    "agents.stop": lambda stage: {"id": stage.hub.agents.register("stops").id},
    "agents.leave": lambda stage: {"id": stage.hub.agents.register("leaves").id},
    "webhooks.create": lambda stage: {
        "url": "https://host.example/hook",
        "events": ["task:*"],
        "name": "CI",
        "filter": {"data.type": ["etl", 1.5, None]},
        "headers": {"X-Team": "blue"},
        "ordered": True,
        "active": False,
    },
    "webhooks.update": lambda stage: {"id": stage.webhook(active=False), "active": True, "filter": {}, "name": "other"},
    "webhooks.rotate": lambda stage: {"id": stage.webhook(), "hours": 1},
    "webhooks.delete": lambda stage: {"id": stage.webhook()},
    "webhooks.test": lambda stage: {"id": stage.webhook()},
    "webhooks.redrive": lambda stage: {"id": stage.failed_webhook(), "since": "2020-01-01T00:00:00+00:00"},
    "hooks.create": lambda stage: {
        "name": stage.no_source("github"),
        "scheme": "github",
        "secrets": ["a secret of theirs"],
        "event": "gh:{header.x-github-event}",
    },
    "hooks.delete": lambda stage: {"id": stage.source("github")},
    "deliveries.redrive": lambda stage: {"id": stage.delivery()},
    "health.run": lambda stage: {"name": "store"},
    "integrations.debug": lambda stage: {"integration": "github", "minutes": 5},
    "channels.create": lambda stage: {
        "name": "on call",
        "kind": "pagerduty",
        "address": "0123456789abcdef0123456789abcdef",
        "digest": 5,
        "quiet": "22:00-07:00 Europe/Berlin",
        "per_hour": 10,
        "active": False,
    },
    "channels.update": lambda stage: {"id": stage.channel(), "address": "dev@example.org", "digest": 10},
    "channels.delete": lambda stage: {"id": stage.channel()},
    "channels.test": lambda stage: {"id": stage.channel()},
    "rules.create": lambda stage: {
        "name": "etl",
        "events": ["task:failed"],
        "filter": {"data.type": ["etl", 1.5, None]},
        "level": "critical",
        "channels": [stage.channel()],
        "users": ["cleo", "*"],
        "template": "task_completed",
        "active": False,
        "escalate_after": 15,
        "escalate_to": [stage.channel()],
    },
    "rules.update": lambda stage: {"id": stage.rule(), "level": "info", "filter": {}, "active": False},
    "rules.delete": lambda stage: {"id": stage.rule()},
    "rules.add_offered": lambda stage: {"channels": stage.no_rules()},
    "dispatches.redrive": lambda stage: {"id": stage.dispatch()},
    "notices.acknowledge": lambda stage: {"ids": [stage.notice()]},
    "preferences.set": lambda stage: {
        "user": "cleo",
        "email": "cleo@example.org",
        "mail": True,
        "toasts": False,
        "level": "warning",
        "muted": ["task:*"],
        "quiet": "20:00-07:00",
        "digest": 30,
    },
    "mail.test": lambda stage: {"template": "task_completed", "data": '{"userName": "Bo"}', "to": "bo@example.org"},
    "suppressions.add": lambda stage: {"address": "Ann <ANN@example.org>", "reason": "bounce", "note": "550 no"},
    "suppressions.remove": lambda stage: {"address": stage.hub.suppressions.add("bob@example.org").id},
    "users.add": lambda stage: {"name": stage.unknown("ann"), "scope": "operator", "projects": ["etl"]},
    "users.change": lambda stage: {"id": stage.user(), "scope": "admin", "projects": ["a"], "enabled": False},
    "users.remove": lambda stage: {"id": stage.user()},
    "keys.create": lambda stage: {"name": "ci", "scope": "viewer", "projects": ["etl"], "days": 2.5},
    "keys.revoke": lambda stage: {"id": stage.hub.keys.create("ci")[0].id},
    "sessions.end": lambda stage: {"id": stage.session("somebody")},
    "sessions.end_all": lambda stage: {"owner": stage.session("everywhere") and "everywhere"},
}

LONG = "x" * 201
REFUSALS: list[tuple[str, str, Callable[[Stage], Values]]] = [
    ("tasks.get", "task_not_found", lambda stage: {"id": str(uuid.uuid4())}),
    ("tasks.get", "task_not_found", lambda stage: {"id": "nothing"}),
    ("tasks.get", "too_large", lambda stage: {"id": LONG}),
    ("tasks.children", "task_not_found", lambda stage: {"id": "nothing"}),
    ("tasks.result", "task_not_found", lambda stage: {"id": "nothing"}),
    ("progress.get", "task_not_found", lambda stage: {"id": "nothing"}),
    ("tasks.list", "invalid_value", lambda stage: {"limit": 0}),
    ("tasks.list", "invalid_value", lambda stage: {"limit": 1_001}),
    ("tasks.list", "invalid_value", lambda stage: {"order": "colour"}),
    ("tasks.list", "invalid_value", lambda stage: {"status": ["asleep"]}),
    ("tasks.list", "too_large", lambda stage: {"name": LONG}),
    ("tasks.list", "bad_cursor", lambda stage: {"after": "nonsense"}),
    ("tasks.create", "too_large", lambda stage: {"name": LONG}),
    ("tasks.create", "invalid_value", lambda stage: {"name": "  "}),
    ("tasks.create", "invalid_value", lambda stage: {"name": "bell \x07"}),
    ("tasks.create", "too_large", lambda stage: {"payload": "x" * 1_000_001}),
    ("tasks.create", "too_large", lambda stage: {"tags": [str(number) for number in range(51)]}),
    ("tasks.create", "invalid_value", lambda stage: {"estimated_steps": -1}),
    ("tasks.create", "invalid_value", lambda stage: {"attempts": 0}),
    ("tasks.create", "invalid_value", lambda stage: {"id": "no uuid"}),
    ("tasks.create", "task_not_found", lambda stage: {"parent_id": str(uuid.uuid4())}),
    ("tasks.create_many", "invalid_value", lambda stage: {"tasks": [{"start": True}, {"start": False}]}),
    ("tasks.create_many", "too_large", lambda stage: {"tasks": [{"name": "fine"}, {"name": LONG}]}),
    ("tasks.start", "illegal_transition", lambda stage: {"id": stage.task()}),
    ("tasks.start", "task_not_found", lambda stage: {"id": "nothing"}),
    ("tasks.complete", "illegal_transition", lambda stage: {"id": stage.task("pending")}),
    ("tasks.complete", "too_large", lambda stage: {"id": stage.task(), "result": "x" * 1_000_001}),
    ("tasks.fail", "illegal_transition", lambda stage: {"id": stage.child, "message": "late"}),
    ("tasks.cancel", "illegal_transition", lambda stage: {"id": stage.child}),
    ("tasks.retry", "illegal_transition", lambda stage: {"id": stage.task()}),
    ("tasks.progress", "invalid_value", lambda stage: {"id": stage.task(), "current": -1}),
    ("tasks.progress", "invalid_value", lambda stage: {"id": stage.task(), "total": 1e300}),
    ("tasks.progress", "task_not_found", lambda stage: {"id": "nothing", "current": 1}),
    ("progress.update", "invalid_value", lambda stage: {"updates": [{"id": stage.task(), "current": -1}]}),
    ("events.list", "bad_cursor", lambda stage: {"after": "nonsense"}),
    ("events.list", "bad_cursor", lambda stage: {"after": "other:3"}),
    ("events.list", "bad_cursor", lambda stage: {"after": f"{stage.hub.store.epoch}:999999"}),
    ("events.list", "too_large", lambda stage: {"type": ["a:b"] * 21}),
    ("events.append", "invalid_value", lambda stage: {"events": [{"type": "task:mine"}]}),
    ("events.append", "invalid_value", lambda stage: {"events": [{"type": "Nonsense"}]}),
    ("events.append", "too_large", lambda stage: {"events": [{"type": "a:b", "data": {"x": "y" * 64_001}}]}),
    ("errors.report", "too_large", lambda stage: {"type": LONG}),
    ("errors.report", "too_large", lambda stage: {"type": "E", "context": {"x": "y" * 100_001}}),
    ("errors.report", "invalid_value", lambda stage: {"type": "E", "level": "loud"}),
    ("errors.report", "invalid_value", lambda stage: {"type": "E", "id": "no uuid"}),
    ("errors.report", "too_large", lambda stage: {"type": "E", "tags": {str(n): "" for n in range(51)}}),
    ("errors.get", "not_found", lambda stage: {"id": "nothing"}),
    ("errors.issue", "not_found", lambda stage: {"id": "nothing"}),
    ("errors.issues", "invalid_value", lambda stage: {"status": ["asleep"]}),
    ("errors.issues", "invalid_value", lambda stage: {"order": "colour"}),
    ("errors.issues", "bad_cursor", lambda stage: {"after": "nonsense"}),
    ("errors.counts", "not_found", lambda stage: {"id": "nothing"}),
    ("errors.counts", "invalid_value", lambda stage: {"id": stage.issue, "since": "2000-01-01T00:00:00+00:00"}),
    ("errors.affected", "invalid_value", lambda stage: {"id": stage.issue, "kind": "cat"}),
    ("errors.comments", "not_found", lambda stage: {"id": "nothing"}),
    ("errors.resolve", "not_found", lambda stage: {"id": "nothing"}),
    ("errors.ignore", "invalid_value", lambda stage: {"id": stage.issue, "until": "2000-01-01T00:00:00+00:00"}),
    ("errors.ignore", "invalid_value", lambda stage: {"id": stage.issue, "more": 0}),
    ("errors.change", "invalid_value", lambda stage: {"ids": [stage.issue], "action": "explode"}),
    ("errors.change", "not_found", lambda stage: {"ids": [stage.issue, "nothing"], "action": "resolve"}),
    ("errors.comment", "invalid_value", lambda stage: {"id": stage.issue, "text": "  "}),
    ("errors.comment", "too_large", lambda stage: {"id": stage.issue, "text": "x" * 10_001}),
    ("agents.list", "invalid_value", lambda stage: {"status": "asleep"}),
    ("webhooks.get", "not_found", lambda stage: {"id": "nothing"}),
    ("webhooks.create", "invalid_value", lambda stage: {"url": "ftp://host.example/"}),
    ("webhooks.create", "invalid_value", lambda stage: {"url": "https://h.example/", "secret": "short"}),
    ("webhooks.create", "invalid_value", lambda stage: {"url": "https://h.example/", "headers": {"Host": "x"}}),
    ("webhooks.create", "invalid_value", lambda stage: {"url": "https://h.example/", "filter": {"secret": 1}}),
    ("webhooks.rotate", "invalid_value", lambda stage: {"id": stage.webhook(), "hours": -1}),
    ("webhooks.test", "conflict", lambda stage: {"id": stage.webhook(active=False)}),
    ("deliveries.list", "invalid_value", lambda stage: {"status": "lost"}),
    ("deliveries.get", "not_found", lambda stage: {"id": "nothing"}),
    ("health.run", "not_found", lambda stage: {"name": "nothing"}),
    ("health.history", "invalid_value", lambda stage: {"check": "store", "days": 0}),
    ("hooks.create", "invalid_value", lambda stage: {"name": "x", "scheme": "md5"}),
    (
        "hooks.create",
        "conflict",
        lambda s: {"name": s.source("y"), "scheme": "hmac", "secrets": ["a secret of theirs"]},
    ),
    ("hooks.delete", "not_found", lambda stage: {"id": "nothing"}),
    ("integrations.debug", "invalid_value", lambda stage: {"minutes": 1e6}),
    ("channels.create", "invalid_value", lambda stage: {"name": "x", "kind": "pigeon", "address": "y"}),
    ("channels.create", "invalid_value", lambda stage: {"name": "x", "kind": "slack", "address": "no url"}),
    ("channels.create", "not_found", lambda stage: {"name": "x", "kind": "webhook", "address": "nothing"}),
    ("channels.update", "invalid_value", lambda stage: {"id": stage.channel(), "quiet": "25:00-07:00"}),
    ("channels.test", "conflict", lambda stage: {"id": stage.channel(active=False)}),
    ("rules.create", "not_found", lambda stage: {"name": "x", "events": ["a:b"], "channels": ["nothing"]}),
    ("rules.create", "invalid_value", lambda stage: {"name": "x", "events": []}),
    ("rules.update", "invalid_value", lambda stage: {"id": stage.rule(), "level": "loud"}),
    ("rules.delete", "not_found", lambda stage: {"id": "nothing"}),
    ("dispatches.list", "invalid_value", lambda stage: {"status": "lost"}),
    ("dispatches.redrive", "not_found", lambda stage: {"id": "nothing"}),
    ("notices.list", "not_found", lambda stage: {"user": "nobody"}),
    ("notices.acknowledge", "not_found", lambda stage: {"ids": ["nothing"]}),
    ("rules.create", "invalid_value", lambda stage: {"name": "x", "events": ["*"], "escalate_after": 5}),
    ("preferences.set", "invalid_value", lambda stage: {"quiet": "always"}),
    ("preferences.set", "invalid_value", lambda stage: {"mail": True}),
    ("mail.test", "not_found", lambda stage: {"template": "nothing", "to": "bo@example.org"}),
    ("mail.test", "invalid_value", lambda stage: {"template": "notification", "to": "nobody"}),
    ("mail.preview", "not_found", lambda stage: {"template": "nothing"}),
    ("mail.preview", "invalid_value", lambda stage: {"template": "notification", "data": "[1]"}),
    ("suppressions.add", "invalid_value", lambda stage: {"address": "nobody"}),
    ("suppressions.add", "invalid_value", lambda stage: {"address": "a@example.org", "reason": "mood"}),
    ("suppressions.remove", "not_found", lambda stage: {"address": "nobody@example.org"}),
    ("agents.get", "not_found", lambda stage: {"id": "nothing"}),
    ("agents.heartbeat", "not_found", lambda stage: {"id": "nothing"}),
    ("agents.register", "invalid_value", lambda stage: {"name": "w", "host": "h", "pid": -1}),
]


def test_every_operation_has_its_cases() -> None:
    """An operation that is added without a case here fails this test."""
    assert set(READS) | set(WRITES) == set(OPERATIONS)
    assert all(OPERATIONS[name].is_read for name in READS)
    assert not any(OPERATIONS[name].is_read for name in WRITES)


@pytest.mark.parametrize(
    ("name", "make"),
    [pytest.param(name, make, id=f"{name}-{n}") for name, makes in READS.items() for n, make in enumerate(makes)],
)
def test_reads_give_equal_answers(stage: Stage, name: str, make: Callable[[Stage], Values]) -> None:
    """What a question is answered does not depend on the protocol."""
    values = make(stage)
    answers = {protocol: masked(normal(stage.asks[protocol](name, values)), CHANGING) for protocol in PROTOCOLS}
    assert answers["run"]
    for protocol in PROTOCOLS:
        assert answers[protocol] == answers["run"], protocol


SILENT = ("agents.heartbeat", "integrations.debug", "health.run")
"""Writes that leave no event: what they do is no news."""


@pytest.mark.parametrize("name", WRITES)
def test_writes_do_the_same(stage: Stage, name: str) -> None:
    """A change gives an equal answer and equal events by every protocol."""
    done = {}
    for protocol in PROTOCOLS:
        values = WRITES[name](stage)
        before = stage.hub.store.head()
        answer = masked(normal(stage.asks[protocol](name, values)), MADE)
        types = [event.type for event in stage.hub.store.events(before).events]
        done[protocol] = (answer, [type for type in types if type != "issue:opened"])  # the first opens it
    is_told_in_the_audit_log = name.partition(".")[0] in ACCOUNTS
    assert done["run"][1] or name in SILENT or is_told_in_the_audit_log
    for protocol in PROTOCOLS:
        assert done[protocol] == done["run"], protocol


@pytest.mark.parametrize(
    ("name", "code", "make"),
    [pytest.param(*case, id=f"{case[0]}-{case[1]}-{n}") for n, case in enumerate(REFUSALS)],
)
def test_refusals_have_equal_codes(stage: Stage, name: str, code: str, make: Callable[[Stage], Values]) -> None:
    """What one protocol refuses, every protocol refuses, with the same code, and nothing is changed."""
    values = make(stage)
    before = stage.hub.store.head()
    for protocol in PROTOCOLS:
        with pytest.raises(Refused) as caught:
            stage.asks[protocol](name, values)
        assert caught.value.code == code, protocol
    assert stage.hub.store.head() == before

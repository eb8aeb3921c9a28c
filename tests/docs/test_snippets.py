"""Python that README and the guides show does what it is shown for: each piece is run, here or where it says below."""

from __future__ import annotations

import json
import logging
import re
import socket
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
import websockets
from fastapi import FastAPI
from fastapi.testclient import TestClient

from claudia_core import Claudia, NewEvent
from claudia_core.api import server
from claudia_core.settings import default_settings
from claudia_core.testing.servers import NotInstalled, secantus
from claudia_core.testing.waiting import eventually
from tests.clients.serving import TOKEN, serving
from tests.docs.snippets import ROOT, SNIPPETS, Runner

ELSEWHERE = {
    "agents": "tests/engines/test_guide.py",
    "celery": "tests/engines/celery",
    "clients": "tests/clients/test_guide.py",
    "dask": "tests/engines/dask",
    "signing-in-elsewhere": "tests/integrations/oauth",
}
"""Guides whose snippets take a server of another kind, and the tests that do what they show with one."""

HERE = (
    "README",
    "access",
    "dashboards",
    "errors",
    "integrations",
    "notifications",
    "realtime",
    "reports",
    "servers",
    "tasks",
)


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    """Snippets that make a hub of their own make it in the test's folder, without bars."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLAUDIA_DISPLAY", "off")
    settings = default_settings(
        database_url=str(tmp_path / "hub.db"), display="off", mail_url=f"file://{tmp_path}/mail"
    )
    with Claudia(settings=settings) as hub:
        yield Runner(hub, tmp_path)


def test_every_snippet_is_run_somewhere() -> None:
    """A guide that is new here says where."""
    assert {name for name, _ in SNIPPETS} == {*HERE, *ELSEWHERE}
    assert all((ROOT / place).exists() for place in ELSEWHERE.values())
    source = Path(__file__).read_text(encoding="utf-8")
    ran = set(re.findall(r'runner\.run\(\s*"([\w-]+)", (\d)', source))
    assert {(name, str(number)) for name, number in SNIPPETS if name in HERE} == ran


@pytest.mark.parametrize(("name", "number"), [place for place in SNIPPETS if place[0] in ELSEWHERE])
def test_it_is_python(name: str, number: int) -> None:
    """Those that are run elsewhere: it compiles."""
    compile(SNIPPETS[name, number], name, "exec")


def test_readme(runner: Runner) -> None:
    """Loops, blocks with children, events, a frame and a page."""
    ignore = lambda _: None  # noqa: E731
    names = runner.run("README", 0, rows=range(3), batches=range(2), clean=ignore, step=ignore, loss=0.25)
    with names["claudia"] as hub:
        assert hub.tasks.counts()["completed"] == 12
        train = hub.tasks.list(name="train").tasks[0]
        assert (hub.tasks.get(train.id).result, len(hub.tasks.children(train.id).tasks)) == ({"loss": 0.25}, 10)


def test_access(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """An application of one's own lets in who has a token, and nobody else."""
    monkeypatch.setenv("JWT_SECRET", "x" * 32)
    names = runner.run("access", 0)
    client, token = TestClient(names["app"]), names["auth"].generate_tokens({"sub": "ann"}).access_token
    assert client.get("/protected").status_code == 401
    assert client.get("/protected", headers={"Authorization": f"Bearer {token}"}).json() == "ann"


def test_tasks(runner: Runner) -> None:
    """Finding, running again, saving a filter; a loop that was cancelled from elsewhere says why."""
    hub = runner.hub
    failed = hub.tasks.create(type="etl.read", start=True)
    hub.tasks.fail(failed.id, ValueError("no rows"))
    runner.run("tasks", 0, yesterday=datetime.now(UTC) - timedelta(days=1), id=failed.id)
    assert hub.tasks.types("etl") == {"etl.read": 2}
    assert [one.name for one in hub.filters.list()] == ["Broken loads"]
    told: list[str] = []

    def clean(row: int) -> None:
        if row == 0:
            hub.tasks.cancel(hub.tasks.list(name="clean rows").tasks[0].id, reason="not today")
        time.sleep(0.01)

    log = SimpleNamespace(info=lambda _, reason: told.append(reason))
    runner.run("tasks", 1, rows=range(3_000), clean=clean, log=log)
    assert told == ["not today"]


def test_errors(runner: Runner) -> None:
    """What is captured, with its surroundings, and worked on."""
    hub, refusals = runner.hub, iter([True, False])

    class PaymentRefused(Exception):
        """As a shop has it."""

    def pay(_: object) -> None:
        if next(refusals):
            raise PaymentRefused("timeout of the shop")

    runner.run("errors", 0, pay=pay, PaymentRefused=PaymentRefused, cart=SimpleNamespace(id=5))
    before = list(logging.getLogger().handlers)
    names = runner.run("errors", 1, app=FastAPI())
    try:
        runner.run("errors", 2)
        logging.getLogger("shop").error("no answer")
    finally:
        logging.getLogger().handlers = before
    assert callable(names["app"])
    hub.flush()
    eventually(lambda: len(hub.errors.issues().issues) == 2)
    issues = hub.errors.issues().issues
    ids = [issue.id for issue in issues]
    names = runner.run("errors", 3, issue=issues[0], ids=ids)
    assert [issue.type.rpartition(".")[2] for issue in names["page"].issues] == ["PaymentRefused"]
    assert {hub.errors.issue(id).status for id in ids} == {"resolved"}


def test_calls_to_services(runner: Runner) -> None:
    """All ways of one guarded call, and what measures calls."""

    async def fetch_async() -> str:
        return "repos"

    client = SimpleNamespace(get=lambda *_, **__: SimpleNamespace(text="[]"))
    runner.run("integrations", 0, client=client, fetch_repos=lambda: "repos", fetch_async=fetch_async)
    figures = {one.integration: one for one in runner.hub.integrations.figures()}
    assert (figures["github"].successes, figures["github"].errors) == (3, 0)
    names = runner.run("integrations", 1, app=FastAPI(), httpx2=httpx2)
    names["client"].close()
    assert TestClient(names["app"]).get("/").status_code == 404
    assert "billing api" in {one.integration for one in runner.hub.integrations.figures()}


def test_webhooks(runner: Runner) -> None:
    """Out and in: endpoints, what was delivered, secrets, sources, and a map of one's own."""
    hub = runner.hub
    names = runner.run("integrations", 2, yesterday=datetime.now(UTC) - timedelta(days=1))
    assert names["secret"].startswith("whsec_")
    assert hub.webhooks.get(names["endpoint"].id).events == ("task:failed", "issue:*")
    runner.run("integrations", 3)
    assert {source.id for source in hub.hooks.list()} == {"github", "stripe", "other-hub"}
    event = hub.hook_maps["github"](SimpleNamespace(body={"action": "opened", "number": 5}))
    assert (event.type, event.subject) == ("pr:opened", "5")


def test_health(runner: Runner) -> None:
    """Checks of all kinds, their state, their past."""
    with socket.create_server(("127.0.0.1", 0)) as gateway:
        here = {'"gateway.internal", 443': f'"127.0.0.1", {gateway.getsockname()[1]}'}
        here["https://api.example/health"] = "http://127.0.0.1:9/"
        runner.run("integrations", 4, here, check_queue=lambda: True)
    assert "api" in {one.name for one in runner.hub.health.standings()}
    assert runner.hub.health.history("api")[-1].warned == 1


def test_mail(runner: Runner) -> None:
    """A message with an attachment and one from a template are written; suppressed addresses get none."""
    hub = runner.hub
    given = {"data": b"<p>", "task": SimpleNamespace(name="etl"), "host": "db1"}
    runner.run("integrations", 5, **given)
    assert len(list(runner.folder.glob("mail/*.eml"))) == 2
    runner.run("integrations", 6)
    assert [one.id for one in hub.suppressions.list().suppressions] == ["ann@example.org"]
    assert {source.id for source in hub.hooks.list()} == {"sendgrid", "mailgun", "ses"}


def test_notifications(runner: Runner) -> None:
    """Channels, rules, one's own list and preferences."""
    hub = runner.hub
    names = runner.run("notifications", 0)
    assert names["ops"].kind == "slack"
    assert {"etl failed", "lost"} < {rule.name for rule in hub.notifications.rules.list()}


def test_a_socket(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets in who sends the token, and tells what happens after the welcome."""
    monkeypatch.setattr(server, "PAGES", "no.pages")

    class EnoughError(Exception):
        """The reader has seen what there is to see."""

    heard: list[dict[str, Any]] = []

    def show(message: dict[str, Any]) -> None:
        heard.append(message)
        if message["type"] != "subscribed":
            raise EnoughError
        runner.hub.tasks.create("rows")

    with serving(runner.hub) as served:
        given = {"HOST": served.base.removeprefix("http://"), "TOKEN": TOKEN, "print": show}
        with pytest.raises(EnoughError):
            runner.run("realtime", 0, websockets=websockets, json=json, **given)
    assert [message["type"] for message in heard] == ["subscribed", "message"]
    assert heard[-1]["data"]["type"] == "task:created"


def test_pages_and_reports(runner: Runner) -> None:
    """Parts in an app of one's own; reports and frozen parts as files."""
    names = runner.run("dashboards", 0)
    names["claudia"].close()
    runner.run("reports", 0)
    runner.run("reports", 1)
    made = {path.name for path in runner.folder.glob("*.html")}
    assert {"timeline.html", "report.html", "failed.html", "overview.html"} <= made
    assert (runner.folder / "report.md").read_text(encoding="utf-8").startswith("# ")


def test_cache_and_projections(runner: Runner) -> None:
    """A function that is cached, a cache by hand, and a value folded from the log."""
    loaded: list[int] = []
    names = runner.run("servers", 2, load=lambda id: loaded.append(id) or {"id": id})
    with names["claudia"]:
        assert [names["user"](7), names["user"](7), loaded] == [{"id": 7}, {"id": 7}, [7]]
    hub = runner.hub
    runner.run("servers", 1)
    hub.events.append([NewEvent("invoice:paid", "i1", {"sum": 3}), NewEvent("invoice:paid", "i2", {"sum": 4})])
    eventually(lambda: hub.project("spent", lambda total, _: total, start=0).state == 7)


def test_collections_and_what_changes_elsewhere(runner: Runner) -> None:
    """A MongoDB's collections beside the hub's own, and sources that are followed or polled."""
    with sqlite3.connect("shop.db") as shop:
        shop.execute("CREATE TABLE stock (sku, count)")
        shop.execute("INSERT INTO stock VALUES ('a', 1)")
    shop.close()
    try:
        with secantus(runner.folder, "--enable-test-commands") as mongodb:
            names = runner.run("servers", 0, {"mongodb://...": f"{mongodb.url}/claudia"})
            with names["claudia"] as hub:
                assert hub.mongodb.find_one("models", {"name": "churn"})["auc"] == 0.93
                here = {"mongodb://HOST": mongodb.url, "https://shop.example": "http://127.0.0.1:9"}
                given = {"claudia": hub, "sqlite3": sqlite3, "list_nodes": lambda: [{"host": "n1"}]}
                runner.run("servers", 3, here, **given)
                eventually(lambda: {"stock:inserted", "nodes:inserted"} <= {e.type for e in hub.events.list().events})
    except NotInstalled as error:
        pytest.skip(str(error))

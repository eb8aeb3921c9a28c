"""The integrations page and its parts as objects: refresh, then look at what they hold."""

import asyncio
import contextlib
from types import SimpleNamespace

import pytest

from claudia_core import Claudia
from claudia_core.api.hooks import _take
from claudia_core.errors import IntegrationError, SignatureInvalid
from claudia_core.model.delivery import DeliveryStatus
from claudia_core.model.identity import Identity, Kind, Scope, acting_as
from claudia_core.resilience.metrics import Histogram
from claudia_core.settings import default_settings
from claudia_core.testing.refusals import FAILING, GONE, HOST, OFF, WELL, staged_refusals
from dashboards.cells import integrations as cells
from dashboards.pages.integrations import IntegrationsPage
from dashboards.parts import DeliveryList
from tests.dashboards.conftest import XSS, settle


@pytest.fixture
def staged():
    """A hub whose webhooks do not all arrive."""
    with staged_refusals() as hub:
        settle(hub)
        yield hub


@pytest.fixture
def quiet():
    """An empty hub in production, where the debugger is off until somebody turns it on."""
    settings = default_settings(database_url="memory://", display="off", environment="production")
    with Claudia(settings=settings) as hub:
        yield hub


def opened(hub, **address):
    """The page at an address."""
    page = IntegrationsPage(hub, **address)
    page.refresh()
    return page


def part(page, name):
    """What is shown under that name."""
    assert page.place.objects[0] is page.parts[name].layout
    return page.parts[name]


def ids(hub):
    """Endpoints by name."""
    return {one.name: one.id for one in hub.webhooks.list()}


def choose(value):
    """An event of a select."""
    return SimpleNamespace(new=value)


def facts(table):
    """Facts by their label."""
    return {row["label"]: row["value"][1] for row in table.rows}


def test_services_with_circuits_rates_and_latencies(staged):
    """Those left alone first; what carries mail and messages below, with what to do where it is not set up."""
    page = opened(staged)
    rows = part(page, "").table.rows
    assert [row["name"]["text"] for row in rows] == [HOST, "webhook alerts.example"]
    bad, well = rows
    assert (bad["status"]["word"], bad["rate"], bad["calls"]) == ("open", "100%", "5")
    assert (well["status"]["word"], well["rate"], well["calls"]) == ("closed", "0%", "40")
    assert None not in (well["p50"], well["p95"], well["p99"])
    assert "✖ left alone: webhook billing.example · ✖ given up: old wiki · ▲ failing: billing" in page.heading.object
    carriers = {row["id"]: row for row in page.parts["carriers"].table.rows}
    assert carriers["Mail"]["name"]["hint"] == "set CLAUDIA_MAIL_URL and CLAUDIA_MAIL_FROM"
    assert "claudia serve" in carriers["Webhooks"]["name"]["hint"]


def test_one_service_with_its_histogram_and_calls(staged):
    """The bars hold every call, also as a table; its calls alone are listed."""
    page = opened(staged)
    part(page, "").table._on_message({"open": "webhook alerts.example"})
    page.refresh()
    assert page.service == "webhook alerts.example"
    detail = part(page, "service")
    assert facts(detail.facts)["Calls"] == "40 well, 0 failed"
    data = detail.chart.pull_data()
    assert sum(bar[2] for bar in data.bars) == 40
    assert list(data.marks) == sorted(data.marks)
    assert sum(int(row["calls"]) for row in detail.chart.twin(data)) == 40
    detail.chart._figure = detail.chart.draw(data)
    detail.chart.change(data)
    assert {row["name"]["hint"] for row in detail.calls.table.rows} == {"webhook alerts.example"}
    page.back._on_message({"choose": "back"})
    page.refresh()
    assert (page.service, page.tabs.visible) == ("", True)


def test_a_histogram_is_even_on_a_logarithmic_axis():
    """Each bar is as wide as the others there, none is lost, and they hold what was counted."""
    histogram = Histogram()
    for seconds in (0.001, 0.0011, 0.1, 5.0, 1_000.0):
        histogram.add(seconds)
    bars = cells.bars(histogram)
    assert sum(number for _, _, number in bars) == 5
    assert {round(high / low, 6) for low, high, _ in bars} == {round(10 ** (1 / 8), 6)}
    assert bars[0][0] < 0.0011 <= bars[0][1] * 1.05


def test_error_rates_are_rounded_up():
    """One failure in a million calls is not 0%."""
    from claudia_core.resilience.metrics import Figures

    given = {"integration": "x", "refused": 0, "in_flight": 0, "last_error": "", "last_error_at": None}
    given |= dict.fromkeys(("p50", "p95", "p99"))
    assert cells.error_rate(Figures(successes=999_999, errors=1, **given)) == "0.1%"
    assert cells.error_rate(Figures(successes=3, errors=1, **given)) == "25%"
    assert cells.error_rate(Figures(successes=0, errors=0, **given)) is None


def test_endpoints_and_deliveries(staged):
    """Which fail since when, what waits; deliveries with their last answers, by status, page by page."""
    page = opened(staged, view="webhooks")
    view = part(page, "webhooks")
    states = {row["name"]["text"]: row["status"]["word"] for row in view.endpoints.table.rows}
    assert states == {FAILING: "failing", GONE: "given up", WELL: "on", OFF: "off"}
    billing = view.endpoints.table.rows[0]
    assert (billing["name"]["text"], billing["waiting"]) == (FAILING, "3")
    view.tabs._on_message({"choose": "failed"})
    page.refresh()
    rows = view.deliveries.table.rows
    assert {row["status"]["word"] for row in rows} == {"failed"}
    assert {(row["name"]["hint"], row["answer"]) for row in rows} == {
        ("to billing", "HTTP 503 in 1.2 s"), ("to old wiki", "HTTP 410 in 31 ms"),
    }  # fmt: skip
    page.status = "delivered"
    view.deliveries.limit = 5
    page.refresh()
    view.pager._on_message({"choose": "older"})
    page.refresh()
    first = view.deliveries.table.rows[0]["id"]
    view.pager._on_message({"choose": "newest"})
    page.refresh()
    assert view.deliveries.table.rows[0]["id"] != first


def test_one_delivery_with_every_attempt(staged):
    """What was answered when and in what time, what is sent; sent again it waits with a fresh schedule."""
    id = staged.webhooks.deliveries(ids(staged)[FAILING], status="failed").deliveries[0].id
    page = opened(staged, view="webhooks", delivery=id)
    detail = part(page, "delivery")
    assert len(detail.attempts.rows) == 4
    assert {row["status"]["word"] for row in detail.attempts.rows} == {"HTTP 503"}
    assert facts(detail.facts)["To"]["text"] == FAILING
    assert '"type": "task:failed"' in detail.content.rows[0]["value"]
    assert "upstream unavailable" in detail.content.rows[1]["value"]
    asyncio.run(detail._on_send(None))
    assert page.notice[:2] == ("On its way again", "good")
    assert staged.webhooks.delivery(id).status is DeliveryStatus.PENDING
    assert "waiting" in detail.title.object or "pending" in detail.title.object


def test_several_deliveries_again(staged):
    """What is selected is sent again; one that is gone meanwhile holds up no other."""
    page = opened(staged, view="webhooks", status="failed")
    view = part(page, "webhooks")
    chosen = [row["id"] for row in view.deliveries.table.rows[:2]]
    view.deliveries.table._on_message({"pick": chosen, "on": True})
    assert view.send.visible
    staged.store.write(lambda tx: tx.delete("deliveries", chosen[0])).result()
    asyncio.run(view._on_send(None))
    assert page.notice[0].startswith("1 delivery is on the way again; 1 not: no delivery")
    assert staged.webhooks.delivery(chosen[1]).status is DeliveryStatus.PENDING
    assert not view.send.visible


def test_one_endpoint_and_what_can_be_done(staged):
    """Its circuit and what waits; all that failed in the last day again, a test, off and on."""
    id = ids(staged)[FAILING]
    page = opened(staged, view="webhooks", endpoint=id)
    detail = part(page, "endpoint")
    told = facts(detail.facts)
    assert (told["Circuit"]["word"], told["Waiting"]) == ("open", "3 deliveries")
    assert page.title == FAILING
    assert "whsec" not in str(detail.facts.rows)
    failed = len(staged.webhooks.deliveries(id, status="failed").deliveries)
    asyncio.run(detail._on_again(choose("failed in the last day")))
    assert page.notice[0] == f"{failed} deliveries are on the way again"
    asyncio.run(detail._on_again(choose("failed in the last day")))
    assert page.notice[0] == "Nothing had failed in that time"
    asyncio.run(detail._on_test(None))
    assert page.notice[0] == "A test event is on its way"
    assert detail.deliveries.table.rows[0]["name"]["text"] == "webhook:test"
    asyncio.run(detail._on_turn(None))
    assert (staged.webhooks.get(id).active, detail.turn.label, detail.test.disabled) == (False, "Turn on", True)
    asyncio.run(detail._on_turn(None))
    assert (staged.webhooks.get(id).active, staged.webhooks.get(id).failing_since) == (True, None)


def test_what_takes_more_than_one_may_is_told(staged):
    """An operator sends again, and turns nothing off; a viewer sends nothing."""
    id = ids(staged)[FAILING]
    page = opened(staged, view="webhooks", endpoint=id)
    detail = part(page, "endpoint")
    with acting_as(Identity(Kind.USER, "u1", "olga", frozenset({Scope.OPERATOR}))):
        asyncio.run(detail._on_turn(None))
        assert page.notice[1] == "bad"
        assert staged.webhooks.get(id).active
        asyncio.run(detail._on_again(choose("all that failed")))
        assert page.notice[1] == "good"
    (entry,) = staged.audit.list(action="webhooks.redrive").entries
    assert (entry.actor, entry.subject) == ("user:u1", id)
    with acting_as(Identity(Kind.USER, "u2", "vera", frozenset({Scope.VIEWER}))):
        asyncio.run(detail._on_test(None))
    assert page.notice[1] == "bad"


@pytest.mark.parametrize("address", [{"service": "x"}, {"endpoint": "x"}, {"delivery": "x"}])
def test_what_there_is_not_is_told(claudia, address):
    """Also where markup stands in the address; a cursor made by hand gives the first page."""
    page = opened(claudia, **dict.fromkeys(address, XSS))
    title = part(page, next(iter(address))).title.object
    assert "not found" in title
    assert XSS not in title
    opened(claudia, view="webhooks", after="made up")


def test_sources_with_their_addresses(staged):
    """Where each posts to and what it becomes; never its secrets. Messages that came are counted, and lead on."""
    page = opened(staged, view="sources")
    rows = part(page, "sources").table.rows
    assert rows[0]["name"]["hint"] == "posts to /api/v1/hooks/github"
    assert "secret of theirs" not in str(rows)
    assert (rows[0]["messages"], rows[0]["name"]["href"]) == (None, None)
    for headers in ({}, {"x-hub-signature-256": "sha256=00"}):
        with pytest.raises(SignatureInvalid):
            _take(staged, "github", headers, b"{}")
    page.refresh()
    row = page.parts["sources"].table.rows[0]
    assert (row["messages"], row["errors"]) == ("2", "2")
    page.parts["sources"].table._on_message({"open": row["name"]["key"]})
    page.refresh()
    assert "not right" in facts(part(page, "service").facts)["It said"]


def test_calls_as_they_go(staged):
    """By service and outcome; one in full, with secrets taken out."""
    page = opened(staged, view="calls")
    calls = part(page, "calls")
    assert len(calls.table.rows) == 46
    calls.fields._on_message({"field": "outcome", "value": "refused"})
    page.refresh()
    assert (page.outcome, len(calls.table.rows)) == ("refused", 1)
    calls.fields._on_message({"field": "outcome", "value": "error"})
    page.refresh()
    calls._on_open(calls.table.rows[0]["id"])
    text = str(calls.content.rows)
    assert "closed the connection" in text
    assert "never-shown" not in text
    calls._on_open(calls.call)
    assert not calls.content.visible


def test_the_debugger_is_turned_on_for_a_while(quiet):
    """For one service, by an operator; the words say how it stands and what to do."""
    with contextlib.suppress(IntegrationError), quiet.integration("github"):
        raise OSError("down")
    page = opened(quiet, service="github")
    calls = part(page, "service").calls
    assert calls.table._wanted[0] == "No call is kept"
    assert [item["key"] for item in calls.fields.items] == ["outcome"], "the service is chosen already"
    asyncio.run(calls._on_keep(choose("for 5 minutes")))
    assert page.notice[0] == "Calls to github are kept for 5 min"
    assert quiet.integrations.debugger.is_on("github")
    assert not quiet.integrations.debugger.is_on("stripe")
    assert calls.table._wanted[0] == "No call yet"
    with quiet.integration("github") as call:
        call.sent("GET /user")
    page.refresh()
    assert [row["name"]["text"] for row in calls.table.rows] == ["GET /user"]
    asyncio.run(calls._on_keep(choose("stop")))
    assert not quiet.integrations.debugger.is_on("github")


@pytest.mark.parametrize(
    ("view", "name", "words"),
    [
        ("", "", "No service is called yet"),
        ("sources", "sources", "No source yet"),
        ("calls", "calls", "No call is kept"),
    ],
)
def test_an_empty_hub_says_what_to_do(quiet, view, name, words):
    """With lines to copy where there is something to write."""
    table = part(opened(quiet, view=view), name).table
    assert (table._wanted or table.zero)[0] == words


def test_an_empty_hub_says_how_to_make_an_endpoint(claudia):
    """And that deliveries come by themselves."""
    view = part(opened(claudia, view="webhooks"), "webhooks")
    assert "claudia.webhooks.create" in view.endpoints.table.zero[2]
    assert view.deliveries.table._wanted[0] == "No delivery yet"


def test_the_list_stands_alone(staged):
    """As a part for any app or cell, of one endpoint and status."""
    alone = DeliveryList(staged, endpoint=ids(staged)[GONE], status="failed", limit=3)
    alone.refresh()
    assert {row["answer"] for row in alone.table.rows} == {"HTTP 410 in 31 ms"}
    assert alone.layout is alone.table


def test_services_of_several_processes(tmp_path):
    """Summed, with the worst circuit; of one alone by a choice that stands in the address, with its calls."""
    settings = default_settings(database_url=str(tmp_path / "hub.db"), display="off", environment="development")
    with Claudia(settings=settings) as here, Claudia(settings=settings) as there:
        for hub, bad in ((here, 0), (there, 3)):
            for number in range(4):
                with contextlib.suppress(IntegrationError), hub.integration("github", failures=3) as call:
                    call.sent(f"GET {hub is there}")
                    if number < bad:
                        raise OSError("down")
        there.processes.tell()
        page = opened(here)
        (row,) = part(page, "").table.rows
        assert (row["calls"], row["rate"], row["processes"], row["status"]["word"]) == ("7", "42.9%", "2", "open")
        (field,) = page.parts[""].fields.items
        assert field["choices"][0] == ["", "all together"]
        page.parts[""].fields._on_message({"field": "process", "value": there.processes.id})
        page.refresh()
        assert page.process == there.processes.id
        assert (page.parts[""].table.rows[0]["calls"], page.parts[""].fields.visible) == ("3", True)
        page.service = "github"
        page.refresh()
        detail = part(page, "service")
        assert facts(detail.facts)["Called by"] == [there.processes.name]
        assert sum(bar[2] for bar in detail.chart.pull_data().bars) == 3
        assert "GET False" not in {row["name"]["text"] for row in detail.calls.table.rows}
        assert len(detail.calls.table.rows) == 4, "three that failed, and one that was not made"
        page.process = "gone"
        page.refresh()
        assert "not found" in detail.title.object

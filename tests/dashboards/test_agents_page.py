"""The agents page and its parts as objects: refresh, then look at what they hold."""

import asyncio
from datetime import timedelta

import pytest

from claudia_core import Claudia
from claudia_core.model.agent import Agent, AgentMode, AgentStatus, Vitals
from claudia_core.model.identity import Identity, Kind, Scope, acting_as
from claudia_core.model.ids import new_id
from claudia_core.model.times import to_text, utc_now
from claudia_core.services.agents import NewAgent
from claudia_core.services.tasks.claims import Claims, Terms
from claudia_core.services.tasks.queues import Queue
from claudia_core.settings import default_settings
from claudia_core.stores.memory import MemoryStore
from claudia_core.testing.clock import PastClock
from dashboards.cells import agents as cells
from dashboards.pages.agents import AgentsPage
from dashboards.pages.overview import Overview
from dashboards.parts import AgentGrid
from dashboards.parts.frame.cell import InCell
from tests.dashboards.conftest import XSS, settle

NOW = utc_now()
TERMS = {"resize": Terms(), "mail": Terms()}


def enrol(hub, name, types=("resize", "mail"), capacity=4):
    """An agent of some process elsewhere."""
    new = NewAgent(id=new_id(), name=name, host="worker-1", pid=4711, lease=15.0)
    agent = hub.agents.enrol(new)
    return hub.agents.announce(agent.id, types, capacity) if capacity else agent


def take(hub, agent, room=10):
    """Have it claim what waits."""
    return Claims(hub.store).turn(agent.id, TERMS, room).taken


@pytest.fixture
def working(claudia):
    """A hub with one agent that runs five tasks, one that is paused, one that ended, and a type that nobody takes."""
    tasks = claudia.tasks
    for number in range(5):
        tasks.create(f"resize {number}", type="resize")
    agent = enrol(claudia, "images", ("resize",), 8)
    claudia.agents.heartbeat(agent.id, Vitals(running=5, memory=300 * 2**20, completed=120, failed=2, per_minute=9))
    take(claudia, agent)
    claudia.agents.pause(enrol(claudia, "letters", ("mail",), 2).id)
    claudia.agents.leave(enrol(claudia, "gone").id)
    tasks.create("to whom", type="mail")
    tasks.create("for nobody", type="train")
    settle(claudia)
    return claudia


@pytest.fixture
def page(working):
    """The page, as it opens."""
    made = AgentsPage(working)
    made.refresh()
    return made


def shown(page):
    """Names and states in the list."""
    return {row["name"]["text"]: row["status"]["word"] for row in page.agents.table.rows}


def row(page, name):
    """An agent's row."""
    return next(row for row in page.agents.table.rows if row["name"]["text"] == name)


def id_of(page, name):
    return row(page, name)["id"]


def pick(page, *names):
    """Select rows as a browser does."""
    page.agents.table._on_message({"pick": [id_of(page, name) for name in names], "on": True})


def offered(actions):
    """What the buttons offer."""
    return {verb for verb, button in actions.buttons.items() if button.visible}


def test_who_is_there_and_what_each_does(page):
    """Those that are there first; tasks by name with links, load, throughput, memory, heartbeat."""
    assert shown(page) == {"letters": "paused", "images": "online", "gone": "ended"}
    assert list(shown(page))[-1] == "gone"
    images = row(page, "images")
    assert [one["text"] for one in images["doing"]] == ["resize 4", "resize 3", "resize 2", "and 2 more"]
    assert images["doing"][0]["href"].startswith("./tasks?id=")
    assert images["doing"][-1]["href"] == f"./tasks?status=active&agent={images['id']}"
    assert (images["load"]["label"], images["load"]["percent"]) == ("5 of 8 busy", 62.5)
    assert (images["rate"], images["completed"], images["failed"]) == ("9 /min", "120", "2")
    assert images["memory"] == "300 MiB"
    assert images["name"]["hint"] == "worker-1, pid 4711"
    assert images["beat"] is not None
    assert row(page, "letters")["name"]["hint"].startswith("takes no new tasks until it is resumed")
    assert row(page, "gone")["doing"] is None


def test_what_ended_in_the_last_hour():
    """As bars of two minutes, the present one last, from what heartbeats told; nothing is drawn where nothing ended."""
    agent = Agent(id=new_id(), name="images", host="worker-1", pid=1, started_at=NOW, heartbeat_at=NOW)
    assert cells.agent_row(agent, [], NOW)["pace"] is None
    then = NOW - timedelta(minutes=30)
    for minutes, completed in ((0, 5), (0.05, 6), (2, 10), (29, 12)):
        agent = agent.beaten(then + timedelta(minutes=minutes), Vitals(completed=completed))
    assert sum(agent.last_hour(NOW)) == 12
    told = cells.agent_row(agent, [], NOW)["pace"]
    assert (len(told["counts"]), sum(told["counts"]), told["tone"]) == (30, 12, "plain")
    assert told["label"].startswith("12 tasks ended in the last hour, ")
    later = NOW + timedelta(minutes=40)
    assert sum(agent.last_hour(later)) == 2
    assert cells.agent_row(Agent.from_document(agent.to_document()), [], later)["pace"]["label"].startswith("2 tasks")
    assert sum(agent.last_hour(NOW + timedelta(hours=2))) == 0


def test_the_verdict_and_figures(page):
    """The worst first, by name; the tiles count what is online."""
    assert "✖ no agent can run train · ‖ nobody takes mail now · ✔ 2 agents online" in page.heading.object
    tiles = {item["label"]: (item["value"], item["hint"]) for item in page.tiles.items}
    assert tiles["Agents"] == ("2", "10 places")
    assert tiles["Busy"] == ("5", "of 10 places")
    assert tiles["Waiting"] == ("2", "2 that nobody takes")
    assert tiles["Throughput"][0] == "9"
    assert tiles["Memory"][0] == "300"
    assert [item["count"] for item in page.tabs.items] == ["3", "2", "0", "1"]


def test_queues_tell_what_nobody_can_run(page):
    """Those first that nobody takes, each with the reason in words; depth and the age of the oldest."""
    rows = page.queues.table.rows
    assert [(one["id"], one["status"]["word"]) for one in rows] == [
        ("train", "no agent"),
        ("mail", "held"),
        ("resize", "runs"),
    ]
    train, mail, resize = rows
    assert train["name"]["hint"] == "no agent can run it"
    assert train["name"]["href"] == "./tasks?type=train&status=pending"
    assert (train["waiting"], train["agents"], train["oldest"] is not None) == ("1", "0", True)
    assert mail["name"]["hint"] == "every agent that can run it is paused or ends"
    assert (resize["waiting"], resize["running"], resize["places"]) == ("0", "5", "8")


def test_agents_by_state(page):
    """A choice of the tabs, kept in the address, that says so where there is none."""
    page.tabs._on_message({"choose": "offline"})
    page.refresh()
    assert page.status == "offline"
    assert set(shown(page)) == {"gone"}
    page.status = "lost"
    page.refresh()
    assert page.agents.table._wanted[0] == "No agent is like this now"


def test_a_lost_agent_is_not_one_that_ended():
    """Its own word, mark and tone; the verdict has it for an hour, and its tasks say why they failed."""
    clock = PastClock(utc_now() - timedelta(minutes=10))
    with Claudia(store=MemoryStore(clock=clock), settings=default_settings()) as hub:
        hub.tasks.create("resize", type="resize")
        agent = enrol(hub, "killed")
        take(hub, agent)
        clock.join()
        hub.agents.reap(to_text(utc_now()))
        settle(hub)
        page = AgentsPage(hub)
        page.refresh()
        (one,) = page.agents.table.rows
        assert one["status"] == {"word": "lost", "mark": "✖", "tone": "failed"}
        assert "✖ 1 agent lost in the last hour · no agent takes tasks" in page.heading.object
        page.id = agent.id
        page.refresh()
        assert page.detail.ended.rows[0]["name"]["hint"].startswith("AgentLost: killed on worker-1 (pid 4711) stopped")
        assert page.detail.changes.rows[0]["says"] == "was lost: no heartbeat"
        assert offered(page.detail.actions) == set()


def test_an_agent_whose_lease_ran_out_is_silent():
    """Until it is given up, it is neither online nor lost."""
    late = Agent(
        id="a", name="late", host="h", pid=1, capacity=1, started_at=NOW, heartbeat_at=NOW - timedelta(seconds=16)
    )
    assert cells.state(late, NOW) == "silent"
    assert cells.verdict([late], [], NOW)[1].startswith("? late: no heartbeat")
    assert cells.state(late.with_status(AgentStatus.LOST), NOW) == "lost"


def test_one_agent_in_detail(page):
    """Facts, what it works on, what ended on it last, and what became of it."""
    page._on_open(id_of(page, "images"))
    page.refresh()
    detail = page.detail
    assert page.title == "images"
    facts = {row["label"]: row["value"][1] for row in detail.facts.rows}
    assert facts["Takes"] == ["resize"]
    assert (facts["At once"], facts["Host"], facts["Process"], facts["Memory"]) == ("8", "worker-1", "4711", "300 MiB")
    assert len(detail.running.rows) == 5
    assert [row["says"] for row in detail.changes.rows] == ["takes tasks", "came online"]
    done = page.claudia.tasks.cancel(detail.running.rows[0]["id"])
    settle(page.claudia)
    detail._asked = ""
    page.refresh()
    assert [row["name"]["text"] for row in detail.ended.rows] == [done.name]
    page._on_back("")
    page.refresh()
    assert page.title == "Agents"


def test_an_agent_that_there_is_not(page):
    """Is told, and offers nothing."""
    page.id = "<nobody>"
    page.refresh()
    assert "Agent not found" in page.detail.title.object
    assert "<nobody>" not in page.detail.title.object
    assert offered(page.detail.actions) == set()


def test_one_agent_is_paused_and_resumed(page):
    """At once, told, and seen; what is offered is what can be done."""
    page.id = id_of(page, "images")
    page.refresh()
    actions = page.detail.actions
    assert offered(actions) == {"pause", "drain", "stop"}
    asyncio.run(actions._on_click("pause", None))
    assert page.notice[:2] == ("Paused: images", "good")
    assert page.claudia.agents.get(page.id).mode is AgentMode.PAUSED
    assert offered(actions) == {"resume", "drain", "stop"}
    assert "paused" in page.detail.title.object
    asyncio.run(actions._on_click("resume", None))
    assert page.notice[:2] == ("Takes tasks again: images", "good")


def test_what_cannot_be_taken_back_asks_before(page):
    """Draining and stopping open a question that names the agents; nothing happens before the answer."""
    pick(page, "images", "letters")
    assert offered(page.actions) == {"pause", "resume", "drain", "stop"}
    asyncio.run(page.actions._on_click("stop", None))
    assert page.actions.dialog.open
    assert "Stop 2 agents?" in page.actions.question.object
    assert "letters, images" in page.actions.question.object or "images, letters" in page.actions.question.object
    assert {agent.mode for agent in page.actions._find().values()} == {AgentMode.WORKING, AgentMode.PAUSED}
    page.actions._on_no(None)
    asyncio.run(page.actions._on_click("drain", None))
    asyncio.run(page.actions._on_yes(None))
    assert page.notice[:2] == ("Drains: 2 agents", "good")
    assert shown(page) == {"letters": "draining", "images": "draining", "gone": "ended"}
    assert page.agents.picked == {}
    assert not page.actions.layout.visible


def test_each_button_concerns_those_it_can_concern(page):
    """With one that works and one that is paused, pause is for the one and resume for the other."""
    pick(page, "images", "letters", "gone")
    asyncio.run(page.actions._on_click("resume", None))
    assert page.notice[:2] == ("Takes tasks again: letters", "good")


def test_who_came_too_late_is_told(page):
    """An agent that ended meanwhile refuses, with its reason."""
    id = id_of(page, "images")
    page.claudia.agents.leave(id)
    asyncio.run(page.actions.act("pause", {id: "images"}))
    assert page.notice[1] == "bad"
    assert "cannot become paused" in page.notice[0]


def test_actions_take_an_operator(working):
    """Who may only look is offered nothing, and refused what he asks for all the same."""
    with acting_as(Identity(Kind.USER, "u1", "vera", frozenset({Scope.VIEWER}))):
        page = AgentsPage(working)
        page.refresh()
        pick(page, "images")
        assert offered(page.actions) == set()
        for verb in ("pause", "resume", "drain", "stop"):
            asyncio.run(page.actions.act(verb, {id_of(page, "images"): "images"}))
            assert page.notice[1] == "bad"
        assert working.agents.get(id_of(page, "images")).mode is AgentMode.WORKING


def test_an_operators_actions_are_in_the_audit_log(working):
    """With who asked for what of which agent."""
    with acting_as(Identity(Kind.USER, "u1", "olga", frozenset({Scope.VIEWER, Scope.OPERATOR}))):
        page = AgentsPage(working)
        page.refresh()
        id = id_of(page, "images")
        asyncio.run(page.actions.act("drain", {id: "images"}))
    (entry,) = working.audit.list(action="agents.drain").entries
    assert (entry.subject, entry.actor) == (id, "user:u1")


def test_a_hub_without_agents_says_how_to_start_one(claudia):
    """With the line to type."""
    page = AgentsPage(claudia)
    page.refresh()
    assert page.agents.table._wanted[0] == "No agent yet"
    assert page.agents.table._wanted[2] == "claudia agent --app my_module"
    assert "no agent takes tasks" in page.heading.object


def test_a_program_that_takes_nothing_from_the_queues(claudia):
    """It is there, runs what it begins itself, and there is nothing to ask it for."""
    with claudia.task("import", show=False) as task:
        settle(claudia)
        page = AgentsPage(claudia)
        page.refresh()
        (one,) = page.agents.table.rows
        assert one["name"]["hint"].startswith("runs only what its own program begins")
        assert [link["text"] for link in one["doing"]] == ["import"]
        assert one["load"] is None
        assert task.id in one["doing"][0]["href"]
        pick(page, one["name"]["text"])
        assert offered(page.actions) == set()


def test_names_are_text(claudia):
    """Markup in the names of agents, tasks and types is never markup in headings and questions."""
    claudia.tasks.create(XSS, type=XSS)
    claudia.tasks.create(XSS, type="unknown" + XSS)
    agent = enrol(claudia, XSS, (XSS,))
    Claims(claudia.store).turn(agent.id, {XSS: Terms()}, 1)
    settle(claudia)
    page = AgentsPage(claudia)
    page.refresh()
    assert "<img" not in page.heading.object
    page.actions.ask("stop", {agent.id: XSS})
    assert "<img" not in page.actions.question.object
    page.id = agent.id
    page.refresh()
    assert "<img" not in page.detail.title.object


def test_memory_is_told_with_its_unit():
    """Three digits or so, in binary units."""
    sizes = (0, 500, 87 * 2**20, int(1.4 * 2**30), 1010 * 2**20, 3 * 2**40)
    assert [cells.memory(size) for size in sizes] == [None, "500 B", "87 MiB", "1.4 GiB", "1,010 MiB", "3 TiB"]


def test_queues_that_wait_or_are_not_due():
    """Told apart from those that nobody takes."""
    states = [
        Queue(type="a", waiting=3, agents=1, capacity=2),
        Queue(type="a", waiting=3, delayed=3, agents=1, capacity=2),
        Queue(type="a", agents=1, capacity=2),
        Queue(type="a", waiting=3),
    ]
    assert [cells.queue_state(one) for one in states] == ["waits", "delayed", "idle", "orphaned"]
    assert cells.verdict([], [], NOW) == ("", "no agent takes tasks")


def test_in_a_cell_a_click_opens_the_task(working):
    """Where there are no pages, names of tasks lead to the task below; an agent's name leads nowhere."""
    grid = AgentGrid(working, state="online")
    grid.refresh()
    cell = InCell(grid)
    (images,) = [row for row in grid.table.rows if row["name"]["text"] == "images"]
    assert images["name"]["key"] is None
    cell.view.table._on_message({"open": images["doing"][0]["key"]})
    assert cell.below.visible
    assert cell.detail.name_shown == "resize 4"


def test_the_overview_tells_how_agents_stand(working):
    """What nobody takes first, then who takes tasks; each leads to the page."""
    page = Overview(working)
    page.refresh()
    items = page.agents.strip.items
    assert [(item["label"], item["word"]) for item in items] == [
        ("train", "no agent"),
        ("mail", "held"),
        ("images", "online"),
        ("letters", "paused"),
    ]
    assert {item["href"].partition("?")[0] for item in items} == {"./agents"}
    assert page.agents.strip.visible


def test_a_strip_of_many_is_short():
    """The last chip leads to the rest."""
    chips = [{"label": str(number)} for number in range(40)]
    short = cells.shortened(chips, 12)
    assert len(short) == 12
    assert (short[-1]["label"], short[-1]["href"]) == ("and 29 more", "./agents")
    assert cells.shortened(chips[:12], 12) == chips[:12]


def test_the_grid_is_saved_as_a_file(working, tmp_path):
    """Frozen, with names of what each does."""
    grid = AgentGrid(working)
    grid.save(tmp_path / "agents.html")
    text = (tmp_path / "agents.html").read_text(encoding="utf-8")
    assert "resize 4, resize 3, resize 2, and 2 more" in text
    assert "worker-1, pid 4711" in text

"""Agents and queues as rows of cells: pure functions without panel, whose output `theme/live.js` draws as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import Any
from urllib.parse import urlencode

from claudia_core.model.agent import Agent, AgentStatus
from claudia_core.model.event import Event
from claudia_core.model.times import to_optional_text, to_text
from claudia_core.services.tasks.queues import Queue
from dashboards import units
from dashboards.cells.tasks import Row, Summary, agent_href, fact, task_href

WORDS: Mapping[str, tuple[str, str, str]] = {
    "online": ("online", "✔", "completed"),
    "paused": ("paused", "‖", "cancelled"),
    "draining": ("draining", "◐", "cancelled"),
    "stopping": ("stopping", "■", "cancelled"),
    "silent": ("silent", "?", "cancelled"),
    "lost": ("lost", "✖", "failed"),
    "offline": ("ended", "○", "pending"),
}
"""Word, mark and tone of an agent's state. One is silent when its lease ran out and nobody has given it up yet."""
ORDER = ("silent", "online", "paused", "draining", "stopping", "lost", "offline")
MEANS = {
    "paused": "takes no new tasks until it is resumed",
    "draining": "takes no new tasks, and ends with those that run",
    "stopping": "ends now; what runs is queued again",
    "silent": "its heartbeat is late: it is given up unless it comes back",
    "offline": "it ended in good order",
}
QUEUES: Mapping[str, tuple[str, str, str]] = {
    "orphaned": ("no agent", "✖", "failed"),
    "held": ("held", "‖", "cancelled"),
    "waits": ("waits", "…", "active"),
    "delayed": ("not due", "◷", "pending"),
    "runs": ("runs", "▶", "active"),
    "idle": ("idle", "✔", "completed"),
}
"""Word, mark and tone of how a queue stands."""
URGENCY = tuple(QUEUES)
NOTHING = "\u2013"
WHILE = timedelta(seconds=10)
"""For how long nobody takes a task before that is part of the overview's verdict."""

NOBODY = "no agent can run it"
OWN_WORK = "runs only what its own program begins"
RECENT = timedelta(hours=1)
"""For how long a lost agent is part of the verdict."""
MOST_NAMED = 3
MEMORY = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def tasks_href(**filters: str) -> str:
    """The address of the tasks page with these filters."""
    return "./tasks?" + urlencode(filters)


def memory(size: int) -> str | None:
    """Bytes as people read them: `87 MiB`, `1.4 GiB`; None where it is not known."""
    if size <= 0:
        return None
    for unit, name in MEMORY:
        if size >= unit:
            return f"{size / unit:.3g} {name}" if size < 1000 * unit else f"{size / unit:,.0f} {name}"
    return f"{size} B"


def state(agent: Agent, now: datetime) -> str:
    """One word of `WORDS`."""
    is_late = agent.status is AgentStatus.ONLINE and agent.expires_at < now
    return "silent" if is_late else agent.state


def status(agent: Agent, now: datetime) -> Row:
    """The cell of an agent's state: mark and word."""
    word, mark, tone = WORDS[state(agent, now)]
    return {"word": word, "mark": mark, "tone": tone}


def ordered(agents: Iterable[Agent], now: datetime) -> list[Agent]:
    """Those that are there first, of these first the ones that take tasks; the newest first among alike ones."""
    newest = sorted(agents, key=lambda agent: agent.started_at, reverse=True)
    return sorted(newest, key=lambda agent: (ORDER.index(state(agent, now)) > 4, not agent.capacity))


def takes(agent: Agent) -> bool:
    """Whether it takes tasks from the queues, or did; one that has ended has no places any more."""
    return bool(agent.capacity or agent.capabilities)


def claimed(tasks: Iterable[Summary]) -> list[Summary]:
    """Those of an agent's active tasks that it has taken from a queue, and others that no such one has begun."""
    known = list(tasks)
    ids = {task["id"] for task in known}
    return [task for task in known if task["claim"] or task["parent_id"] not in ids]


def agent_row(agent: Agent, tasks: Sequence[Summary], now: datetime, *, opens: bool = True) -> Row:
    """An agent as a row; `tasks` are its active ones. With `opens`, a click opens the agent, else one of its tasks."""
    on = agent.status is AgentStatus.ONLINE
    vitals = agent.vitals
    return {
        "id": agent.id,
        "status": status(agent, now),
        "name": {
            "text": agent.name,
            "href": agent_href(agent.id),
            "key": agent.id if opens else None,
            "hint": hint(agent, now),
        },
        "doing": doing(agent, tasks, keyed=not opens) if on else None,
        "load": load(agent, len([task for task in tasks if task["claim"]])) if on else None,
        "rate": f"{units.number(vitals.per_minute)} /min" if on and (agent.capacity or vitals.ended) else None,
        "pace": pace(agent, now),
        "completed": units.number(vitals.completed) if takes(agent) or vitals.ended else None,
        "failed": units.number(vitals.failed) if vitals.failed else None,
        "memory": memory(vitals.memory) if on else None,
        "beat": to_optional_text(agent.heartbeat_at),
    }


def pace(agent: Agent, now: datetime) -> Row | None:
    """How many tasks ended in it in the last hour, as bars of two minutes; None where none did."""
    minutes = agent.last_hour(now)
    if not any(minutes):
        return None
    counts = [sum(pair) for pair in batched(minutes, 2)]
    label = (
        f"{units.plural(sum(minutes), 'task')} ended in the last hour, {units.number(max(minutes))} a minute at most"
    )
    return {"counts": counts, "label": label, "tone": "plain"}


def hint(agent: Agent, now: datetime) -> str:
    """The line below an agent's name: what its state means, where that is not plain, and where it runs."""
    said = MEANS.get(state(agent, now), "") if agent.status is AgentStatus.ONLINE else ""
    if not said and agent.status is AgentStatus.ONLINE and not takes(agent):
        said = OWN_WORK
    place = f"{agent.host}, pid {agent.pid}"
    return f"{said} · {place}" if said else place


def doing(agent: Agent, tasks: Sequence[Summary], *, keyed: bool = False) -> list[Row]:
    """What an agent works on: names with links, the rest as their number."""
    shown = [
        {"text": task["name"], "href": task_href(task["id"]), "key": task["id"] if keyed else None}
        for task in tasks[:MOST_NAMED]
    ]
    if len(tasks) > MOST_NAMED:
        more = f"and {units.number(len(tasks) - MOST_NAMED)} more"
        shown.append({"text": more, "href": tasks_href(status="active", agent=agent.id), "key": None})
    return shown


def load(agent: Agent, running: int) -> Row | None:
    """How many of an agent's places are taken, as a bar; None where it has none."""
    if not agent.capacity:
        return None
    return {
        "percent": round(min(100.0, 100.0 * running / agent.capacity), 1),
        "label": f"{units.number(running)} of {units.number(agent.capacity)} busy",
        "word": "active",
        "name": f"Load of {agent.name}",
    }


def agent_facts(agent: Agent, tasks: Sequence[Summary], now: datetime) -> list[Row]:
    """What there is to know about an agent."""
    vitals = agent.vitals
    on = agent.status is AgentStatus.ONLINE
    facts = (
        fact("State", "status", status(agent, now)),
        fact("Means", "text", MEANS.get(state(agent, now))),
        fact("Load", "progress", load(agent, len([task for task in tasks if task["claim"]])) if on else None),
        fact("Throughput", "text", f"{units.number(vitals.per_minute)} in the last minute" if on else None),
        fact("Last hour", "spark", pace(agent, now)),
        fact("Completed", "text", units.number(vitals.completed) if takes(agent) else None),
        fact("Failed", "text", units.number(vitals.failed) if takes(agent) else None),
        fact("Memory", "text", memory(vitals.memory)),
        fact("Heartbeat", "when", to_optional_text(agent.heartbeat_at)),
        fact("Lease", "text", f"{units.span(agent.lease)} after each heartbeat"),
        fact("Started", "when", to_optional_text(agent.started_at)),
        fact("Takes", "tags", list(agent.capabilities)),
        fact("At once", "text", units.number(agent.capacity) if takes(agent) else OWN_WORK),
        fact("Host", "text", agent.host),
        fact("Process", "text", str(agent.pid)),
        fact("Id", "id", agent.id),
    )
    return [row for row in facts if row is not None]


SAYS = {"agent:online": "came online", "agent:offline": "ended in good order", "agent:lost": "was lost: no heartbeat"}
ASKED = {
    "working": "takes tasks",
    "paused": "was paused",
    "draining": "was asked to drain",
    "stopping": "was asked to stop",
}


def change_rows(events: Iterable[Event]) -> list[Row]:
    """What became of an agent as rows, from its events."""
    return [
        {
            "id": str(event.sequence),
            "at": to_text(event.time),
            "says": SAYS.get(event.type) or ASKED.get(str(event.data.get("mode")), event.type),
        }
        for event in events
    ]


def queue_state(queue: Queue) -> str:
    """One word of `QUEUES`."""
    if queue.note:
        return "held" if queue.agents else "orphaned"
    if queue.waiting:
        return "delayed" if queue.delayed >= queue.waiting else "waits"
    return "runs" if queue.running else "idle"


def queue_rows(queues: Iterable[Queue]) -> list[Row]:
    """Queues as rows of a table, those first that nobody takes from, then the fullest."""
    return [queue_row(one) for one in sorted(queues, key=lambda one: (URGENCY.index(queue_state(one)), -one.waiting))]


def queue_row(queue: Queue) -> Row:
    """The tasks of a type that have not ended, as a row."""
    word, mark, tone = QUEUES[queue_state(queue)]
    return {
        "id": queue.type,
        "status": {"word": word, "mark": mark, "tone": tone},
        "name": {
            "text": queue.type,
            "href": tasks_href(type=queue.type, status="pending" if queue.waiting else "active"),
            "key": None,
            "hint": queue_hint(queue),
        },
        "waiting": units.number(queue.waiting),
        "oldest": to_optional_text(queue.oldest_at),
        "delayed": units.number(queue.delayed) if queue.delayed else None,
        "running": units.number(queue.running),
        "agents": units.number(queue.agents),
        "places": units.number(queue.capacity),
    }


def queue_hint(queue: Queue) -> str:
    """Why nothing of it is taken, in words."""
    match queue_state(queue):
        case "orphaned":
            return NOBODY
        case "held":
            return "every agent that can run it is paused or ends"
        case "delayed":
            return "what waits is not due yet"
        case "runs" if not queue.agents:
            return "begun by programs themselves"
    return ""


def verdict(agents: Sequence[Agent], queues: Sequence[Queue], now: datetime) -> tuple[str, str]:
    """How it stands in a line, with its tone: the worst first."""
    orphaned = [one.type for one in queues if queue_state(one) == "orphaned"]
    held = [one.type for one in queues if queue_state(one) == "held"]
    lost = lately_lost(agents, now)
    silent = [agent.name for agent in agents if state(agent, now) == "silent"]
    on = [agent for agent in agents if agent.status is AgentStatus.ONLINE and agent.capacity]
    parts = [f"✖ no agent can run {listed(orphaned)}"] if orphaned else []
    parts += [f"✖ {units.plural(len(lost), 'agent')} lost in the last hour"] if lost else []
    parts += [f"‖ nobody takes {listed(held)} now"] if held else []
    parts += [f"? {listed(silent)}: no heartbeat"] if silent else []
    parts += [f"✔ {units.plural(len(on), 'agent')} online"] if on else ["no agent takes tasks"]
    waiting = sum(queue.waiting for queue in queues)
    parts += [f"{units.plural(waiting, 'task')} waiting"] if waiting else []
    tone = "failed" if orphaned or lost else "cancelled" if held or silent else "completed" if on else ""
    return tone, " · ".join(parts)


def lately_lost(agents: Iterable[Agent], now: datetime) -> list[Agent]:
    """Agents that were lost in the last hour."""
    return [agent for agent in agents if agent.status is AgentStatus.LOST and now - agent.expires_at < RECENT]


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def tiles(agents: Sequence[Agent], queues: Sequence[Queue], busy: int) -> list[dict[str, Any]]:
    """Figures of all agents that are online: places, what waits, throughput, memory."""
    on = [agent for agent in agents if agent.status is AgentStatus.ONLINE]
    able = [agent for agent in on if agent.capacity]
    places = sum(agent.capacity for agent in able)
    waiting, delayed = sum(queue.waiting for queue in queues), sum(queue.delayed for queue in queues)
    rate = sum(agent.vitals.per_minute for agent in able)
    size, _, unit = (memory(sum(agent.vitals.memory for agent in on)) or f"{NOTHING} ").partition(" ")
    none = [queue for queue in queues if queue.note]
    held = f"{units.number(sum(queue.waiting for queue in none))} that nobody takes"
    return [
        _tile("Agents", units.number(len(able)), f"{units.number(places)} places", "./agents?status=online"),
        _tile("Busy", units.number(busy), f"of {units.number(places)} places", "./tasks?status=active",
              "busy" if busy else ""),
        _tile("Waiting", units.number(waiting), held if none else f"{units.number(delayed)} not due yet",
              "./tasks?status=pending", "bad" if none else ""),
        {**_tile("Throughput", units.number(rate), "last minute", "./tasks?view=timeline"), "unit": "/min"},
        {**_tile("Memory", size, "of processes online", "./agents?status=online"), "unit": unit},
    ]  # fmt: skip


def _tile(label: str, value: str, hint: str, href: str, tone: str = "") -> dict[str, Any]:
    return {"label": label, "value": value, "hint": hint, "href": href, "tone": tone}


def strip_items(agents: Sequence[Agent], queues: Sequence[Queue], now: datetime) -> list[Row]:
    """Chips for the overview: types that nobody takes, agents that were just lost, then those that take tasks."""
    chips = [
        {"label": queue.type, "href": agent_href(), "hint": queue_hint(queue), **queue_row(queue)["status"]}
        for queue in sorted(queues, key=lambda one: URGENCY.index(queue_state(one)))
        if queue.note
    ]
    able = [agent for agent in agents if agent.status is AgentStatus.ONLINE and agent.capacity]
    shown = lately_lost(agents, now) + sorted(able, key=lambda agent: ORDER.index(state(agent, now)))
    return chips + [
        {"label": agent.name, "href": agent_href(agent.id), "hint": hint(agent, now), **status(agent, now)}
        for agent in shown
    ]


def untaken(queues: Iterable[Queue], now: datetime) -> tuple[str, ...]:
    """Why nobody takes what waits, for each type of which something does so for a while; the fullest first."""
    held = [one for one in queues if one.note and one.oldest_at is not None and now - one.oldest_at > WHILE]
    held.sort(key=lambda queue: -queue.waiting)
    return tuple(
        f"{units.plural(queue.waiting, 'task')} of {queue.type} wait{'s' * (queue.waiting == 1)}: {queue_hint(queue)}"
        for queue in held
    )


def shortened(chips: Sequence[Row], most: int) -> list[Row]:
    """The first chips, and one that leads to the rest."""
    if len(chips) <= most:
        return list(chips)
    rest = f"and {units.number(len(chips) - most + 1)} more"
    more = {"label": rest, "href": agent_href(), "hint": "all agents and queues"}
    return [*chips[: most - 1], {**more, "word": "agents", "mark": "…", "tone": "pending"}]

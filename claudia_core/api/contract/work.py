"""What each operation does: calls a service and answers plain JSON."""

from __future__ import annotations

from typing import Any

from claudia_core.api.contract import inputs as i
from claudia_core.app import Claudia
from claudia_core.errors import InvalidValue
from claudia_core.model.address import without_password
from claudia_core.model.agent import AgentStatus
from claudia_core.model.identity import current
from claudia_core.model.ids import new_id
from claudia_core.model.report import ErrorReport
from claudia_core.model.times import to_optional_text
from claudia_core.services.agents import NewAgent
from claudia_core.services.events import NewEvent
from claudia_core.services.notifications.people import may_read
from claudia_core.services.tasks.failures import failing
from claudia_core.services.tasks.holds import fenced
from claudia_core.services.tasks.progress import ProgressUpdate
from claudia_core.services.tasks.service import NewTask, TaskPage
from claudia_core.settings import SECRETS

type Answer = dict[str, Any]


def _new(asked: i.CreateTask) -> NewTask:
    return NewTask(**{name: value for name, value in vars(asked).items() if name != "start"})


def create_task(hub: Claudia, asked: i.CreateTask) -> Answer:
    return hub.tasks.create_many([_new(asked)], start=asked.start)[0].to_document()


def create_tasks(hub: Claudia, asked: i.CreateTasks) -> Answer:
    starts = {task.start for task in asked.tasks}
    if len(starts) > 1:
        raise InvalidValue("some tasks of the batch start and some do not", field="start", hint="send two batches")
    made = hub.tasks.create_many([_new(task) for task in asked.tasks], start=starts.pop())
    return {"items": [task.to_document() for task in made]}


def list_tasks(hub: Claudia, asked: i.ListTasks) -> Answer:
    page = hub.tasks.list(
        status=asked.status or None,
        type=asked.type or None,
        name=asked.name,
        tag=asked.tag,
        parent_id=asked.parent_id,
        roots=asked.roots,
        agent_id=asked.agent_id,
        since=asked.since,
        order=asked.order,
        limit=asked.limit,
        after=asked.after,
    )
    return _page(page)


def list_children(hub: Claudia, asked: i.ListChildren) -> Answer:
    hub.progress.get(asked.id)
    return _page(hub.tasks.children(asked.id, limit=asked.limit, after=asked.after))


def _page(page: TaskPage) -> Answer:
    return {"items": [task.to_document() for task in page.tasks], "next": page.next}


def count_tasks(hub: Claudia, _: i.Nothing) -> Answer:
    return {status.value: number for status, number in hub.tasks.counts().items()}


def list_types(hub: Claudia, asked: i.ListNames) -> Answer:
    return _names(hub.tasks.types(asked.prefix, limit=asked.limit))


def list_tags(hub: Claudia, asked: i.ListNames) -> Answer:
    return _names(hub.tasks.tags(asked.prefix, limit=asked.limit))


def _names(found: dict[str, int]) -> Answer:
    return {"items": [{"name": name, "tasks": tasks} for name, tasks in found.items()]}


def get_task(hub: Claudia, asked: i.ById) -> Answer:
    task = hub.tasks.get(asked.id)
    # A queue counts the tasks of all projects: whoever is confined to some is not told.
    return {**task.to_document(), "waiting": "" if current().is_confined else hub.queues.why(task)}


def get_result(hub: Claudia, asked: i.ById) -> Answer:
    task = hub.tasks.get(asked.id)
    return {"id": task.id, "status": task.status.value, "result": task.result}


def start_task(hub: Claudia, asked: i.StartTask) -> Answer:
    return hub.tasks.start(asked.id, agent_id=asked.agent_id).to_document()


def progress_task(hub: Claudia, asked: i.ReportClaimedProgress) -> Answer:
    task = hub.tasks.progress(asked.id, asked.current, total=asked.total, message=asked.message, claim=asked.claim)
    return task.to_document()


def complete_task(hub: Claudia, asked: i.CompleteTask) -> Answer:
    return hub.tasks.complete(asked.id, asked.result, claim=asked.claim).to_document()


def fail_task(hub: Claudia, asked: i.FailTask) -> Answer:
    error = ErrorReport(
        type=asked.type,
        message=asked.message,
        traceback=asked.traceback,
        culprit=asked.culprit,
        exceptions=tuple(asked.exceptions),
        id=asked.occurrence_id,
        kind="TASK_FAILURE",
        handled=False,
    )
    move = failing(error, asked.result)
    return hub.tasks.move(asked.id, move if asked.claim is None else fenced(move, asked.claim)).to_document()


def cancel_task(hub: Claudia, asked: i.CancelTask) -> Answer:
    return hub.tasks.cancel(asked.id, reason=asked.reason).to_document()


def retry_task(hub: Claudia, asked: i.ById) -> Answer:
    return hub.tasks.retry(asked.id).to_document()


def rerun_task(hub: Claudia, asked: i.RerunTask) -> Answer:
    changes = {"payload": asked.payload} if "payload" in asked.model_fields_set else {}
    return hub.tasks.rerun(asked.id, **changes).to_document()


def list_filters(hub: Claudia, _: i.Nothing) -> Answer:
    return {"items": [saved.to_document() for saved in hub.filters.list()]}


def save_filter(hub: Claudia, asked: i.SaveFilter) -> Answer:
    return hub.filters.save(asked.name, asked.query).to_document()


def rename_filter(hub: Claudia, asked: i.RenameFilter) -> Answer:
    return hub.filters.rename(asked.id, asked.name).to_document()


def delete_filter(hub: Claudia, asked: i.ById) -> Answer:
    return hub.filters.delete(asked.id).to_document()


def get_progress(hub: Claudia, asked: i.ById) -> Answer:
    return hub.progress.get(asked.id).to_document()


def update_progress(hub: Claudia, asked: i.UpdateProgress) -> Answer:
    updates = [ProgressUpdate(u.id, u.current, u.total, u.message, u.attempt) for u in asked.updates]
    return {"noted": hub.progress.report_many(updates)}


def list_events(hub: Claudia, asked: i.ListEvents) -> Answer:
    part = hub.events.list(
        after=asked.after, since=asked.since, types=asked.type, subject=asked.subject, limit=asked.limit
    )
    gap = None if part.gap is None else {"first": part.gap.first, "last": part.gap.last}
    who = current()
    items = [event.to_cloudevent() for event in part.events if may_read(who, event)]
    return {"items": items, "next": str(hub.events.cursor(part.position)), "gap": gap}


def append_events(hub: Claudia, asked: i.AppendEvents) -> Answer:
    number = hub.events.append([NewEvent(event.type, event.subject, event.data) for event in asked.events])
    return {"appended": number, "cursor": str(hub.events.cursor())}


def list_agents(hub: Claudia, asked: i.ListAgents) -> Answer:
    found = hub.agents.list(status=_agent_status(asked.status), limit=asked.limit)
    return {"items": [agent.to_document() for agent in found]}


def _agent_status(text: str | None) -> AgentStatus | None:
    if text is None:
        return None
    try:
        return AgentStatus(text)
    except ValueError as error:
        raise InvalidValue(f"status is {text!r}", field="status", hint=", ".join(AgentStatus)) from error


def get_agent(hub: Claudia, asked: i.ById) -> Answer:
    return hub.agents.get(asked.id).to_document()


def register_agent(hub: Claudia, asked: i.RegisterAgent) -> Answer:
    new = NewAgent(
        id=asked.id or new_id(),
        name=asked.name,
        host=asked.host,
        pid=asked.pid,
        lease=asked.lease,
        capabilities=tuple(asked.capabilities),
        capacity=asked.capacity,
    )
    return hub.agents.enrol(new).to_document()


def renew_agent(hub: Claudia, asked: i.ById) -> Answer:
    return hub.agents.renew(asked.id).to_document()


def pause_agent(hub: Claudia, asked: i.ById) -> Answer:
    return hub.agents.pause(asked.id).to_document()


def resume_agent(hub: Claudia, asked: i.ById) -> Answer:
    return hub.agents.resume(asked.id).to_document()


def drain_agent(hub: Claudia, asked: i.ById) -> Answer:
    return hub.agents.drain(asked.id).to_document()


def stop_agent(hub: Claudia, asked: i.ById) -> Answer:
    return hub.agents.stop(asked.id).to_document()


def list_queues(hub: Claudia, _: i.Nothing) -> Answer:
    return {"items": [queue.to_document() for queue in hub.queues.list()]}


def leave_agent(hub: Claudia, asked: i.ById) -> Answer:
    hub.agents.leave(asked.id)
    return hub.agents.get(asked.id).to_document()


def get_health(hub: Claudia, _: i.Nothing) -> Answer:
    return hub.health.report(max_age=1.0).to_document()


def get_log(hub: Claudia, _: i.Nothing) -> Answer:
    status = hub.store.log_status()
    return {
        "epoch": status.epoch,
        "oldest": status.oldest,
        "head": status.head,
        "events": status.events,
        "bytes": status.bytes,
        "pruned_at": to_optional_text(status.pruned_at),
        "pruned_events": status.pruned_events,
    }


def list_settings(hub: Claudia, _: i.Nothing) -> Answer:
    found = hub.settings.model_dump(mode="json", exclude=set(SECRETS))
    shown = {name: without_password(value) if isinstance(value, str) else value for name, value in found.items()}
    return {"settings": {**shown, "database_url": hub.store.url}}

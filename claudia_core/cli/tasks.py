"""`claudia tasks`: the list of tasks."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from claudia_core.cli.hub import Database, open_hub
from claudia_core.cli.rows import task_table
from claudia_core.cli.terminal import note, out, say
from claudia_core.model.task import Status
from claudia_core.services.tasks.service import TaskPage


def tasks(
    *,
    status: Annotated[list[Status] | None, Parameter(negative=())] = None,
    type: Annotated[list[str] | None, Parameter(negative=())] = None,
    name: str | None = None,
    limit: Annotated[int, Parameter(validator=Number(gte=1, lte=10_000))] = 50,
    json: Annotated[bool, Parameter(negative=())] = False,
    database: Database = None,
) -> None:
    """List tasks, the newest first.

    Args:
        status: Only tasks in this status; give it several times for several.
        type: Only tasks of this type; give it several times for several.
        name: Only tasks whose name begins so; upper and lower case are alike. Ordered by name.
        limit: Most tasks listed, 1 to 10000.
        json: As a JSON array, with all fields but payload, result and traceback.
    """
    with open_hub(database) as claudia:
        page = claudia.tasks.list(status=status or None, type=type or None, name=name, limit=limit)
    if json:
        _print_json(page)
    elif page.tasks:
        _print_table(page, limit)
    else:
        note("No task fits." if status or type or name else "No tasks yet. Something to see: claudia demo")


def _print_json(page: TaskPage) -> None:
    import orjson

    rows = [task.to_summary() for task in page.tasks]
    say(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())


def _print_table(page: TaskPage, limit: int) -> None:
    out().print(task_table((task.to_summary() for task in page.tasks), out().width))
    if page.next is not None:
        note(f"There are more than these {len(page.tasks)}: --limit {min(10_000, limit * 4)} shows more.")

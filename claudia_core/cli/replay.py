"""`claudia replay`: what is kept, folded again from the log."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from claudia_core.cli.hub import Database, open_hub
from claudia_core.cli.terminal import err, say
from claudia_core.projections import request_rebuild, stored
from claudia_core.services.replay import PROJECTIONS
from claudia_core.services.replay import replay as fold_again


def replay(
    names: tuple[str, ...] = (),
    /,
    *,
    check: Annotated[bool, Parameter(negative=())] = False,
    database: Database = None,
) -> int:
    """Fold what the hub keeps again from its log, and put right what differs. The hub may be at work.

    The exit code is 1 when --check found something that differs.

    Args:
        names: tasks, issues, rollups, or projections of your own; the hub's three without a name.
        check: Only count what differs, and change nothing.
    """
    with open_hub(database) as claudia:
        store = claudia.store
        own = [name for name in names if name not in PROJECTIONS and stored(store, name) is not None]
        builtin = [name for name in names if name not in own]
        wrong = 0
        if builtin or not names:
            for found in fold_again(store, builtin, mend=not check, progress=_progress):
                state = "differ" if check else "put right"
                say(f"{found.name:<10} {found.compared:>12,} compared {found.wrong:>10,} {state}")
                wrong += found.wrong
        for name in own:
            if check:
                say(f"{name:<10} is folded by a program of yours: it can be folded again, not compared")
            else:
                request_rebuild(store, name)
                say(f"{name:<10} is folded again by the process that runs it; its health check shows how far it is")
    return 1 if check and wrong else 0


def _progress(done: int, of: int) -> None:
    if err().is_terminal:
        err().print(f"\r{done:,} of {of:,} events", end="" if done < of else "\n")

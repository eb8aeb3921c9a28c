"""`claudia replay`: what is kept, folded again from the log."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from claudia_core.cli.hub import Database, open_hub
from claudia_core.cli.terminal import err, say
from claudia_core.past import compare_boards
from claudia_core.ports import Store
from claudia_core.projections import request_rebuild, stored
from claudia_core.services.replay.documents import Replayed
from claudia_core.services.replay.service import PROJECTIONS, tell_pictures
from claudia_core.services.replay.service import replay as fold_again

BOARDS = "boards"


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
        names: tasks, issues, occurrences, rollups, boards (what pages show), or projections of your own; all but those
            without a name.
        check: Only count what differs, and change nothing.
    """
    with open_hub(database) as claudia:
        store = claudia.store
        own = [name for name in names if name not in (*PROJECTIONS, BOARDS) and stored(store, name) is not None]
        builtin = [name for name in names if name not in (*own, BOARDS)]
        wrong = 0
        if builtin or not names:
            for found in fold_again(store, builtin, mend=not check, progress=_progress):
                wrong += _say(found, "differ" if check else "put right")
        if not names or BOARDS in names:
            wrong += _boards(store, check=check, always=BOARDS in names)
        for name in own:
            if check:
                say(f"{name:<11} is folded by a program of yours: it can be folded again, not compared")
            else:
                request_rebuild(store, name)
                say(f"{name:<11} is folded again by the process that runs it; its health check shows how far it is")
    return 1 if check and wrong else 0


def _say(found: Replayed, state: str) -> int:
    say(f"{found.name:<11} {found.compared:>12,} compared {found.wrong:>10,} {state}")
    return found.wrong


def _boards(store: Store, *, check: bool, always: bool) -> int:
    """Compare what pages show; unless it is only checked, they begin anew where it differs or somebody asks."""
    found = compare_boards(store)
    _say(found, "differ")
    if not check and (always or found.wrong):
        tell_pictures(store, [found])
        say("every process makes its pictures anew")
    return found.wrong


def _progress(done: int, of: int) -> None:
    if err().is_terminal:
        err().print(f"\r{done:,} of {of:,} events", end="" if done < of else "\n")

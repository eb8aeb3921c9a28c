"""`claudia session`: who is signed in."""

from __future__ import annotations

from typing import Annotated

import cyclopts
from cyclopts import Parameter

from claudia_core.app import Claudia
from claudia_core.cli.hub import Database, open_hub
from claudia_core.cli.table import day, print_table
from claudia_core.cli.terminal import note, say
from claudia_core.errors import InvalidValue

app = cyclopts.App(name="session", help="Who is signed in.", help_format="plaintext")


@app.command(name="list")
def list_sessions(*, user: str | None = None, database: Database = None) -> None:
    """List who is signed in.

    Args:
        user: Only this user.
    """
    with open_hub(database) as claudia:
        found = claudia.sessions.list(owner=_owner(claudia, user))
    if not found:
        note("Nobody is signed in.")
        return
    rows = [
        (session.name, session.kind, session.via, session.address, day(session.to_public()["seen_at"]), session.id)
        for session in found
    ]
    print_table(("name", "kind", "signed in by", "from", "last seen (UTC)", "id"), rows)


@app.command
def end(id: str, /, *, database: Database = None) -> None:
    """End one session."""
    with open_hub(database) as claudia:
        session = claudia.sessions.end(id)
    say(f"A session of {session.name} has ended.")


@app.command(name="end-all")
def end_all(
    *,
    user: str | None = None,
    everybody: Annotated[bool, Parameter(negative=())] = False,
    database: Database = None,
) -> None:
    """Sign out everywhere.

    Args:
        user: This user.
        everybody: Everybody, whoever came with the server's token included.
    """
    if (user is None) is not everybody:
        raise InvalidValue("say whom to sign out", field="user", hint="--user NAME, or --everybody")
    with open_hub(database) as claudia:
        number = claudia.sessions.end_all(_owner(claudia, user))
    say(f"{number} {'session has' if number == 1 else 'sessions have'} ended.")


def _owner(claudia: Claudia, user: str | None) -> str | None:
    return None if user is None else claudia.users.named(user).id

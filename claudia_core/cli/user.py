"""`claudia user`: people who may sign in."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from claudia_core.cli.hub import Database, open_hub
from claudia_core.cli.table import day, print_table
from claudia_core.cli.terminal import note, say
from claudia_core.errors import InvalidValue
from claudia_core.model.identity import Scope
from claudia_core.services.access.passwords import require_hasher

app = cyclopts.App(name="user", help="People who may sign in.", help_format="plaintext")

type Projects = Annotated[list[str] | None, Parameter(name="--project", negative=())]
type Stdin = Annotated[bool, Parameter(negative=())]


@app.command
def add(
    name: str,
    /,
    *,
    scope: Scope = Scope.VIEWER,
    project: Projects = None,
    password_stdin: Stdin = False,
    database: Database = None,
) -> None:
    """Add a user, and ask for their password.

    Args:
        name: What they sign in with.
        scope: What they may do: viewer, operator or admin.
        project: A project they are confined to; give it several times for several. All projects when left out.
        password_stdin: Read the password from standard input instead of asking for it.
    """
    with open_hub(database) as claudia:
        password = _password(stdin=password_stdin)
        user = claudia.users.add(name, password, scope=scope, projects=project or ())
    say(f"{user.name} may sign in as {user.scope}.")


@app.command(name="list")
def list_users(*, database: Database = None) -> None:
    """List the users."""
    with open_hub(database) as claudia:
        users = [user.to_public() for user in claudia.users.list()]
    if not users:
        note("No users: whoever has the server's token may come in. Add one with: claudia user add NAME")
        return
    rows = [
        (
            user["name"],
            user["scope"],
            ", ".join(user["projects"]) or "all",
            "yes" if user["enabled"] else "no",
            user["issuer"] or ("password" if user["has_password"] else "none yet"),
            day(user["last_login_at"]),
        )
        for user in users
    ]
    print_table(("name", "scope", "projects", "enabled", "signs in by", "last sign-in (UTC)"), rows)


@app.command
def disable(name: str, /, *, database: Database = None) -> None:
    """Keep a user out, and sign them out everywhere."""
    with open_hub(database) as claudia:
        claudia.users.change(claudia.users.named(name).id, enabled=False)
    say(f"{name} may not sign in any more, and is signed out.")


@app.command
def enable(name: str, /, *, database: Database = None) -> None:
    """Let a user in again."""
    with open_hub(database) as claudia:
        claudia.users.change(claudia.users.named(name).id, enabled=True)
    say(f"{name} may sign in.")


@app.command
def passwd(name: str, /, *, password_stdin: Stdin = False, database: Database = None) -> None:
    """Set a new password, and sign the user out everywhere.

    Args:
        password_stdin: Read the password from standard input instead of asking for it.
    """
    with open_hub(database) as claudia:
        id = claudia.users.named(name).id
        claudia.users.change(id, password=_password(stdin=password_stdin))
    say(f"{name} has a new password, and is signed out.")


@app.command
def grant(name: str, /, scope: Scope, *, project: Projects = None, database: Database = None) -> None:
    """Change what a user may do, and in which projects.

    Args:
        name: What they sign in with.
        scope: What they may do from now on: viewer, operator or admin.
        project: A project they are confined to; give it several times for several. All projects when left out.
    """
    with open_hub(database) as claudia:
        user = claudia.users.change(claudia.users.named(name).id, scope=scope, projects=project or ())
    say(f"{user.name} is {user.scope} of {', '.join(user.projects) or 'all projects'}.")


@app.command
def remove(name: str, /, *, database: Database = None) -> None:
    """Remove a user, and sign them out everywhere."""
    with open_hub(database) as claudia:
        claudia.users.remove(claudia.users.named(name).id)
    say(f"{name} is removed.")


def _password(*, stdin: bool) -> str:
    require_hasher()  # before anybody types one in vain
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        hint = "send it to standard input with --password-stdin"
        raise InvalidValue("there is no terminal to ask for the password", field="password", hint=hint)
    first = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != first:
        raise InvalidValue("the two are not the same", field="password")
    return first

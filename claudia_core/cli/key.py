"""`claudia key`: API keys, and the keys that sign tokens."""

from __future__ import annotations

from typing import Annotated

import cyclopts
from cyclopts import Parameter

from claudia_core.address import store_file
from claudia_core.cli.hub import Database, open_hub
from claudia_core.cli.table import day, print_table
from claudia_core.cli.terminal import note, say
from claudia_core.errors import NotFound
from claudia_core.model.api_key import ApiKey
from claudia_core.model.identity import Scope

app = cyclopts.App(name="key", help="API keys: what programs sign in with.", help_format="plaintext")


@app.command
def create(
    name: str,
    /,
    *,
    scope: Scope = Scope.OPERATOR,
    project: Annotated[list[str] | None, Parameter(negative=())] = None,
    days: float | None = None,
    database: Database = None,
) -> None:
    """Make a key and print it, this once: only its hash is kept.

    Args:
        name: What people know it by.
        scope: What it may do: viewer, operator or admin.
        project: A project it is confined to; give it several times for several. All projects when left out.
        days: Days after which it ends. It does not end by itself when left out.
    """
    with open_hub(database) as claudia:
        key, text = claudia.keys.create(name, scope=scope, projects=project or (), days=days)
    say(text)
    note(f"This is shown once. Programs send it as: Authorization: Bearer {key.prefix}_...")


@app.command(name="list")
def list_keys(*, database: Database = None) -> None:
    """List the keys, without their texts."""
    with open_hub(database) as claudia:
        keys = [key.to_public() for key in claudia.keys.list()]
    if not keys:
        note("No keys. Make one with: claudia key create NAME")
        return
    rows = [
        (
            key["name"],
            key["prefix"],
            key["scope"],
            ", ".join(key["projects"]) or "all",
            day(key["last_used_at"]),
            f"revoked {day(key['revoked_at'])}" if key["revoked_at"] else day(key["expires_at"]),
        )
        for key in keys
    ]
    print_table(("name", "begins with", "scope", "projects", "last used (UTC)", "ends (UTC)"), rows)


@app.command
def revoke(key: str, /, *, database: Database = None) -> None:
    """End a key at once.

    Args:
        key: Its name, how its text begins, or its id.
    """
    with open_hub(database) as claudia:
        found = _found(claudia.keys.list(), key)
        claudia.keys.revoke(found.id)
    say(f"{found.name} ({found.prefix}) is revoked.")


@app.command
def rotate(*, database: Database = None) -> None:
    """Sign tokens with a new key from now on; those that were signed before stay good until they expire."""
    from claudia_core.api.access.signing import SigningKeys

    with open_hub(database) as claudia:
        new = SigningKeys(claudia.settings, store_file(claudia.settings)).rotate()
        claudia.audit.record("signing.rotate", new.kid)
    say(f"New tokens are signed with the key {new.kid}.")


def _found(keys: list[ApiKey], text: str) -> ApiKey:
    alive = [key for key in keys if key.revoked_at is None]
    right = [key for key in alive if text in (key.id, key.prefix, key.name) or text.startswith(f"{key.prefix}_")]
    if len(right) == 1:
        return right[0]
    what = "several keys are called" if right else "no key that is in use is"
    raise NotFound(f"{what} {text[:16]!r}", field="key", hint="name it by how it begins; see: claudia key list")

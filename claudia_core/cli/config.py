"""`claudia config`: the settings in force, and where each comes from."""

from __future__ import annotations

from typing import Annotated

import cyclopts
from cyclopts import Parameter

from claudia_core.cli.hub import Database
from claudia_core.cli.table import print_table
from claudia_core.cli.terminal import note, say
from claudia_core.origins import explain

app = cyclopts.App(name="config", help="The settings in force.", help_format="plaintext")


@app.command
def show(
    *,
    all: Annotated[bool, Parameter(name="--all", negative=())] = False,
    json: Annotated[bool, Parameter(name="--json", negative=())] = False,
    database: Database = None,
) -> None:
    """Show the settings that were given, each with where it comes from. Secrets are masked.

    Args:
        all: Those too that were not given.
        json: Print JSON.
    """
    found = [one for one in explain({"database_url": "--database"}, database_url=database) if all or one.is_given]
    if json:
        import orjson

        told = {one.name: {"value": one.shown, "origin": one.origin} for one in found}
        say(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    if not found:
        note("Every setting is as it is by default. See them with: claudia config show --all")
        return
    print_table(("setting", "value", "from"), [(one.name, one.shown, one.origin) for one in found])

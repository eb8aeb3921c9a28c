"""How commands reach a hub's store."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from claudia_core.address import store_file
from claudia_core.app import Claudia
from claudia_core.cli.terminal import configure_logs
from claudia_core.errors import NotFound
from claudia_core.settings import load_settings

PLACES = "The store: a file's path, sqlite:///FILE or mongodb://HOST/NAME; or a hub elsewhere by its link."

type Database = Annotated[str | None, Parameter(name=["--database", "-d"], help=PLACES, negative=())]


def open_hub(database: str | None) -> Claudia:
    """The hub of a store that must be there already: looking at nothing would only make an empty file.

    Raises:
        NotFound: there is no such file.
    """
    configure_logs()
    file = store_file(load_settings(database_url=database))
    if file is not None and not file.exists():
        raise NotFound(
            f"there is no store at {file}", hint="start a hub here with: claudia serve, or name its --database"
        )
    return Claudia(database, display="off")

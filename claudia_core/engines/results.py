"""Results that are too large for the store: each in a file of its own, and in the task a reference to it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from claudia_core.errors import InvalidValue, NotFound
from claudia_core.model.values import JSON, require_json

REFERENCE = "$file"
"""The key by which a result that is a reference is known; its value is the file's name."""

MOST_BYTES = 1_000_000_000
"""Largest result in a file."""


def results_folder(wanted: str, database_url: str) -> Path:
    """The folder that the settings name: by default `results` beside the store's file, or in `.claudia` here."""
    if wanted:
        return Path(wanted)
    scheme, found, rest = database_url.partition("://")
    if found and scheme != "sqlite":
        return Path(".claudia") / "results"
    return Path(rest.removeprefix("/") if found else database_url).parent / "results"


def keep(folder: Path, name: str, result: Any) -> dict[str, JSON]:
    """Put a result into `folder`, for this user's eyes only, and give the reference to it.

    Raises:
        InvalidValue, TooLarge: it is not JSON, or over the limit.
        OSError: the file cannot be written.
    """
    text = json.dumps(require_json(result, "result", MOST_BYTES), ensure_ascii=False).encode()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / f"{name}.json"
    draft = file.with_suffix(".tmp")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
    return {REFERENCE: file.name, "bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}


def load(folder: Path, result: JSON) -> JSON:
    """A result itself, whether it is in the task or in a file.

    Raises:
        NotFound: the file is not there: another machine wrote it, or somebody deleted it.
        InvalidValue: it is not what was written.
    """
    if not isinstance(result, Mapping) or REFERENCE not in result:
        return result
    name = str(result[REFERENCE])
    if Path(name).name != name:
        raise InvalidValue(f"{name!r:.80} names no file in the folder of results", field="result")
    try:
        text = (folder / name).read_bytes()
    except OSError as error:
        raise NotFound(
            f"the result's file {name} is not in {folder}", field="result", hint="CLAUDIA_RESULTS"
        ) from error
    if hashlib.sha256(text).hexdigest() != result.get("sha256"):
        raise InvalidValue(f"the result's file {name} was changed since it was written", field="result")
    found: JSON = json.loads(text)
    return found

"""Results that are too large for the store: each in a file of its own, and in the task a reference to it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Mapping
from datetime import timedelta
from itertools import batched
from pathlib import Path
from typing import Any

from claudia_core.errors import InvalidValue, NotFound
from claudia_core.model.values import JSON, require_json
from claudia_core.ports import Reader

REFERENCE = "$file"
"""The key by which a result that is a reference is known; its value is the file's name."""

NAMED = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-\d+\.json")
"""How files of results are named: by the task's id and the number of its claim."""

YOUNG = 86_400.0
"""Seconds for which a file stays that no task refers to."""

TOGETHER = 500

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


def sweep(folder: Path, reader: Reader, *, keep: timedelta | None = None) -> int:
    """Delete the files of results that their tasks do not refer to any more; returns how many.

    That is where a task was done again. What is younger than `YOUNG` stays: its end may be about to be saved. With
    `keep`, what is older than that goes, too. Files of tasks that this hub does not have are another hub's, and stay.
    """
    now = time.time()
    aged = [(file, now - file.stat().st_mtime) for file in folder.glob("*-*.json")] if folder.is_dir() else []
    own = [(file, age) for file, age in aged if NAMED.fullmatch(file.name) and age > YOUNG]
    deleted = 0
    for some in batched(own, TOGETHER):
        ids = [file.name[:36] for file, _ in some]
        tasks, contents = reader.get_many("tasks", ids), reader.get_many("contents", ids)
        for file, age in some:
            id = file.name[:36]
            is_old = keep is not None and age > keep.total_seconds()
            if id in tasks and (is_old or not _refers(contents.get(id), file.name)):
                file.unlink(missing_ok=True)
                deleted += 1
    return deleted


def _refers(content: Mapping[str, Any] | None, name: str) -> bool:
    result = None if content is None else content.get("result")
    return isinstance(result, Mapping) and result.get(REFERENCE) == name


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
            f"the result's file {name} is not in {folder}",
            field="result",
            hint="another machine has it (CLAUDIA_RESULTS), or it was deleted (CLAUDIA_KEEP_RESULTS_DAYS)",
        ) from error
    if hashlib.sha256(text).hexdigest() != result.get("sha256"):
        raise InvalidValue(f"the result's file {name} was changed since it was written", field="result")
    found: JSON = json.loads(text)
    return found

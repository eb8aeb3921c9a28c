"""Errors that wait on disk while nobody takes them: one file each, readable by the owner only, up to a stated limit."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import orjson

from claudia_core.logs import get_logger
from claudia_core.model.ids import require_id
from claudia_core.model.report import ErrorReport

log = get_logger(__name__)

MOST = 1_000
MOST_BYTES = 20_000_000
"""Most errors that wait, and most bytes of them. Beyond, new ones are refused: the first ones tell how it began."""


class Spool:
    """A folder of waiting errors; several processes may share it. Made when the first error has to wait."""

    def __init__(self, folder: Path, *, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self._most = most
        self._most_bytes = most_bytes

    def put(self, report: ErrorReport) -> bool:
        """Keep an error; False where there is no room or the folder cannot be written."""
        body = orjson.dumps(report.to_document())
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            waiting = [*self._files()]
            if len(waiting) >= self._most or sum(size for _, size in waiting) + len(body) > self._most_bytes:
                return False
            descriptor, name = tempfile.mkstemp(dir=self.folder, suffix=".part")  # 0600 from the beginning
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(body)
                os.replace(name, self.folder / f"{report.id}.json")  # noqa: PTH105 - whole or not at all
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            log.warning("an error cannot be kept on disk", folder=str(self.folder), error=str(error))
            return False
        return True

    def oldest(self, limit: int) -> list[ErrorReport]:
        """The errors that wait longest. A file that is none of ours or damaged is set aside."""
        found: list[ErrorReport] = []
        for path, _ in sorted(self._files()):
            if len(found) >= limit:
                break
            try:
                found.append(_report(path))
            except FileNotFoundError:
                continue  # another process has told it meanwhile
            except (OSError, ValueError, KeyError, TypeError) as error:
                log.warning("a kept error cannot be read and is set aside", file=str(path), error=repr(error))
                with suppress(OSError):
                    path.rename(path.with_suffix(".bad"))
        return found

    def drop(self, id: str) -> None:
        """Forget an error that was told."""
        with suppress(OSError):
            (self.folder / f"{id}.json").unlink(missing_ok=True)

    def __len__(self) -> int:
        return sum(1 for _ in self._files())

    def _files(self) -> Iterator[tuple[Path, int]]:
        try:
            entries = [*os.scandir(self.folder)]
        except OSError:
            return
        for entry in entries:
            if entry.name.endswith(".json"):
                with suppress(OSError):
                    yield Path(entry.path), entry.stat(follow_symlinks=False).st_size


def _report(path: Path) -> ErrorReport:
    report = ErrorReport.from_document(orjson.loads(path.read_bytes()))
    require_id(path.stem)
    return report.checked()

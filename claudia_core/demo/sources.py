"""Which Python source trees the demo analyses, and how their files fall into packages."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from claudia_core.errors import InvalidValue
from claudia_core.model.values import MAX_NAME, clean_text

SKIPPED = frozenset({"__pycache__", "site-packages", "node_modules"})


@dataclass(frozen=True, slots=True)
class Package:
    """Source files that belong together: a folder with all below it, or the single modules of a tree."""

    name: str
    tree: str
    base: Path
    files: tuple[Path, ...]

    def name_of(self, file: Path) -> str:
        """A file's path as people will read it: below the tree's folder."""
        return clean_text(file.relative_to(self.base).as_posix(), MAX_NAME)


def find_packages(folder: Path | None = None) -> list[Package]:
    """The packages of `folder`; without one, those of the interpreter's own library and of site-packages.

    Raises:
        InvalidValue: there is no such folder, or it holds no Python file.
    """
    if folder is None:
        return [package for tree, base in interpreter_trees() for package in _packages(tree, base)]
    base = folder.expanduser().resolve()
    if not base.is_dir():
        raise InvalidValue(f"there is no folder {folder}", field="folder", hint="name a folder with Python files")
    found = _packages(clean_text(base.name, 100) or "files", base)
    if not found:
        raise InvalidValue(f"{folder} holds no Python file", field="folder", hint="name a folder with Python files")
    return found


def interpreter_trees() -> list[tuple[str, Path]]:
    """The standard library and site-packages of this interpreter."""
    paths = sysconfig.get_paths()
    trees = {"standard library": Path(paths["stdlib"]), "site-packages": Path(paths["purelib"])}
    return [(name, path) for name, path in trees.items() if path.is_dir()]


def _packages(tree: str, base: Path) -> list[Package]:
    entries = sorted(base.iterdir(), key=lambda path: path.name.casefold())
    modules = tuple(path for path in entries if path.suffix == ".py" and path.is_file())
    singles = [Package(f"{tree} modules", tree, base, modules)] if modules else []
    folders = (path for path in entries if path.is_dir() and not path.is_symlink() and not _is_skipped(path.name))
    found = (Package(clean_text(path.name, MAX_NAME), tree, base, tuple(_files(path))) for path in folders)
    return [*singles, *(package for package in found if package.files)]


def _files(folder: Path) -> Iterable[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_skipped(name))
        yield from (Path(place, name) for name in sorted(files) if name.endswith(".py"))


def _is_skipped(name: str) -> bool:
    return name in SKIPPED or name.startswith(".")

"""Checks what no linter sees: traces of somebody's machine in the tree, and files that grow too long.

Usage: python scripts/check_tree.py        exits 1 and names file and line when something must be changed.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOOK_TWICE, TOO_LONG = 300, 500  # lines
OWN_LIMITS = {"panel_serve.py": 60}
PRODUCTION = ("claudia_core/", "dashboards/", "panel_serve.py")
NOT_SOURCES = {"_build", "__pycache__", "build", "dist"}
GENERATED = re.compile(r"_pb2(_grpc)?\.pyi?$")

# The patterns are spelled so that this file does not match itself.
THIS_MACHINE = [re.escape(str(path)) for path in (ROOT, Path.home()) if path != Path("/")]
MACHINE_PATHS = [r"/(?:root|work|Users/\w+)", *THIS_MACHINE]
TRACES = {
    "a path of one machine": re.compile(rf"(?<![\w.:/~-])(?:{'|'.join(MACHINE_PATHS)})(?=/)"),
    "a package registry's address": re.compile(
        r"\bpypi\.org|pythonhosted\.org|anaconda\.org|(?:artifactory|devpi|nexus)[\w.:/-]*/simple\b"
        r"|(?:extra-)?index[-_]url\s*[= ]\s*\S|find[-_]links\s*[= ]\s*\S",
        re.IGNORECASE,
    ),
}


def main() -> int:
    faults, hints = [], []
    for name, lines in sources():
        faults += traces(name, lines)
        limit = OWN_LIMITS.get(name, TOO_LONG)
        if not counts(name):
            continue
        if len(lines) > limit:
            faults.append(f"{name}: {len(lines)} lines, the limit is {limit}: split it by noun")
        elif len(lines) > LOOK_TWICE:
            hints.append(f"{name}: {len(lines)} lines, look twice at {LOOK_TWICE}")
    for hint in hints:
        print(f"warning: {hint}")
    for fault in faults:
        print(f"error: {fault}")
    print(f"tree: {len(faults)} errors, {len(hints)} warnings")
    return 1 if faults else 0


def traces(name: str, lines: list[str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        for what, pattern in TRACES.items():
            if match := pattern.search(line):
                yield f"{name}:{number}: {what}: {match.group()}"


def counts(name: str) -> bool:
    return name.endswith(".py") and name.startswith(PRODUCTION) and not GENERATED.search(name)


def sources() -> Iterator[tuple[str, list[str]]]:
    """Name and lines of every text file that is, or is about to be, committed."""
    for name in names():
        try:
            yield name, (ROOT / name).read_text(encoding="utf-8").splitlines()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):  # binary, deleted, submodule
            continue


def names() -> list[str]:
    # safe.directory: in CI the tree often belongs to another user.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (FileNotFoundError, subprocess.CalledProcessError):  # an exported tree, or a machine without git
        return sorted(exported())
    return sorted(filter(None, listing.split("\0")))


def exported() -> Iterator[str]:
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        hidden = any(part.startswith(".") or part in NOT_SOURCES for part in parts)
        if path.is_file() and not hidden:
            yield "/".join(parts)


if __name__ == "__main__":
    sys.exit(main())

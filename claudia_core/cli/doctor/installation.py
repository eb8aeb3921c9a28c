"""What is installed: Python, the packages that are needed, and those that are not."""

from __future__ import annotations

import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, metadata, version

from packaging.requirements import Requirement

from claudia_core.cli.doctor.findings import Finding, State

DISTRIBUTION = "claudia-core"
OLDEST_PYTHON = (3, 12)
NOT_FEATURES = frozenset({"all", "dev"})


def examine_python() -> list[Finding]:
    """The interpreter, Claudia itself, and SQLite."""
    import apsw

    python = f"{platform.python_version()} ({sys.executable})"
    is_new = sys.version_info >= OLDEST_PYTHON
    wanted = ".".join(map(str, OLDEST_PYTHON))
    return [
        Finding("Python", State.GOOD, python)
        if is_new
        else Finding("Python", State.BROKEN, python, f"Claudia needs Python {wanted} or newer"),
        Finding("Claudia", State.GOOD, _installed(DISTRIBUTION) or "not installed as a package"),
        Finding("SQLite", State.GOOD, f"{apsw.sqlite_lib_version()} (apsw {apsw.apsw_version()})"),
    ]


def examine_packages() -> list[Finding]:
    """What Claudia needs: good versions are told in one line, others each in its own."""
    needed = [requirement for requirement in requirements() if extra_of(requirement) is None]
    faults = [fault for requirement in needed if (fault := _fault(requirement, State.BROKEN, "")) is not None]
    good = [f"{requirement.name} {_installed(requirement.name)}" for requirement in needed if _is_met(requirement)]
    lines = [", ".join(good[start : start + 5]) for start in range(0, len(good), 5)]
    return [*faults, *(Finding("needed" if not number else "", State.GOOD, line) for number, line in enumerate(lines))]


def examine_extras() -> list[Finding]:
    """What adds features, by the name it is installed by."""
    extras: dict[str, list[Requirement]] = {}
    for requirement in requirements():
        extra = extra_of(requirement)
        if extra is not None and extra not in NOT_FEATURES:
            extras.setdefault(extra, []).append(requirement)
    return [_extra(name, needed) for name, needed in sorted(extras.items())]


def _extra(name: str, needed: list[Requirement]) -> Finding:
    cure = f"pip install '{DISTRIBUTION}[{name}]'"
    if all(_is_met(requirement) for requirement in needed):
        return Finding(name, State.GOOD, ", ".join(f"{item.name} {_installed(item.name)}" for item in needed))
    if not any(_installed(requirement.name) for requirement in needed):
        return Finding(name, State.NOTE, f"not installed; it would be: {cure}")
    faults = [fault.text for item in needed if (fault := _fault(item, State.WARNING, "")) is not None]
    return Finding(name, State.NOTE, f"{'; '.join(faults)}; complete it with: {cure}")


def requirements() -> list[Requirement]:
    """All that the installed package asks for, extras included."""
    try:
        found = metadata(DISTRIBUTION).get_all("Requires-Dist") or []
    except PackageNotFoundError:
        return []
    return [Requirement(str(text)) for text in found]


def extra_of(requirement: Requirement) -> str | None:
    """The extra that asks for it; None where it is always needed."""
    found = re.search(r"extra == [\"']([^\"']+)", str(requirement.marker or ""))
    return found.group(1) if found else None


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _is_met(requirement: Requirement) -> bool:
    found = _installed(requirement.name)
    return found is not None and requirement.specifier.contains(found, prereleases=True)


def _fault(requirement: Requirement, state: State, cure: str) -> Finding | None:
    if _is_met(requirement):
        return None
    found = _installed(requirement.name)
    text = f"{requirement.name} is not installed" if found is None else f"{requirement.name} is {found}"
    wanted = f"{requirement.name}{requirement.specifier}"
    return Finding(requirement.name, state, f"{text}, needed is {wanted}", cure or f"pip install '{wanted}'")

"""What README and the guides say of commands, settings and addresses is there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from claudia_core.api.contract.operations import TABLE
from claudia_core.cli import COMMANDS, _app
from claudia_core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
TEXTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "docs/security.md", *sorted((ROOT / "docs/guide").glob("*.md")))
}
NO_SETTINGS = {"CLAUDIA_NAME", "CLAUDIA_TEST_MONGODB_URI"}
"""A name that stands for any, and one of the tests."""


def commands() -> Iterator[str]:
    """Each command of a block, without comment and what follows a pipe; of `user list | remove` each one."""
    for text in TEXTS.values():
        blocks = re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        fenced = "".join(code for language, code in blocks if language in ("", "sh"))
        indented = re.findall(r"^    claudia .*", text, re.MULTILINE)
        for line in (*fenced.splitlines(), *indented):
            match = re.match(r"\s*(?:\$ )?claudia ([a-z][^#>]*)", line)
            if match:
                yield from _alternatives(match[1])


def _alternatives(line: str) -> Iterator[str]:
    first, *others = (part.strip() for part in line.split(" | "))
    yield first
    group = first.split()[0]
    yield from (f"{group} {other}" for other in others if other.split()[0] != "less")


SHOWN = sorted(set(commands()))


def test_there_are_commands_to_look_at() -> None:
    """The guides' blocks are found."""
    assert len(SHOWN) > 25
    assert {line.split()[0] for line in SHOWN} >= {"user", "key", "migrate", "replay", "report", "serve", "doctor"}


@pytest.mark.parametrize("line", SHOWN)
def test_a_command_takes_what_is_shown(line: str) -> None:
    """Name, arguments and options; the name of a user is added where a list of commands leaves it out."""
    words = shlex.split(line)
    if words[:1] == ["user"] and len(words) == 2 and words[1] != "list":
        words.append("ann")
    _app().parse_args(words, exit_on_error=False, print_error=False)


def test_readme_lists_every_command() -> None:
    """In its table, and none that is not there."""
    table = TEXTS["README.md"].partition("## Commands")[2].partition("## Map")[0]
    named = {
        name
        for row in re.findall(r"^\| (`claudia.*?) \|", table, re.MULTILINE)
        for name in re.findall(r"claudia (\w+)", row)
    }
    assert named == set(COMMANDS)


def test_commands_within_sentences_are_there() -> None:
    """None is written about that was renamed."""
    named = {name for text in TEXTS.values() for name in re.findall(r"`claudia (\w+)", text)}
    assert named <= set(COMMANDS)


@pytest.mark.parametrize("name", TEXTS)
def test_settings_are_there(name: str) -> None:
    """A variable that is written about can be set."""
    known = {f"CLAUDIA_{field.upper()}" for field in Settings.model_fields} | NO_SETTINGS
    assert set(re.findall(r"\bCLAUDIA_[A-Z_]+[A-Z]\b", TEXTS[name])) <= known


@pytest.mark.parametrize("name", TEXTS)
def test_addresses_of_the_api_are_there(name: str) -> None:
    """As operations, or as addresses that are none."""
    paths = {operation.path for operation in TABLE}
    others = {"/auth/token", "/auth/refresh", "/auth/revoke", "/auth/me", "/events/stream", "/hooks/NAME"}
    told = {path.rstrip("/.") for path in re.findall(r"/api/v1(/[\w/{}-]+)", TEXTS[name])}
    assert told <= paths | others

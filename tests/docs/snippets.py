"""The Python of README and the guides, and how a reader would run it."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from pathlib import Path
from typing import Any

from claudia_core import Claudia

ROOT = Path(__file__).resolve().parents[2]
SNIPPETS = {
    (name, number): code
    for name in ("README", *sorted(path.stem for path in (ROOT / "docs/guide").glob("*.md")))
    for number, code in enumerate(
        re.findall(
            r"^```python\n(.*?)^```",
            (ROOT / ("README.md" if name == "README" else f"docs/guide/{name}.md")).read_text(encoding="utf-8"),
            re.MULTILINE | re.DOTALL,
        )
    )
}
"""Each piece by its guide and its place there."""


class Runner:
    """Runs snippets beside each other, as a reader would who types them in."""

    def __init__(self, hub: Claudia, folder: Path) -> None:
        self.hub = hub
        self.folder = folder

    def run(self, name: str, number: int, changed: dict[str, str] | None = None, **given: Any) -> dict[str, Any]:
        """The names that a snippet leaves, after it was run with those that its text takes for granted."""
        code = SNIPPETS[name, number]
        for shown, real in (changed or {}).items():
            assert shown in code, f"{name} does not show {shown} any more"
            code = code.replace(shown, real)
        names: dict[str, Any] = {"claudia": self.hub, "Claudia": Claudia, **given}
        compiled = compile(code, f"{name}[{number}]", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        found = eval(compiled, names)
        if inspect.iscoroutine(found):
            asyncio.run(found)
        return names

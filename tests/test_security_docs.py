"""docs/security.md names the test of each promise: the tests are there."""

import re
from pathlib import Path

HERE = Path(__file__).parent


def test_every_named_test_exists():
    """A promise whose test was renamed or removed is found here."""
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", (HERE.parent / "docs/security.md").read_text(encoding="utf-8"))
    assert len(named) > 40
    missing = [
        f"{file}::{name}" for file, name in named if f"def {name}(" not in (HERE / file).read_text(encoding="utf-8")
    ]
    assert missing == []

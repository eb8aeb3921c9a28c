"""The guide's words on agents are true."""

import re
import sys
from pathlib import Path

import pytest

from claudia_core.engines.handlers import ENGINES, Handler
from claudia_core.model import Status
from claudia_core.model.policy import RetryPolicy
from tests.engines.conftest import when

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "agents.md"


def test_its_example(tmp_path, monkeypatch):
    """The module, as it is written there, and the task that follows."""
    module, _ = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.S)
    (tmp_path / "work.py").write_text(module)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("CLAUDIA_DISPLAY", "off")
    import work  # type: ignore[import-not-found]

    monkeypatch.delitem(sys.modules, "work")
    with work.claudia as claudia:
        claudia.work()
        task = claudia.tasks.create(type="resize", payload={"file_id": "file123"}, priority=5)
        done = when(claudia, task.id, lambda found: found.status.is_terminal)
        assert done.status is Status.COMPLETED, done.error
        assert claudia.result(task) == {"file": "file123-800"}
        assert [child.name for child in claudia.tasks.children(task.id).tasks] == ["bands"]


def test_its_rules():
    """Each rule of a handler is told, with its default."""
    told = dict(re.findall(r"^\| `(\w+)=(.*?)` \|", GUIDE.read_text(), re.M))
    fields = Handler.__dataclass_fields__
    rules = fields.keys() - {"type", "function", "arguments"}
    assert told.keys() == rules
    for name in rules - {"policy", "retry_on", "engine"}:
        default = fields[name].default
        assert told[name] == ("None" if default is None else f"{default:g}"), name
    assert eval(told["policy"], {"RetryPolicy": RetryPolicy}) == RetryPolicy()


@pytest.mark.parametrize("engine", ENGINES)
def test_its_engines(engine):
    """Each is told."""
    assert f"| `{engine}` |" in GUIDE.read_text()

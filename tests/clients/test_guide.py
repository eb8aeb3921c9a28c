"""The examples of docs/guide/clients.md do what they say."""

import re
from pathlib import Path

import pytest

from claudia_core.api.grpc import serve_grpc
from tests.clients.serving import TOKEN

GUIDE = Path(__file__).resolve().parents[2] / "docs/guide/clients.md"
SECTIONS = re.findall(r"^## (.+?)\n.*?```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
IMPORTS = "from claudia_core.clients import ClaudiaApiClient\n"
PRINTED = {
    "Claudia": "clean rows",
    "ClaudiaApiClient": r"30/100 items \(30%\)",
    "TaskServiceClient": r"completed 0 items.*\{'rows': 3\}",
    "events": "task:created",
    "GraphQLClient": r"\{'tasks': \[\]\}",
    "GrpcClient": "[0-9a-f]{8}-",
}


def test_every_client_has_an_example():
    """And each example is run below."""
    assert len(SECTIONS) == GUIDE.read_text(encoding="utf-8").count("```python")
    assert [re.search(r"`(\w+)", title)[1] for title, _ in SECTIONS] == list(PRINTED)


@pytest.mark.parametrize(("title", "code"), SECTIONS, ids=list(PRINTED))
def test_examples(served, title, code, capsys):
    """Each runs as it stands, against a hub of its own, and prints what is to be expected."""
    with serve_grpc(served.hub, "127.0.0.1", 0, TOKEN) as grpc:
        names = {"ADDRESS": served.base, "TOKEN": TOKEN, "TARGET": grpc.address}
        names["worker"] = lambda id: served.hub.tasks.complete(id, {"rows": 3})
        exec(compile(IMPORTS + code, str(GUIDE), "exec"), names)
    assert re.search(PRINTED[re.search(r"`(\w+)", title)[1]], capsys.readouterr().out, re.DOTALL)

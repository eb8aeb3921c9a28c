"""Errors from logging, ASGI applications and cells."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.testclient import TestClient

from claudia_core import Claudia
from claudia_core.integrations.asgi import ErrorMiddleware
from claudia_core.integrations.logging import ErrorHandler


@pytest.fixture
def log(claudia: Claudia) -> Any:
    """A logger of its own that tells the hub."""
    logger = logging.Logger("shop.cart")
    logger.addHandler(ErrorHandler(claudia))
    return logger


def test_logged_errors_with_what_was_logged_before(claudia: Claudia, log: logging.Logger) -> None:
    """With their exception where there is one; lines before are breadcrumbs; arguments that do not fit do no harm."""
    with claudia.errors.scope(fresh=True):
        log.debug("not seen")
        log.info("cart %s opened, token=abc", 17)
        log.warning("broken %d", "x")
        try:
            raise ValueError("no date")
        except ValueError:
            log.exception("cart %s failed", 17)
        log.error("disk %s is full", "/var")
        log.critical("disk %s is full", "/opt")
    claudia.flush()
    disk, error_issue = claudia.errors.issues(order="-count_key").issues
    assert (disk.type, disk.count, error_issue.type) == ("log.ERROR", 2, "ValueError")
    assert disk.grouping["parts"] == ["log", "shop.cart", "disk %s is full"]
    found = {one.type: claudia.errors.occurrence(one.id) for one in claudia.errors.occurrences()}
    error = found["ValueError"]
    assert (error.kind, error.context["logged"]) == ("logged", "cart 17 failed")
    assert [crumb["message"] for crumb in error.breadcrumbs] == [
        "cart 17 opened, token=[scrubbed]",
        "'broken %d' (TypeError in its arguments)",
    ]
    assert found["log.ERROR"].message == "disk /var is full"
    assert found["log.CRITICAL"].level == "fatal"


def test_claudias_own_lines_are_not_captured(claudia: Claudia) -> None:
    """Else telling of a fault in telling would never end."""
    handler = ErrorHandler(claudia)
    handler.handle(logging.LogRecord("claudia_core.capture", logging.ERROR, "x.py", 1, "no", (), None))
    claudia.flush()
    assert claudia.errors.issues().issues == []


def test_requests_that_fail(claudia: Claudia) -> None:
    """With method, URL, query, headers and user, without secrets; raised on, and breadcrumbs of its own."""

    async def pay(request: Request) -> None:
        claudia.errors.breadcrumb(f"paying {request.path_params['id']}")
        raise ValueError("refused")

    app = Starlette(routes=[Route("/pay/{id}", pay, methods=["POST"])])
    guarded = ErrorMiddleware(app, claudia, find_user=lambda scope: {"id": 7})
    client = TestClient(guarded, raise_server_exceptions=True)
    headers = {"authorization": "Bearer abc123456", "cookie": "sid=abc", "x-trace": "t1"}
    for id in (1, 2):
        with pytest.raises(ValueError, match="refused"):
            client.post(f"/pay/{id}?token=hunter2&page=3", content=b"card=1", headers=headers)
    claudia.flush()
    found = claudia.errors.occurrence(claudia.errors.occurrences()[0].id)
    assert (found.kind, found.user, found.handled) == ("request", {"id": 7}, False)
    assert found.request["method"] == "POST"
    assert found.request["url"] == "http://testserver/pay/2?token=[scrubbed]&page=3"
    sent = found.request["headers"]
    assert isinstance(sent, dict)
    assert (sent["authorization"], sent["cookie"], sent["x-trace"]) == ("[scrubbed]", "[scrubbed]", "t1")
    assert [crumb["message"] for crumb in found.breadcrumbs] == ["paying 2"]
    assert "card=1" not in str(found.to_document())


def test_a_user_that_cannot_be_told_does_not_lose_the_error(claudia: Claudia) -> None:
    """The error comes with what went wrong instead."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("x")

    def broken(scope: Any) -> Any:
        raise KeyError("user")

    guarded = ErrorMiddleware(app, claudia, find_user=broken)
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"\xff"}
    with pytest.raises(ValueError, match="x"):
        asyncio.run(guarded(scope, None, None))
    claudia.flush()
    found = claudia.errors.occurrence(claudia.errors.occurrences()[0].id)
    assert "KeyError" in str(found.user)


def test_cells_that_fail(claudia: Claudia, capsys: pytest.CaptureFixture[str]) -> None:
    """`%load_ext claudia_core` uses the notebook's hub; the cell's source is told; unloaded it ends."""
    shell: Any = InteractiveShell()  # type: ignore[no-untyped-call]  # IPython annotates no constructor
    shell.user_ns["claudia"] = claudia
    shell.run_line_magic("load_ext", "claudia_core")
    shell.run_cell("rows = [1, 2]\nrows[5]  # password='hunter2'")
    shell.run_cell("1 +")
    shell.run_cell("1 + 1")
    shell.run_line_magic("unload_ext", "claudia_core")
    shell.run_cell("1 / 0")
    capsys.readouterr()
    claudia.flush()
    found = {one.type: claudia.errors.occurrence(one.id) for one in claudia.errors.occurrences()}
    assert set(found) == {"IndexError", "SyntaxError"}
    cell = found["IndexError"]
    assert cell.kind == "cell"
    assert cell.context["cell"] == "rows = [1, 2]\nrows[5]  # password=[scrubbed]"

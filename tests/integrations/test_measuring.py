"""Calls measured where they pass: an application that serves, a client that calls."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from fastapi import FastAPI

from claudia_core import Claudia
from claudia_core.integrations.measuring import AsyncMeasuredTransport, MeasuredTransport, TrackCalls


def answer(request: httpx2.Request) -> httpx2.Response:
    """By the path: a status, or an error."""
    if request.url.path == "/away":
        raise httpx2.ConnectError("away?token=hunter2hunter2")
    return httpx2.Response(int(request.url.path.strip("/")))


def test_requests_to_an_application() -> None:
    """Successes, errors by status and by what is raised, and latency to the end, as one integration; with its calls in
    the debugger. Nothing is changed for the caller."""
    app = FastAPI()

    @app.get("/good")
    async def good() -> str:
        await asyncio.sleep(0.02)
        return "ok"

    @app.get("/bad")
    async def bad() -> None:
        raise ValueError("broken")

    with Claudia("memory://", display="off", environment="production") as claudia:
        claudia.integrations.debugger.turn_on("my api")
        app.add_middleware(TrackCalls, claudia=claudia, name="my api")

        async def ask() -> list[int]:
            transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
            async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
                return [(await client.get(path)).status_code for path in ("/good", "/good", "/nothing", "/bad")]

        assert asyncio.run(ask()) == [200, 200, 404, 500]
        figures = claudia.integration("my api").figures
        assert (figures.successes, figures.errors, figures.in_flight) == (2, 2, 0)
        assert figures.last_error == "ValueError: broken"
        assert figures.p95 is not None
        assert figures.p95 >= 0.02
        calls = claudia.integrations.debugger.calls(integration="my api", outcome="error")
        assert [call.operation for call in calls] == ["GET /bad", "GET /nothing"]


def test_requests_of_a_client() -> None:
    """Each host is an integration, or all are one by a name; what cannot be connected is an error, without secrets."""
    with Claudia("memory://", display="off") as claudia:
        inner = httpx2.MockTransport(answer)
        with httpx2.Client(transport=MeasuredTransport(claudia, inner=inner)) as client:
            assert client.get("http://a.example/200").status_code == 200
            assert client.get("http://b.example:81/503").status_code == 503
            with pytest.raises(httpx2.ConnectError):
                client.get("http://a.example/away")
        a, b = claudia.integration("a.example").figures, claudia.integration("b.example:81").figures
        assert (a.successes, a.errors, b.errors, b.last_error) == (1, 1, 1, "HTTP 503")
        assert a.last_error.startswith("ConnectError")
        assert "hunter2" not in a.last_error
        named = MeasuredTransport(claudia, "billing", inner=inner, first_error=500)
        with httpx2.Client(transport=named) as client:
            client.get("http://a.example/404")
        assert claudia.integration("billing").figures.successes == 1


def test_requests_of_a_client_that_is_awaited() -> None:
    """The same, awaited; and one that is cancelled counts as an error and is not under way any more."""

    async def slow(request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(60)
        return httpx2.Response(200)

    async def ask(claudia: Claudia) -> None:
        fast = AsyncMeasuredTransport(claudia, "fast", inner=httpx2.MockTransport(answer))
        async with httpx2.AsyncClient(transport=fast) as client:
            await client.get("http://a.example/200")
        held = AsyncMeasuredTransport(claudia, "slow", inner=httpx2.MockTransport(slow))
        async with httpx2.AsyncClient(transport=held) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.get("http://a.example/")

    with Claudia("memory://", display="off") as claudia:
        asyncio.run(ask(claudia))
        assert claudia.integration("fast").figures.successes == 1
        slow_one = claudia.integration("slow").figures
        assert (slow_one.errors, slow_one.in_flight) == (1, 0)


def test_hosts_are_bounded() -> None:
    """A client that calls thousands of hosts does not make thousands of integrations."""
    with Claudia("memory://", display="off") as claudia:
        transport = MeasuredTransport(claudia, inner=httpx2.MockTransport(answer))
        with httpx2.Client(transport=transport) as client:
            for n in range(230):
                client.get(f"http://host{n}.example/200")
        assert claudia.integration("other hosts").figures.successes == 30

"""A real browser's own EventSource and WebSocket."""

import contextlib
import re
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from claudia_core import Claudia
from tests.api.realtime.serving import serving
from tests.servers import require

CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-default-apps",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
    "--proxy-server=direct://",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

LISTEN = """
() => {
    window.seen = [];
    window.source = new EventSource('/api/v1/events/stream?type=test:*');
    const connected = new Promise(done => window.source.addEventListener('connected', done));
    window.source.addEventListener('test:happened', event => window.seen.push(JSON.parse(event.data).data.n));
    window.source.addEventListener('gap', event => window.seen.push(event.data));
    return connected.then(event => event.lastEventId);
}
"""

SOCKET = """
() => new Promise(done => {
    const socket = new WebSocket(`ws://${location.host}/ws`);
    const types = [];
    socket.onmessage = event => {
        const message = JSON.parse(event.data);
        types.push(message.type);
        if (message.type === 'connected') socket.send(JSON.stringify({type: 'subscribe', channel: 'tasks'}));
        if (message.type === 'subscribed') socket.send(JSON.stringify({type: 'ping'}));
        if (message.type === 'pong') done(types);
    };
})
"""


GUIDE = (Path(__file__).resolve().parents[3] / "docs/guide/realtime.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"```js\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.browser
async def test_the_guides_script(claudia: Claudia) -> None:
    """As it stands: what completes is shown."""
    require("Chromium", CHROMIUM)
    assert len(SCRIPTS) == GUIDE.count("```js") == 1
    async with contextlib.AsyncExitStack() as stack:
        play = await stack.enter_async_context(async_playwright())
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        stack.push_async_callback(browser.close)
        page = await browser.new_page()
        served = stack.enter_context(serving(claudia))
        await page.goto(served.url("/openapi.json", "http"))
        task = claudia.tasks.create("rows", start=True)
        show = "window.shown = []; window.show = event => shown.push(event.data.id);"
        connected = "window.connected = new Promise(done => source.addEventListener('connected', done));"
        await page.add_script_tag(content=show + SCRIPTS[0] + connected)  # in one: it may come at once
        await page.evaluate("window.connected")
        claudia.tasks.complete(task.id)
        await page.wait_for_function("window.shown.length > 0")
        assert await page.evaluate("shown") == [task.id]
        await page.evaluate("source.close()")


@pytest.mark.browser
async def test_a_browser_follows_a_server_through_its_restart(claudia: Claudia) -> None:
    """EventSource gets the events, loses the server, comes back by itself with its cursor, and has missed nothing."""
    require("Chromium", CHROMIUM)
    async with contextlib.AsyncExitStack() as stack:
        play = await stack.enter_async_context(async_playwright())
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        stack.push_async_callback(browser.close)
        page = await browser.new_page()
        first = serving(claudia)
        served = first.__enter__()
        port = served.port
        await page.goto(served.url("/openapi.json", "http"))
        assert await page.evaluate(SOCKET) == ["connected", "subscribed", "pong"]
        assert await page.evaluate(LISTEN) == f"{claudia.store.epoch}:0"
        served.append(1, 2)
        await page.wait_for_function("window.seen.length >= 2")
        first.__exit__(None, None, None)
        served.append(3, 4)
        with serving(claudia, port=port):
            served.append(5)
            await page.wait_for_function("window.seen.length >= 5", timeout=15_000)
            assert await page.evaluate("window.seen") == [1, 2, 3, 4, 5]
            await page.evaluate("window.source.close()")

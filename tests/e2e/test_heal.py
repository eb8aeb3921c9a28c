"""Connection lost, hub restarted, store away: a page in a real browser says so, and goes on by itself where it was."""

import os
import re
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
from fastapi import FastAPI
from playwright.sync_api import expect

import dashboards
from claudia_core import Claudia
from claudia_core.errors import StoreUnavailable
from claudia_core.stores.memory import MemoryStore
from claudia_core.testing.waiting import eventually
from tests.dashboards.serving import serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore:reference already known"
    ),
]
PATIENCE = 60_000
TOKEN = "a-token-for-the-healing-test"


def row(page, name):
    """The row of the task of that name."""
    return page.locator(".rows tr:visible", has_text=name).first


def free_port():
    """A port that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def hub_process(port, database):
    """`claudia serve` in a process of its own; it is killed at the end as a crash would."""
    command = [sys.executable, "-m", "claudia_core", "serve", "--port", str(port), "--database", str(database)]
    environment = {**os.environ, "CLAUDIA_TOKEN": TOKEN}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: answers(port), timeout=60, pause=0.1)
            yield process
        finally:
            process.kill()


def answers(port):
    """Whether something listens."""
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def test_a_hub_that_was_killed_and_started_again(window, tmp_path):
    """The page says that the connection is lost; when a new process answers it shows the same view, and what is new."""
    database, port = tmp_path / "hub.db", free_port()
    with Claudia(database, display="off") as writer:
        for name in ("read orders", "read customers"):
            writer.tasks.complete(writer.tasks.create(name, start=True).id)
        writer.tasks.create("read later")
        page = window().page
        with hub_process(port, database):
            page.goto(f"http://127.0.0.1:{port}/?token={TOKEN}")
            page.goto(f"http://127.0.0.1:{port}/tasks")
            page.locator('.tabs button[data-key="completed"]').click(timeout=PATIENCE)
            expect(row(page, "read orders")).to_be_visible(timeout=PATIENCE)
            expect(page).to_have_url(re.compile("status=completed"), timeout=PATIENCE)
            address = page.url
        strip = page.locator(".lost-strip")
        expect(strip).to_contain_text("connection to the hub was lost", timeout=PATIENCE)
        expect(strip).to_have_attribute("aria-live", "polite")
        expect(row(page, "read orders")).to_be_visible()
        writer.tasks.complete(writer.tasks.create("read meanwhile", start=True).id)
        with hub_process(port, database):
            expect(row(page, "read meanwhile")).to_be_visible(timeout=PATIENCE)
            expect(strip).to_be_hidden()
            expect(page.locator(".toast", has_text="The hub answers again")).to_be_visible()
            expect(row(page, "read later")).to_be_hidden()
            assert page.url == address


def test_a_connection_that_was_cut(site, window, hub):
    """The hub still knows the session: the page takes it up again without being loaded anew, and follows."""
    task = hub.tasks.create("keeps running", start=True, estimated_steps=100)
    with Wire(site) as wire:
        page = window().page
        page.goto(f"{wire.address}/tasks")
        label = row(page, "keeps running").locator(".progress .label")
        hub.tasks.progress(task.id, 11)
        expect(label).to_contain_text("11", timeout=PATIENCE)
        page.evaluate("window.mark = 'not loaded anew'")
        wire.cut()
        expect(page.locator(".lost-strip")).to_be_visible(timeout=PATIENCE)
        hub.tasks.progress(task.id, 22)
        wire.mend()
        expect(label).to_contain_text("22", timeout=PATIENCE)
        expect(page.locator(".lost-strip:visible")).to_have_count(0, timeout=PATIENCE)
        hub.tasks.progress(task.id, 33)
        expect(label).to_contain_text("33", timeout=PATIENCE)
        assert page.evaluate("window.mark") == "not loaded anew"


class AwayStore(MemoryStore):
    """A store in memory that cannot be read while `is_away`, as a database on a disk that is gone."""

    is_away = False

    def wait(self, *args, **options):
        """Wait, or say that the store is away."""
        if self.is_away:
            raise StoreUnavailable("the disk is gone")
        return super().wait(*args, **options)


def test_a_store_that_is_away(window):
    """The page tells why it stands still, keeps what it knows, and follows again without being loaded anew."""
    store = AwayStore()
    with Claudia(store=store, display="off") as hub:
        task = hub.tasks.create("keeps running", start=True, estimated_steps=100)
        app = FastAPI()
        dashboards.mount(app, hub)
        with serving(app) as address:
            page = window().page
            page.goto(address)
            expect(row(page, "keeps running")).to_be_visible(timeout=PATIENCE)
            page.evaluate("window.mark = 'not loaded anew'")
            store.is_away = True
            banner = page.locator(".trouble:visible")
            expect(banner).to_contain_text("cannot be read now: the disk is gone", timeout=PATIENCE)
            expect(banner).to_contain_text("goes on by itself")
            expect(row(page, "keeps running")).to_be_visible()
            store.is_away = False
            expect(banner).to_have_count(0, timeout=PATIENCE)
            hub.tasks.progress(task.id, 44)
            expect(row(page, "keeps running").locator(".progress .label")).to_contain_text("44", timeout=PATIENCE)
            assert page.evaluate("window.mark") == "not loaded anew"


class Wire:
    """Passes connections on to a server, until it is cut."""

    def __init__(self, target):
        self._target = ("127.0.0.1", int(target.rpartition(":")[2]))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._open = []
        self._is_cut = False

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listening.close()
        self.cut()

    def cut(self):
        """End all connections, and let none through."""
        self._is_cut = True
        for end in self._open:
            for act in (lambda end=end: end.shutdown(socket.SHUT_RDWR), end.close):
                try:
                    act()
                except OSError:  # it ended before
                    continue
        self._open.clear()

    def mend(self):
        """Let connections through again."""
        self._is_cut = False

    def _accept(self):
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:  # closed
                return
            if self._is_cut:
                near.close()
                continue
            far = socket.create_connection(self._target)
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pass_on, args=(source, sink), daemon=True).start()


def _pass_on(source, sink):
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:  # cut
        return

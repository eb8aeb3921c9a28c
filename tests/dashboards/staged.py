"""Hubs with a past, and HTML taken apart."""

import random
from contextlib import contextmanager
from datetime import timedelta
from html.parser import HTMLParser

from claudia_core import Claudia
from claudia_core.model.times import utc_now
from claudia_core.settings import default_settings
from claudia_core.stores.memory import MemoryStore
from claudia_core.testing.clock import FakeClock

XSS = (
    "<img src=x onerror=window.pwned=1>",
    "<script>window.pwned=1</script>",
    "\"><svg onload=window.pwned=1>",
    "'><a href='javascript:window.pwned=1'>x</a>",
    "</title></style></pre></td></table><script>window.pwned=1</script>",
    "<!-- --><iframe srcdoc='<script>parent.pwned=1</script>'>",
    "&lt;script&gt;window.pwned=1&lt;/script&gt;",
    "| a | b |\n```\n<b>[x](javascript:window.pwned=1)</b> ![y](http://evil.invalid/a.png)",
)  # fmt: skip
"""What must be shown as text wherever it stands."""

VOID = frozenset(("meta", "link", "br", "rect", "line", "path"))


@contextmanager
def past(hours):
    """A hub whose clock stands some hours ago, and that clock."""
    clock = FakeClock(utc_now() - timedelta(hours=hours))
    with Claudia(store=MemoryStore(clock=clock), settings=default_settings(display="off")) as hub:
        yield hub, clock


def lively(hub, clock, tasks, seed=7):
    """Tasks that end in every way, a minute apart."""
    chance = random.Random(seed)
    for place in range(tasks):
        clock.move(30)
        task = hub.tasks.create(f"job {place}", start=True, type="etl", estimated_steps=10)
        clock.move(chance.uniform(0.01, 30))
        ending = chance.random()
        if ending < 0.1:
            hub.tasks.fail(task.id, ValueError(f"bad row {place}"))
        elif ending < 0.2:
            hub.tasks.cancel(task.id)
        else:
            hub.tasks.complete(task.id)


class Read(HTMLParser):
    """A document as it was parsed: elements with their attributes, the text, what each table holds, what is broken."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.broken, self.tables = [], [], []
        self.text = ""
        self._open = []
        self._hidden = 0
        self.feed(text)
        self.close()
        self.broken += [f"<{tag}> is not closed" for tag in self._open]

    def named(self, tag):
        """The attributes of every element of a kind."""
        return [attributes for found, attributes in self.elements if found == tag]

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self._open or self._open.pop() != tag:
            self.broken.append(f"</{tag}> closes something else")

    def handle_data(self, data):
        if "style" not in self._open:
            self.text += data
        if ("td" in self._open or "th" in self._open) and self.tables:
            self.tables[-1][-1][-1] += data

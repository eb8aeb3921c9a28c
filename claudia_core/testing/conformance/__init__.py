"""What every store promises, as tests: an adapter is right when it passes them unchanged.

An adapter's own tests supply one fixture, `make_store`: a function that opens a store at this test's place, empty at
first, the same one again at each call; the fixture closes what it opened. Then each suite is one line:

    class TestWriting(StoreWriting): ...
    class TestFinding(StoreFinding): ...
    class TestLog(StoreLog): ...
    class TestRetention(StoreRetention): ...
    class TestPosts(StorePosts): ...
    class TestSnapshots(StoreSnapshots): ...
    class TestClosing(StoreClosing): ...

A store that outlives its process also passes `StoreReopening`, and one that several processes may open at once passes
`StoreProcesses`, whose fixture `address` is a `claudia_core.testing.worker.Address`.
"""

# ruff: noqa: E402 - the suites are imported after pytest knows that their asserts are to be explained
import pytest

for _suite in (
    "claiming",
    "closing",
    "finding",
    "log",
    "posts",
    "processes",
    "retention",
    "snapshots",
    "suite",
    "writing",
):
    pytest.register_assert_rewrite(f"{__name__}.{_suite}")

from claudia_core.testing.conformance.claiming import StoreClaims
from claudia_core.testing.conformance.closing import StoreClosing, StoreReopening
from claudia_core.testing.conformance.finding import StoreFinding
from claudia_core.testing.conformance.log import StoreLog
from claudia_core.testing.conformance.posts import StorePosts
from claudia_core.testing.conformance.processes import StoreProcesses
from claudia_core.testing.conformance.retention import StoreRetention
from claudia_core.testing.conformance.snapshots import StoreSnapshots
from claudia_core.testing.conformance.writing import StoreWriting

__all__ = [
    "StoreClaims",
    "StoreClosing",
    "StoreFinding",
    "StoreLog",
    "StorePosts",
    "StoreProcesses",
    "StoreReopening",
    "StoreRetention",
    "StoreSnapshots",
    "StoreWriting",
]

"""Group commit by itself, on a back end that fails when it is told to."""

from collections.abc import Callable, Iterator

import pytest

from claudia_core.errors import StoreUnavailable, WaitTimeout
from claudia_core.model.times import utc_now
from claudia_core.ports import Document, Page, Query, Transaction
from claudia_core.stores import writer as writing
from claudia_core.stores.changes import Changes
from claudia_core.stores.writer import Writer


class Backend:
    """Keeps what was committed; `begins` and `commits` may be made to raise."""

    def __init__(self) -> None:
        self.begins: Callable[[], object] = lambda: None
        self.commits: Callable[[], object] = lambda: None
        self.saved: list[str] = []
        self.aborted = 0

    def get_body(self, collection: str, id: str) -> None:
        """Nothing is stored."""

    def find(self, query: Query) -> Page:
        """Nothing is found."""
        return Page([])

    def begin(self) -> tuple["Backend", Changes]:
        self.begins()
        return self, Changes(utc_now())

    def commit(self, changes: Changes) -> None:
        self.commits()
        self.saved += [id for _, id in changes.documents]

    def abort(self) -> None:
        self.aborted += 1


@pytest.fixture
def backend() -> Backend:
    """The back end."""
    return Backend()


@pytest.fixture
def writer(backend: Backend) -> Iterator[Writer]:
    """A writer on it that tries again soon."""
    made = Writer(backend, name="writer", post_delay=0.001, retry_delay=0.01)
    yield made
    made.close()


def _put(id: str) -> Callable[[Transaction], object]:
    document: Document = {"id": id}
    return lambda tx: tx.put("meta", document)


def _away() -> None:
    raise StoreUnavailable("away")


def _broken() -> None:
    raise MemoryError


@pytest.mark.parametrize("failure", [_away, _broken])
@pytest.mark.parametrize("step", ["begins", "commits"])
def test_failing_step(writer: Writer, backend: Backend, step: str, failure: Callable[[], None]) -> None:
    """Whatever fails, at whatever step: the commit is left, its callers hear of it, and the next ones are served."""
    setattr(backend, step, failure)
    assert isinstance(writer.write(_put("a")).exception(10), StoreUnavailable | MemoryError)
    assert backend.aborted == 1
    setattr(backend, step, lambda: None)
    writer.write(_put("b")).result(10)
    assert backend.saved == ["b"]


def test_posts_of_a_store_that_is_away(writer: Writer, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Posts wait in memory up to a limit; beyond it the oldest go, and are counted; the rest is saved in order."""
    monkeypatch.setattr(writing, "MAX_POSTS", 10)
    backend.begins = _away
    writer.post("first", _put("first"))
    with pytest.raises(WaitTimeout):
        writer.flush(0.02)
    for number in range(25):
        writer.post(str(number), _put(str(number)))
    assert writer.is_failing
    backend.begins = lambda: None
    writer.flush(10)
    assert backend.saved[-10:] == [str(number) for number in range(15, 25)]
    assert len(backend.saved) + writer.dropped_posts == 26
    assert not writer.is_failing
    assert writer.waiting_posts == 0


def test_others_are_told_after_the_callers(backend):
    """Whoever waits for a change goes on before those do who look at every commit; nothing is told of no change."""
    heard = []
    writer = Writer(backend, name="writer", told=lambda: heard.append("others"))
    writer.write(_put("one")).add_done_callback(lambda _: heard.append("caller"))
    writer.flush(10)
    writer.close()
    assert heard == ["caller", "others"]

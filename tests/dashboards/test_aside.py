"""Questions to the store beside the event loop."""

import threading

import pytest

from claudia_core.errors import InvalidValue, StoreBusy
from dashboards.aside import Aside
from dashboards.pages.events import EventsPage
from tests.dashboards.serving import serving


def refusing():
    raise StoreBusy("the store is locked")


def test_outside_of_a_session_the_answer_comes_at_once():
    """And errors are raised where they were asked for."""
    aside, answers = Aside(), []
    aside.ask("a", lambda: 7, answers.append)
    assert answers == [7]
    with pytest.raises(StoreBusy):
        aside.ask("b", refusing, answers.append)


def test_who_wants_to_hear_of_a_refusal_does():
    """Instead of an error."""
    told = []
    Aside().ask("a", refusing, told.append, told.append)
    assert isinstance(told[0], StoreBusy)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_in_a_session_another_thread_asks(busy, monkeypatch):
    """The store is not read in the server's event loop; what it refuses is told in the page, and heals."""
    from bokeh.client import pull_session
    from bokeh.events import DocumentReady
    from fastapi import FastAPI

    import dashboards
    from claudia_core.testing.waiting import eventually

    threads, look = [], EventsPage._look

    def watched(self, *args):
        threads.append(threading.current_thread().name)
        if len(threads) == 1:
            raise InvalidValue("not today")
        return look(self, *args)

    monkeypatch.setattr(EventsPage, "_look", watched)
    app = FastAPI()
    dashboards.mount(app, busy)
    with serving(app) as address:
        session = pull_session(url=f"{address}/events", arguments={"at": "3"})
        try:
            session.document.callbacks.send_event(DocumentReady())  # as a browser does: from now on the page follows
            session.force_roundtrip()
            eventually(lambda: len(threads) > 1, timeout=20)
        finally:
            session.close()
    assert all(name.startswith("asyncio_") for name in threads)

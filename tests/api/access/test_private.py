"""Notices in the log: everybody sees their own, by every protocol and on pages; an admin sees all."""

import json
import time

import grpc
import pytest
from websockets.sync.client import connect

from claudia_core.api.grpc import serve_grpc
from claudia_core.model.identity import acting_as
from claudia_core.rpc.v1 import events_pb2
from claudia_core.rpc.v1.events_pb2_grpc import EventServiceStub
from dashboards.event_log import Wanted, older
from dashboards.pages.events import EventsPage
from dashboards.parts.events.event_detail import EventDetail
from dashboards.parts.events.event_list import EventList

PASSWORD = "four random words here"
SAID = "told to ann alone"


@pytest.fixture(scope="module")
def people(site):
    """Three users, a notice of one of them, and an event for all behind it."""
    made = {name: site.hub.users.add(name, PASSWORD, scope=scope) for name, scope in PEOPLE.items()}
    subject = f"user:{made['p-ann'].id}"
    site.hub.store.write(lambda tx: tx.emit("notification:sent", subject, {"title": SAID, "quiet": True})).result()
    site.hub.store.write(lambda tx: tx.emit("done:all", "", {})).result()
    return made


PEOPLE = {"p-ann": "viewer", "p-bob": "operator", "p-adam": "admin"}
SEES = {"p-ann": True, "p-bob": False, "p-adam": True}


@pytest.fixture(params=PEOPLE)
def who(request, site, people):
    """One of them: name, token, and whether the notice is theirs to see."""
    status, pair = site.post("/api/v1/auth/token", {"name": request.param, "password": PASSWORD})
    assert status == 200
    return request.param, pair["access_token"], SEES[request.param]


def subject(people):
    return f"user:{people['p-ann'].id}"


def test_by_rest_and_graphql(site, people, who):
    """Listed by type, by subject and without either."""
    _, token, sees = who
    for query in ("type=notification:sent", f"subject={subject(people)}", "limit=1000"):
        status, _, body = site.ask("GET", f"/api/v1/events?{query}", token)
        assert (status, SAID in body) == (200, sees), query
    for asked in ('type: ["notification:sent"]', f'subject: "{subject(people)}"'):
        status, answer = site.post("/graphql", {"query": f"{{ events({asked}) {{ items {{ type data }} }} }}"}, token)
        assert "errors" not in answer, answer
        assert (status, SAID in json.dumps(answer)) == (200, sees), asked


def test_by_sockets(site, people, who):
    """One's own channel; patterns, and a channel of a task named as a person, tell them to an admin alone."""
    name, token, sees = who
    shown = {"Authorization": f"Bearer {token}"}
    start = f"{site.hub.store.epoch}:0"
    asked = ((f"{subject(people)}", None, sees), ("events:*", "done:all", name == "p-adam"))
    for channel, closing, told in (*asked, (f"task:{subject(people)}", None, name == "p-adam")):
        with connect(f"ws://127.0.0.1:{site.port}/ws", additional_headers=shown, proxy=None) as socket:
            socket.recv(timeout=10)
            socket.send(json.dumps({"type": "subscribe", "channel": channel, "cursor": start}))
            assert (SAID in heard(socket, closing)) == told, channel


def heard(socket, closing):
    """What comes until an event of this type, or for a moment."""
    found = ""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            text = socket.recv(timeout=10 if closing else 1)
        except TimeoutError:
            break
        found += text
        if closing and f'"type":"{closing}"' in text:
            break
    return found


def test_by_streams(site, people, who):
    """By type and by subject; one's own stream tells it to its owner and to an admin, and to nobody else."""
    import http.client

    name, token, sees = who
    start = f"{site.hub.store.epoch}:0"
    admin = name == "p-adam"
    asked = (
        ("/api/v1/events/stream?type=*", 200, admin),
        (f"/api/v1/events/stream?subject={subject(people)}", 200, admin),
        (f"/events/{people['p-ann'].id}", 200 if sees else 403, sees),
    )
    for path, status, told in asked:
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=2)
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}", "Last-Event-ID": start})
        answer = connection.getresponse()
        assert answer.status == status, (name, path)
        found = ""
        try:
            while SAID not in found and "done:all" not in found and (line := answer.readline()):
                found += line.decode()
        except TimeoutError:
            pass
        connection.close()
        assert (SAID in found) == told, (name, path)


@pytest.mark.parametrize(("scope", "sees"), [("viewer", False), ("operator", False), ("admin", True)])
def test_by_grpc(site, people, scope, sees):
    """Watched from the beginning, with keys."""
    token = site.keys[scope]
    start = f"{site.hub.store.epoch}:0"
    with serve_grpc(site.hub, "127.0.0.1", 0, "the-right-token") as server, grpc.insecure_channel(server.address) as c:
        stream = EventServiceStub(c).Watch(
            events_pb2.WatchRequest(after=start), metadata=[("authorization", f"Bearer {token}")], timeout=20
        )
        found = ""
        for message in stream:
            found += str(message)
            if message.event.type == "done:all":
                break
        assert (SAID in found) == sees


def test_on_pages(site, people, who):
    """In the list, in the overview's list, and opened by its number."""
    name, _, sees = who
    hub = site.hub
    (notice,) = hub.store.events(0, 10, ("notification:sent",), subject(people)).events
    with acting_as(people[name].identity("password")):
        page, detail = EventsPage(hub), EventDetail(hub, on_close=lambda: None, on_subject=lambda _: None)
        listed = EventList(hub)
    page.type = detail.sequence = ""
    detail.sequence = str(notice.sequence)
    detail.refresh()
    assert (detail._event is not None) == sees
    assert (notice in older(hub.store, Wanted(who=page._who), hub.store.head(), 500).events) == sees
    hub.feed.wait_until(hub.store.head())
    listed.refresh()
    assert any(row["event"] == "notification:sent" for row in listed.table.rows) == sees

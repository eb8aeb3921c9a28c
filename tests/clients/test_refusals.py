"""Errors of a hub come back as what they were."""

import httpx2
import pytest

from claudia_core import Claudia
from claudia_core.api import problems
from claudia_core.clients import ClaudiaApiClient, GraphQLClient, TaskServiceClient
from claudia_core.clients.refusals import classes, error_of, refusal
from claudia_core.errors import (
    AccessDenied,
    ClaudiaError,
    HubUnavailable,
    IllegalTransition,
    InvalidValue,
    NotFound,
    TaskNotFound,
    TooLarge,
)
from tests.clients.serving import TOKEN


def ours():
    return [kind for kind in classes().values() if kind.__module__ == "claudia_core.errors"]


@pytest.mark.parametrize("kind", ours(), ids=lambda kind: kind.__name__)
def test_every_class_comes_back(kind):
    """From a problem document: class, message, field, hint and when to come back."""
    answer = problems.of_error(kind("what was wrong", field="name", hint="what is right"), "/x")
    response = httpx2.Response(answer.status_code, headers=dict(answer.headers), content=bytes(answer.body))
    found = refusal(response)
    assert type(found) is kind
    assert (found.message, found.field, found.hint) == ("what was wrong", "name", "what is right")
    assert found.retry_after == (problems.RETRY_AFTER if kind.retryable else None)


def test_every_code_is_one_of_a_class():
    """Two classes with one code could not be told apart; and each has a status of its own table."""
    every = [kind for kind in walk(ClaudiaError) if kind.__module__ == "claudia_core.errors"]
    assert len({kind.code for kind in every}) == len(every)
    assert {kind.code for kind in every} <= set(problems.KINDS)


def walk(kind):
    return [kind, *(below for one in kind.__subclasses__() for below in walk(one))]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, AccessDenied), (404, NotFound), (429, HubUnavailable), (502, HubUnavailable), (418, ClaudiaError)],
)
def test_answers_that_come_from_no_hub(status, kind):
    """A proxy's page has no code: the status decides, and its text stays out of the message."""
    found = refusal(
        httpx2.Response(status, text="<html>secret</html>", request=httpx2.Request("GET", "http://h/x?t=1"))
    )
    assert type(found) is kind
    assert "secret" not in str(found)
    assert "t=1" not in str(found)


def test_codes_of_a_newer_hub():
    """The nearest class by status, with the code in the message."""
    found = error_of({"code": "brand_new", "detail": "no"}, status=503)
    assert isinstance(found, HubUnavailable)
    assert "brand_new" in found.message


def test_what_the_hub_raises(served, client):
    """The same class, field and message as in the hub's own process."""
    done = served.hub.tasks.create("x", start=True)
    served.hub.tasks.complete(done.id)
    asked = [
        (TaskNotFound, lambda hub: hub.tasks.get("nobody")),
        (IllegalTransition, lambda hub: hub.tasks.start(done.id)),
        (InvalidValue, lambda hub: hub.tasks.list(status="broken")),
        (InvalidValue, lambda hub: hub.tasks.create("x", deadline="tomorrow")),
        (TooLarge, lambda hub: hub.tasks.create("x" * 300)),
        (NotFound, lambda hub: hub.errors.issue("nothing")),
        (NotFound, lambda hub: hub.agents.get("nobody")),
    ]
    for kind, ask in asked:
        for hub in (served.hub, client):
            with pytest.raises(ClaudiaError) as caught:
                ask(hub)
            assert type(caught.value) is kind


def test_a_wrong_token(served):
    """Every client says so, and none repeats the token."""
    wrong = "a-wrong-token-for-this-hub"
    with (
        ClaudiaApiClient(served.base, wrong) as client,
        GraphQLClient(f"{served.base}/graphql", api_key=wrong) as graphql,
        TaskServiceClient(served.base, wrong) as service,
        Claudia(served.base, api_key=wrong, display="off", shutdown_timeout=0.2) as remote,
    ):
        for ask in (
            client.tasks.counts,
            lambda: client.tasks.create("x"),
            lambda: next(iter(client.events.stream())),
            lambda: graphql.query("{ tasks { id } }"),
            lambda: list(service.get_task_progress("x")),
            lambda: service.wait("x", 5),
            lambda: list(remote.track([1])),
        ):
            with pytest.raises(AccessDenied) as caught:
                ask()
            assert wrong not in str(caught.value)
            assert wrong not in repr(caught.value)


def test_secrets_are_not_shown(served):
    """Neither by what is printed of a client, nor of a hub elsewhere, nor of its settings; the printed link will do."""
    with (
        ClaudiaApiClient(f"{served.base}/?token={TOKEN}") as client,
        Claudia(f"{served.base}/?token={TOKEN}", display="off") as remote,
    ):
        assert client.tasks.counts() == remote.tasks.counts()
        assert TOKEN not in f"{client!r} {remote!r} {remote.settings!r} {remote.store.url}"


@pytest.mark.parametrize(
    "url", ["localhost:5006", "ftp://host", "http://", "http://me:secret@host", "http://h:99999999", ""]
)
def test_what_is_no_address(url):
    """Is refused at once, without being repeated."""
    with pytest.raises(InvalidValue, match="not the address of a hub") as caught:
        ClaudiaApiClient(url)
    assert "secret" not in str(caught.value)

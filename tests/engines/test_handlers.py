"""Handlers: which functions can be one, and which payloads they take."""

from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from claudia_core.engines.handlers import Handlers
from claudia_core.errors import Conflict, InvalidValue, PayloadInvalid


class Order(BaseModel):
    """A payload."""

    id: int
    parts: list[str] = []


def given(function, payload):
    handler = Handlers().register("x", function)
    return handler.call("the task", payload)


def test_a_payload_as_it_is():
    """A parameter called payload takes anything."""
    assert given(lambda task, payload: (task, payload), [1, {"a": None}]) == ("the task", [1, {"a": None}])


def test_a_payload_by_a_model():
    """The function gets the model."""

    def order(task, order: Order):
        return order

    assert given(order, {"id": "7"}) == Order(id=7)
    with pytest.raises(PayloadInvalid, match=r"id: Field required") as caught:
        given(order, {"parts": []})
    assert caught.value.field == "payload.id"


def test_a_payload_by_its_fields():
    """By name, with their types, their defaults and their rules; unknown ones are refused."""

    def resize(task, file_id: str, *, width: Annotated[int, Field(gt=0)] = 100):
        return file_id, width

    assert given(resize, {"file_id": "a"}) == ("a", 100)
    assert given(resize, {"file_id": "a", "width": 5}) == ("a", 5)
    for bad in ({}, None, {"file_id": "a", "width": 0}, {"file_id": "a", "height": 1}, [1], "text"):
        with pytest.raises(PayloadInvalid):
            given(resize, bad)


def test_a_refusal_does_not_tell_the_payload():
    """It may hold secrets."""

    def sign_in(task, password: int):
        return password

    with pytest.raises(PayloadInvalid) as caught:
        given(sign_in, {"password": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_no_payload():
    """A function of the task alone takes none."""
    assert given(lambda task: task, None) == "the task"
    with pytest.raises(PayloadInvalid):
        given(lambda task: task, {"a": 1})


def test_any_fields():
    """Keywords take the rest."""
    assert given(lambda task, a, **rest: (a, rest), {"a": 1, "b": 2}) == (1, {"b": 2})


def no_task():
    """Takes nothing."""


def by_position(task, /, payload, *more):
    """Takes what no payload can fill."""


async def coroutine(task):
    """Needs a loop."""


@pytest.mark.parametrize(
    ("function", "rules", "named"),
    [
        (no_task, {}, "takes no task"),
        (by_position, {}, "by position"),
        (coroutine, {"engine": "thread"}, "asyncio"),
        (lambda task: None, {"engine": "asyncio"}, "thread or process"),
        (lambda task: None, {"engine": "moon"}, "thread or process"),
        (lambda task: None, {"retries": -1}, "retries"),
        (lambda task: None, {"retries": True}, "retries"),
        (lambda task: None, {"concurrency": 0}, "concurrency"),
        (lambda task: None, {"timeout": 0}, "timeout"),
        (lambda task: None, {"stall_after": 0}, "stall_after"),
        (lambda task: None, {"tries": 3}, "tries"),
        (lambda task: None, {"arguments": None}, "arguments"),
    ],
)
def test_what_is_no_handler(function, rules, named):
    """It is refused when it is registered, not when a task comes."""
    with pytest.raises(InvalidValue, match=named):
        Handlers().register("x", function, **rules)


def test_one_handler_for_a_type():
    """A second function is refused; the same one again, as when a cell runs twice, is not."""
    handlers = Handlers()
    handlers.register("x", no_payload)
    handlers.register("x", no_payload, retries=2)
    assert (handlers.types, handlers.get("x").retries) == (("x",), 2)
    with pytest.raises(Conflict, match="no_payload"):
        handlers.register("x", coroutine)


def no_payload(task):
    """Takes none."""

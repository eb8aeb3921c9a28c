"""The GraphQL client."""

import asyncio

import pytest

from claudia_core.clients import GraphQLClient
from claudia_core.clients.graphql import only_reads
from claudia_core.errors import HubUnavailable, IllegalTransition, InvalidValue, StoreBusy, StoreClosed, TaskNotFound
from tests.clients.serving import TOKEN
from tests.clients.test_rest import fake


@pytest.fixture
def graphql(served):
    with GraphQLClient(f"{served.base}/graphql", {"Authorization": f"Bearer {TOKEN}"}) as made:
        yield made


def test_the_guides_query(served, graphql):
    """As it stands in the integration guide."""
    task = served.hub.tasks.create("x", estimated_steps=4, start=True)
    served.hub.tasks.progress(task.id, 1, message="first")
    query = (
        "query GetTasks($status: String) { tasks(status: $status) { id name status progress { percentage message } } }"
    )
    assert graphql.query(query, {"status": "active"}) == {
        "tasks": [
            {
                "id": task.id,
                "name": "x",
                "status": "active",
                "progress": {"percentage": 25.0, "message": "first"},
            }
        ]
    }


def test_errors_are_those_of_the_hub(served, graphql):
    """In the same classes; all of an answer's errors are kept."""
    task = served.hub.tasks.create("x")
    with pytest.raises(TaskNotFound) as caught:
        graphql.query('{ task(id: "nobody") { name } }')
    assert caught.value.errors[0]["extensions"]["code"] == "task_not_found"
    with pytest.raises(IllegalTransition):
        graphql.query("mutation($id: ID!) { completeTask(id: $id) { id } }", {"id": task.id})
    with pytest.raises(InvalidValue):
        graphql.query("{ nothing }")


TASK = "subscription($id: ID!) { task(id: $id) { status } }"


async def test_a_subscription(served, graphql):
    """One task to its end, whatever the end is; then the loop is over."""
    task = served.hub.tasks.create("x", start=True)
    asyncio.get_running_loop().call_later(0.3, served.hub.tasks.cancel, task.id)
    async with asyncio.timeout(10):
        found = [data["task"]["status"] async for data in graphql.subscribe(TASK, {"id": task.id})]
    assert found == ["active", "cancelled"]


async def test_a_subscription_that_is_refused(graphql):
    """Raises in its first step."""
    async with asyncio.timeout(10):
        with pytest.raises(TaskNotFound):
            await anext(aiter(graphql.subscribe(TASK, {"id": "nobody"})))
        with pytest.raises(InvalidValue):
            await anext(aiter(graphql.subscribe("subscription { nothing }")))


async def test_a_hub_that_is_away():
    """Both ways are told so."""
    with GraphQLClient("http://127.0.0.1:9/graphql", api_key=TOKEN, patience=0.3) as client:
        with pytest.raises(HubUnavailable):
            client.query("{ tasks { id } }")
        with pytest.raises(HubUnavailable):
            await anext(aiter(client.subscribe(TASK, {"id": "x"})))
    with pytest.raises(StoreClosed):
        client.query("{ tasks { id } }")


DATA = (200, {}, b'{"data":{"tasks":[]}}')
BUSY = (503, {"Retry-After": "1"}, b'{"code":"store_busy","detail":"busy"}')


def test_a_query_is_asked_again():
    """When the hub said that it should be, or soon after an answer was lost."""
    with fake(BUSY, None, DATA) as (base, asked), GraphQLClient(f"{base}/graphql") as client:
        assert client.query("query Q { tasks { id } } # no mutation") == {"tasks": []}
    assert len(asked) == 3
    assert asked[1][0] - asked[0][0] >= 1.0


def test_a_mutation_is_not():
    """It may have happened."""
    with (
        fake(BUSY, DATA) as (base, asked),
        GraphQLClient(f"{base}/graphql") as client,
        pytest.raises(StoreBusy) as caught,
    ):
        client.query('mutation { createTask(name: "x") { id } }')
    assert (len(asked), caught.value.retry_after) == (1, 1.0)


@pytest.mark.parametrize(
    ("query", "reads"),
    [
        ("{ tasks { id } }", True),
        ("query mutation_of { mutation }", True),
        ('query Q($a: String = "mutation {") { tasks(name: $a) { id } }', True),
        ("# mutation\n{ tasks { id } }", True),
        ("mutation { a }", False),
        ("query A { a } mutation B { b }", False),
        ('query A { a(text: """ } " """) } mutation B { b }', False),
    ],
)
def test_what_only_reads(query, reads):
    """A word in a text, a comment or a selection begins no mutation."""
    assert only_reads(query) is reads

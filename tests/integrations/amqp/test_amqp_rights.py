"""A user of the broker who lacks a right is told which, in the health; given it, the hub goes on where it was."""

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from claudia_core.app import Claudia
from claudia_core.integrations.amqp import AmqpBridge
from claudia_core.integrations.amqp.consumer import PAUSE
from claudia_core.model.health import Health
from claudia_core.model.ids import new_id
from claudia_core.testing.servers import Server, rabbitmq_server
from claudia_core.testing.waiting import eventually
from tests.servers import require

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("rabbitmq")]

NAME, PASSWORD = "hub", "s3cret-pass"
ALL = ("rights.*", "rights.*|amq.default", "rights.*")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real broker, with a user of the hub's own."""
    require("RabbitMQ", shutil.which("rabbitmq-server"))
    with rabbitmq_server(tmp_path_factory.mktemp("rabbitmq")) as server:
        _ctl(server, "add_user", NAME, PASSWORD)
        yield server


def _ctl(server: Server, *words: str) -> None:
    command = ["/usr/lib/rabbitmq/bin/rabbitmqctl", *words]
    subprocess.run(command, check=True, capture_output=True, timeout=120, env=server.environment)


def _grant(server: Server, *rights: str) -> None:
    _ctl(server, "set_permissions", "-p", "/", NAME, *rights)


@pytest.mark.parametrize(
    ("configure", "write", "read"),
    [("^$", "^$", "^$"), ("rights.*", "^$", "rights.*"), ("rights.*", "rights.*|amq.default", "^$")],
    ids=["none", "no writing", "no reading"],
)
def test_a_right_that_is_missing(server: Server, claudia: Claudia, configure: str, write: str, read: str) -> None:
    """It is told as that, with the cure and without the password; nothing is lost until it is granted."""
    _grant(server, configure, write, read)
    url = server.url.replace("guest:guest", f"{NAME}:{PASSWORD}")
    name = f"rights{new_id()}"
    bridge = AmqpBridge(url, claudia.store, exchange=f"{name}.events", queue=f"{name}.in", lease=2.0)
    try:
        claudia.tasks.create("told later")

        def says() -> bool:
            state, why = bridge.health()
            return state is Health.WARN and "does not allow this user to do that" in why

        eventually(says, 30)
        why = bridge.health()[1]
        assert "set_permissions" in why
        assert "wait in the log" in why
        assert PASSWORD not in why
        _grant(server, *ALL)
        head = claudia.store.head()
        eventually(lambda: bridge.forwarder.subscription.cursor.sequence >= head, 30 + PAUSE)
        eventually(lambda: bridge.health()[0] is Health.PASS, 30)
    finally:
        bridge.stop()

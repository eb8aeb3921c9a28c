"""Both directions, as a server runs them."""

from __future__ import annotations

from claudia_core.integrations.amqp.broker import Broker
from claudia_core.integrations.amqp.consumer import Consumer
from claudia_core.integrations.amqp.forwarder import Forwarder
from claudia_core.model.health import Health
from claudia_core.ports import Store

EXCHANGE = "claudia.events"
QUEUE = "claudia.in"


class AmqpBridge:
    """Forwards the log to the exchange and does what comes from the queue, from now on.

    Args:
        url: of the broker.
        store: of the hub.
        exchange, queue: their names on the broker.
        lease: seconds after which another process takes over the forwarding.

    Raises:
        SettingsError: the address cannot be read.
    """

    def __init__(
        self, url: str, store: Store, *, exchange: str = EXCHANGE, queue: str = QUEUE, lease: float = 10.0
    ) -> None:
        self._store = store
        self.broker = Broker(url)
        self.forwarder = Forwarder(self.broker, store, exchange, lease=lease)
        self.consumer = Consumer(self.broker, store, queue)

    def health(self) -> tuple[Health, str]:
        """Whether the broker is there, and how far the forwarding is behind."""
        subscription = self.forwarder.subscription
        behind = max(0, self._store.head() - subscription.cursor.sequence) if subscription.is_holder else 0
        if not self.consumer.is_connected:
            why = self.consumer.fault or f"{self.broker.url} is away"
            return Health.WARN, f"{why}; {behind} events wait in the log"
        if self.forwarder.fault is not None and subscription.is_holder:
            return Health.WARN, f"{self.forwarder.fault}; {behind} events wait in the log"
        if behind > 10_000:
            return Health.WARN, f"{behind:,} events are not forwarded yet"
        return Health.PASS, ""

    def stop(self) -> None:
        """End both; stopping twice is fine."""
        self.consumer.stop()
        self.forwarder.stop()
        self.broker.close()

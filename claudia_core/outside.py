"""A hub's services elsewhere: what it calls, and what it is called by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from claudia_core.address import open_circuits
from claudia_core.capture.scrubbing import Scrubber
from claudia_core.errors import ClaudiaError, MissingExtra, StoreError
from claudia_core.feed import Feed
from claudia_core.integrations.sealing import Seals
from claudia_core.mailing import Mailing
from claudia_core.model.health import Health
from claudia_core.ports import Store
from claudia_core.pulse import Duty, Pulse
from claudia_core.resilience.breaker import Circuit
from claudia_core.resilience.integration import Integration
from claudia_core.resilience.integrations import Integrations
from claudia_core.services.events import Events, NewEvent
from claudia_core.services.health import HealthChecks
from claudia_core.services.notifications import Notifications
from claudia_core.services.processes import EVERY_SECONDS, Processes
from claudia_core.services.resealing import Resealed
from claudia_core.services.sealing import Safe
from claudia_core.services.tasks.service import Tasks
from claudia_core.services.webhooks.hooks import Hooks
from claudia_core.services.webhooks.service import Webhooks
from claudia_core.settings import Settings, otel_is_wanted
from claudia_core.subscriptions import Subscription

if TYPE_CHECKING:
    from claudia_core.integrations.amqp import AmqpBridge
    from claudia_core.integrations.mongodb import MongoDBService
    from claudia_core.integrations.notifications import Notifier
    from claudia_core.integrations.otel import Telemetry
    from claudia_core.integrations.webhooks.carriers import Certificates
    from claudia_core.integrations.webhooks.receiving import Incoming
    from claudia_core.integrations.webhooks.sender import WebhookSender

LOOK = 1.0
"""Seconds between two looks at which checks are due."""

LAG_WARNING = 10_000
MOST_CERTIFICATE = 20_000
"""Bytes of a certificate, or of the answer to a confirmation."""

type HookMap = Callable[[Incoming], NewEvent | Iterable[NewEvent] | None]


class Outside(Mailing):
    """The outside world as a hub knows it. Made when asked for: most of a hub's work needs none of it."""

    acts_on: Store
    """What changes go through: the store, or one around it."""
    settings: Settings
    store: Store
    health: HealthChecks
    events: Events
    feed: Feed
    _seals: Seals
    _sender: WebhookSender | None = None
    _notifier: Notifier | None = None
    _telemetry: Telemetry | None = None
    _subscriptions: list[Subscription]
    _pulse: Pulse
    _bridge: AmqpBridge | None = None
    _health_pulse: Pulse | None = None

    def _require_here(self, what: str) -> None:
        raise NotImplementedError

    @cached_property
    def integrations(self) -> Integrations:
        """Every service that this process calls: figures, circuits and the debugger (always on in development)."""
        rules = Scrubber(self.settings.scrub_names, self.settings.scrub_patterns)
        debug = self.settings.environment == "development"
        if self._is_shared:
            duty = Duty("figures", EVERY_SECONDS, self._tell_figures, first=EVERY_SECONDS)
            self._pulse.add(duty, again=False)
        return Integrations(rules, debug=debug, circuits=open_circuits(self.settings))

    @cached_property
    def processes(self) -> Processes:
        """What all processes on the store tell of the services they call; of a hub elsewhere, this one alone."""
        return Processes(self.store if self._is_shared else None, self.integrations)

    def _tell_figures(self) -> None:
        self.processes.tell()

    @property
    def _is_shared(self) -> bool:
        """Whether other processes may be on the store, and this one can write there."""
        return not self.store.url.startswith(("http", "memory:"))

    def integration(self, name: str, **guards: Any) -> Integration:
        """A service elsewhere: `with claudia.integration("github") as call:`.

        Args:
            name: what people read; all of this process's calls by one name are guarded and measured together.
            guards: how, given once: `timeout`, `limit`, `failures`, `reset`, `retry`, `errors`; see
                `resilience.integration.Guards`.

        Raises:
            InvalidValue: other guards were given for this name before.
        """
        return self.integrations.get(name, **guards)

    @cached_property
    def mongodb(self) -> MongoDBService:
        """Collections of one's own in the hub's MongoDB, on the same client.

        Raises:
            StoreError: the hub's store is no MongoDB.
        """
        from claudia_core.integrations.mongodb import MongoDBService

        client = getattr(self.store, "client", None)
        if client is None:
            hint = "use a mongodb:// address, or integrations.mongodb.MongoDBService with one of its own"
            raise StoreError(f"the store {self.store.url} is no MongoDB", hint=hint)
        return MongoDBService(self.store.url, self.store.database_name, client=client)  # type: ignore[attr-defined]

    def rotate_secrets(self) -> Resealed:
        """Encrypt all secrets in the store with a new key; see `integrations.sealing.Seals.rotate`.

        Raises:
            StoreError: the hub is elsewhere.
            SettingsError: a secret cannot be read by any key, or there are none.
            MissingExtra: cryptography is not installed.
        """
        self._require_here("the keys of secrets")
        return self._seals.rotate(self.store)

    @property
    def webhooks(self) -> Webhooks:
        """Endpoints elsewhere that events are told to, and their deliveries."""
        kept: Webhooks | None = getattr(self.store, "webhooks", None)  # of a hub elsewhere
        return Webhooks(self.acts_on, Safe(self._seals.optional)) if kept is None else kept

    @property
    def notifications(self) -> Notifications:
        """Who is told what, by which channels, and what they were told.

        Raises:
            StoreError: the hub is elsewhere: it keeps these itself.
        """
        self._require_here("the list of notifications")
        return Notifications(self.acts_on, self._seals.sealer)

    @property
    def hooks(self) -> Hooks:
        """Sources elsewhere that tell this hub events, at `/api/v1/hooks/NAME`.

        Raises:
            StoreError: the hub is elsewhere: it keeps these itself.
        """
        self._require_here("the list of sources")
        return Hooks(self.acts_on, Safe(self._seals.optional))

    @cached_property
    def hook_maps(self) -> dict[str, HookMap]:
        """Functions that make a source's messages into events, in this process, instead of its templates.

        `claudia.hook_maps["github"] = function`: it gets the `Incoming` message and returns a `NewEvent`, several, or
        None to leave it out. What it raises is answered as an error, and the sender tries again.
        """
        return {}

    @cached_property
    def certificates(self) -> Certificates:
        """The certificates of Amazon SNS, got when a message asks for one; seen as the integration `amazon sns`."""
        from claudia_core.integrations.outgoing import guarded_client, read_bounded
        from claudia_core.integrations.webhooks.carriers import Certificates

        client, calls = guarded_client(), self.integration("amazon sns")

        def fetch(url: str) -> bytes:
            with client.stream("GET", url) as answer:
                answer.raise_for_status()
                return read_bounded(answer, MOST_CERTIFICATE)

        return Certificates(lambda url: calls.call(lambda: fetch(url), "get"))

    def send_webhooks(self) -> WebhookSender:
        """Tell events to the endpoints from now on; what a server does. One process on a store at a time does it.

        Raises:
            StoreError: the hub is elsewhere.
            SettingsError: `outgoing_allow` holds what is neither network nor host.
        """
        from claudia_core.integrations.addresses import Allowed
        from claudia_core.integrations.webhooks.sender import WebhookSender

        self._require_here("sending webhooks")
        if self._sender is None:
            allowed = Allowed(self.settings.outgoing_allow)
            safe = Safe(self._seals.optional)
            self._sender = WebhookSender(
                self.store, self.integrations, allowed=allowed, lease=self.settings.lease, safe=safe
            )
        return self._sender

    def send_notifications(self) -> Notifier:
        """Tell people what rules say from now on; what a server does. One process on a store at a time does it.

        Raises:
            StoreError: the hub is elsewhere.
            SettingsError: `outgoing_allow` holds what is neither network nor host.
        """
        from claudia_core.integrations.addresses import Allowed
        from claudia_core.integrations.notifications import Notifier

        self._require_here("telling people")
        if self._notifier is None:
            Allowed(self.settings.outgoing_allow)
            self._notifier = Notifier(
                self.store,
                Notifications(self.store, self._seals.sealer),
                self.integrations,
                lambda: self.mail,
                allow=self.settings.outgoing_allow,
                base=self.settings.public_url,
                lease=self.settings.lease,
            )
        return self._notifier

    def bridge_broker(self) -> AmqpBridge | None:
        """Tell events to the RabbitMQ of the settings and take commands from it, from now on; None without one.

        Raises:
            StoreError: the hub is elsewhere.
            SettingsError: `broker_url` cannot be read.
            MissingExtra: the driver is not installed.
        """
        self._require_here("a message broker")
        settings = self.settings
        if settings.broker_url is None or self._bridge is not None:
            return self._bridge
        try:
            from claudia_core.integrations.amqp import AmqpBridge
        except ModuleNotFoundError as error:
            raise MissingExtra("RabbitMQ needs its driver", hint="pip install 'claudia-core[rabbitmq]'") from error
        self._bridge = AmqpBridge(
            settings.broker_url.get_secret_value(),
            self.store,
            exchange=settings.broker_exchange,
            queue=settings.broker_queue,
            lease=settings.lease,
        )
        self.health.register("broker", self._bridge.health)
        return self._bridge

    @property
    def broker(self) -> AmqpBridge | None:
        """What talks to the message broker in this process; None where nothing does."""
        return self._bridge

    @property
    def webhook_sender(self) -> WebhookSender | None:
        """What sends webhooks in this process; None where nothing does."""
        return self._sender

    def export_telemetry(self) -> Telemetry | None:
        """Send tasks, calls and figures by OpenTelemetry from now on; None where nothing says where to.

        Tasks are told by one process on a store at a time; calls and figures by each of its own.

        Raises:
            StoreError: the hub is elsewhere.
            SettingsError: `otel_endpoint` is no address.
            MissingExtra: the SDK is not installed.
        """
        self._require_here("telemetry of a hub")
        if self._telemetry is None and otel_is_wanted(self.settings):
            from claudia_core.integrations.otel import ENDED, Telemetry

            made = Telemetry(self.settings, self.integrations, Tasks(self.store))
            self._telemetry = made
            self._subscriptions.append(
                Subscription(self.store, "otel", made.take, types=ENDED, lease=self.settings.lease)
            )
        return self._telemetry

    def watch_health(self) -> None:
        """Run the checks when their time comes and remember how they stand, from now on; what a server does.

        Adds the checks `log` (how far the feed is behind), `circuits` (services elsewhere that are left alone),
        `webhooks` (endpoints that fail, or that the hub turned off) and `notifications` (channels that fail).

        Raises:
            StoreError: the hub is elsewhere.
        """
        self._require_here("watching health")
        if self._health_pulse is None:
            self.health.register("log", self._lag)
            self.health.register("circuits", self._circuits)
            self.health.register("webhooks", self._failing_webhooks, every=60.0, after=["store"])
            self.health.register("notifications", self._failing_channels, every=60.0, after=["store"])
            self._health_pulse = Pulse()  # of its own: a check that hangs must not hold up heartbeats
            self._health_pulse.add(Duty("health", LOOK, self.health.watch, first=LOOK))

    def _lag(self) -> tuple[Health, str]:
        lag = self.feed.lag
        return (Health.WARN, f"the feed is {lag:,} events behind") if lag > LAG_WARNING else (Health.PASS, "")

    def _circuits(self) -> tuple[Health, str]:
        """Whether services elsewhere are left alone now."""
        made = self.integrations.all()
        open_ones = [one.name for one in made if one.breaker.circuit is not Circuit.CLOSED]
        return (Health.WARN, f"left alone: {', '.join(open_ones)}"[:500]) if open_ones else (Health.PASS, "")

    def _failing_webhooks(self) -> tuple[Health, str]:
        bad = [one.name for one in Webhooks(self.store).list() if one.failing_since or one.disabled_reason]
        return (Health.WARN, f"not delivered to: {', '.join(bad)}"[:500]) if bad else (Health.PASS, "")

    def _failing_channels(self) -> tuple[Health, str]:
        channels = Notifications(self.store, self._seals.sealer).channels.list()
        bad = [one.name for one in channels if one.active and one.failing_since]
        return (Health.WARN, f"nobody is told by: {', '.join(bad)}"[:500]) if bad else (Health.PASS, "")

    def _leave_outside(self) -> None:
        """End what runs for services elsewhere."""
        if "processes" in self.__dict__:
            with suppress(ClaudiaError):  # it is forgotten by itself in a minute
                self.processes.leave()
        if self._health_pulse is not None:
            self._health_pulse.stop()
        if self._bridge is not None:
            self._bridge.stop()
        if self._notifier is not None:
            self._notifier.stop()
        if self._telemetry is not None:
            self._telemetry.stop()
        if self._sender is not None:
            self._sender.stop()

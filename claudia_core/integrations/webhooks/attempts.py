"""One attempt at a delivery: signed, posted within the guards of its host, and judged."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from claudia_core.errors import AddressRefused, SettingsError
from claudia_core.integrations.outgoing import Poster, Sent
from claudia_core.integrations.webhooks.schedule import Schedule
from claudia_core.integrations.webhooks.signing import headers
from claudia_core.logs import get_logger
from claudia_core.model.address import host_of
from claudia_core.model.delivery import MOST_EXCERPT, Attempt, Delivery
from claudia_core.model.values import clean_text
from claudia_core.model.webhook import Endpoint
from claudia_core.resilience.integration import Integration
from claudia_core.resilience.integrations import Integrations
from claudia_core.resilience.retry import PASSING
from claudia_core.resilience.retry_after import seconds_of
from claudia_core.services.sealing import Safe
from claudia_core.services.webhooks.deliveries import Outcome

log = get_logger(__name__)

GONE = 410
MOST_AT_ONCE = 1_000


class Refusal(ValueError):
    """The receiver answered, and not with yes: its host is well."""


class Attempts:
    """Makes attempts; the hosts' circuits, figures and calls are those of `integrations`.

    Args:
        poster: posts.
        integrations: where each host is known as `webhook HOST`.
        schedule: when to try again.
        now: the clock.
        safe: opens secrets and the values of headers.
    """

    def __init__(
        self,
        poster: Poster,
        integrations: Integrations,
        schedule: Schedule,
        now: Callable[[], datetime],
        safe: Safe | None = None,
    ) -> None:
        self._safe = safe or Safe()
        self._opened: dict[str, tuple[Endpoint, Endpoint]] = {}
        self._poster = poster
        self._integrations = integrations
        self._schedule = schedule
        self._now = now

    def host(self, endpoint: Endpoint) -> Integration:
        """The guards of an endpoint's host."""
        name = f"webhook {host_of(endpoint.url)}"[:100]
        return self._integrations.get(name, timeout=None, limit=MOST_AT_ONCE, reset=30.0, errors=(OSError,))

    async def make(self, endpoint: Endpoint, delivery: Delivery) -> tuple[Outcome, float | None]:
        """What became of it, and for how many seconds the receiver asked to be left alone.

        Raises:
            CircuitOpen, IntegrationBusy: the host is left alone now; no attempt was made.
        """
        call = self.host(endpoint).begin(f"POST {delivery.event_type}")
        now, started = self._now(), time.perf_counter()
        body = delivery.body.encode()
        sent: Sent | None = None
        error: Exception | None = None
        try:
            opened = self._open(endpoint)
            signed = headers(opened.keys(now), delivery.id, now, body)
            told = {**opened.headers, **signed, "content-type": "application/json"}
            sent = await self._poster.post(endpoint.url, told, body)
            error = _judged(sent)
        except (OSError, AddressRefused, SettingsError, ValueError) as caught:
            error = caught
        except Exception as caught:  # one delivery must not end its endpoint's lane
            log.exception("a webhook could not be sent", endpoint=endpoint.id, delivery=delivery.id)
            error = caught
        except BaseException as caught:
            call.end(caught)
            raise
        call.sent(call.operation, delivery.body)
        call.answered(None if sent is None else sent.body)
        call.end(Refusal(str(error)) if isinstance(error, AddressRefused | SettingsError) else error)
        asked = None if sent is None or error is None else seconds_of(sent.headers.get("retry-after"), now)
        attempt = Attempt(
            time=now,
            status=None if sent is None else sent.status,
            seconds=time.perf_counter() - started,
            error="" if error is None else clean_text(str(error) or type(error).__name__, MOST_EXCERPT),
            response="" if sent is None else clean_text(sent.body[:2_000].decode(errors="replace"), MOST_EXCERPT),
        )
        return self._outcome(endpoint, delivery, attempt, error is None, asked), asked

    def _open(self, endpoint: Endpoint) -> Endpoint:
        """An endpoint with its secrets opened: once for as long as it stays as it is."""
        known = self._opened.get(endpoint.id)
        if known is None or known[0] is not endpoint:
            known = self._opened[endpoint.id] = (endpoint, self._safe.endpoint(endpoint))
        return known[1]

    def _outcome(
        self, endpoint: Endpoint, delivery: Delivery, attempt: Attempt, is_success: bool, asked: float | None
    ) -> Outcome:
        is_gone = attempt.status == GONE
        again = None if is_success or is_gone else self._schedule.next(delivery.tries + 1, attempt.time, asked)
        was_failing = endpoint.failing_since is not None
        return Outcome(attempt=attempt, is_success=is_success, next_at=again, was_failing=was_failing, gone=is_gone)


def _judged(sent: Sent) -> Exception | None:
    """Only 2xx is a yes. A host that is overloaded or broken is ill; one that says no is not."""
    if 200 <= sent.status < 300:
        return None
    text = f"HTTP {sent.status}"
    if 300 <= sent.status < 400:
        return Refusal(f"{text}: redirects are not followed")
    return ConnectionError(text) if sent.status in PASSING else Refusal(text)

"""Whether a Celery app can be used: its broker answers, and workers do."""

from __future__ import annotations

import queue
import threading
from typing import Any

from kombu.exceptions import OperationalError

from claudia_core.errors import BrokerUnavailable


def check_app(app: Any, timeout: float) -> str:
    """Connect once to the broker of an app, and ask for its workers.

    Raises:
        BrokerUnavailable: the broker does not answer in time, or refuses this user.
    """
    where = app.connection_for_write().as_uri()  # without the password
    found: queue.SimpleQueue[str | BaseException] = queue.SimpleQueue()
    threading.Thread(target=_ask, args=(app, timeout, found), name="claudia-celery-check", daemon=True).start()
    try:
        told = found.get(timeout=timeout)
    except queue.Empty:
        raise BrokerUnavailable(
            f"the Celery broker {where} is silent: no answer within {timeout:g} s", "celery", hint=CURE
        ) from None
    if isinstance(told, BaseException):
        raise BrokerUnavailable(f"the Celery broker {where} cannot be used: {told!s:.300}", "celery", hint=CURE)
    return f"{where} answers: {told}"


NO_WORKER = "no worker does, so tasks wait; start one with: celery worker"
CURE = "is the broker running there, and are the app's broker_url, user and password right?"


def _ask(app: Any, timeout: float, found: queue.SimpleQueue[str | BaseException]) -> None:
    """Some clients wait longer than they are told to: so this is a thread of its own, which is left then."""
    try:
        with app.connection_for_write(connect_timeout=timeout / 2) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0.1, timeout=timeout / 2)
            workers = app.control.ping(timeout=timeout / 4, connection=connection)
    except (OperationalError, OSError, ValueError, LookupError) as error:
        found.put(error)
        return
    names = sorted(name for worker in workers for name in worker)
    found.put(f"workers {', '.join(names)}" if names else NO_WORKER)

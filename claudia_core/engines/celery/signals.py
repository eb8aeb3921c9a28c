"""Celery's signals, of one app, as calls of an observer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from celery import current_app, signals

if TYPE_CHECKING:
    from claudia_core.engines.celery.observer import CeleryObserver


class Signals:
    """Connects an observer to Celery's signals. Celery logs what a handler raises, and goes on."""

    def __init__(self, observer: CeleryObserver) -> None:
        self._observer = observer
        self._app = observer.app
        self._connected: list[tuple[Any, Callable[..., None]]] = []
        self._connect()

    def _connect(self) -> None:
        for signal, handler in (
            (signals.before_task_publish, self._on_publishing),
            (signals.after_task_publish, self._on_publish),
            (signals.task_prerun, self._on_prerun),
            (signals.task_success, self._on_success),
            (signals.task_failure, self._on_failure),
            (signals.task_internal_error, self._on_failure),
            (signals.task_retry, self._on_retry),
            (signals.task_postrun, self._on_postrun),
            (signals.task_revoked, self._on_revoked),
            (signals.task_unknown, self._on_unknown),
            (signals.worker_init, self._on_worker_init),
            (signals.worker_ready, self._on_worker_ready),
            (signals.worker_shutdown, self._on_worker_shutdown),
            (signals.worker_process_shutdown, self._on_process_shutdown),
        ):
            signal.connect(handler, weak=False)  # a weak one would be gone at once
            self._connected.append((signal, handler))

    def disconnect(self) -> None:
        """Listen no more."""
        for signal, handler in self._connected:
            signal.disconnect(handler)
        self._connected = []

    def _is_ours(self, task: Any) -> bool:
        return getattr(task, "app", None) is self._app

    def _on_publishing(self, headers: Any = None, **_: Any) -> None:
        self._observer.sending(headers or {})

    def _on_publish(self, sender: Any = None, headers: Any = None, body: Any = None, **more: Any) -> None:
        name = str(getattr(sender, "name", sender))
        if self._sends(name):
            self._observer.sent(name, headers or {}, body, str(more.get("routing_key") or ""))

    def _sends(self, name: str) -> bool:
        """Whether a message is of this app. Celery does not say: one that nobody has here is the current app's."""
        return name in self._app.tasks or self._app is current_app._get_current_object()

    def _on_prerun(self, task: Any = None, args: Any = None, kwargs: Any = None, **_: Any) -> None:
        if self._is_ours(task):
            self._observer.begun(task, args, kwargs)

    def _on_success(self, sender: Any = None, result: Any = None, **_: Any) -> None:
        if self._is_ours(sender):
            self._observer.succeeded(sender, result)

    def _on_failure(self, sender: Any = None, task_id: str = "", exception: Any = None, **more: Any) -> None:
        if self._is_ours(sender):
            self._observer.failed(sender, task_id, exception, more.get("args"), more.get("kwargs"))

    def _on_retry(self, sender: Any = None, request: Any = None, reason: Any = None, **_: Any) -> None:
        if self._is_ours(sender):
            self._observer.retried(request, reason)

    def _on_postrun(self, task: Any = None, state: Any = None, **_: Any) -> None:
        if self._is_ours(task):
            self._observer.left(task.request, state)

    def _on_revoked(
        self, sender: Any = None, request: Any = None, terminated: Any = None, expired: Any = None, **_: Any
    ) -> None:
        if self._is_ours(sender):
            self._observer.revoked(sender, request, bool(terminated), bool(expired))

    def _on_unknown(self, sender: Any = None, name: str = "", id: str = "", exc: Any = None, **_: Any) -> None:
        if self._is_ours(sender):
            self._observer.unknown(name, id, exc)

    def _on_worker_init(self, sender: Any = None, **_: Any) -> None:
        if self._is_ours(sender):
            self._observer.worker_began(sender)

    def _on_worker_ready(self, sender: Any = None, **_: Any) -> None:
        if self._is_ours(sender):
            self._observer.worker_ready()

    def _on_worker_shutdown(self, sender: Any = None, **_: Any) -> None:
        if self._is_ours(sender):
            self._observer.worker_ended()

    def _on_process_shutdown(self, **_: Any) -> None:
        self._observer.process_ended()

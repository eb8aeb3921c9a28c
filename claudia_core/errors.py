"""Every error Claudia raises, in one tree.

    ClaudiaError
    ├── InvalidValue            a value broke a rule; `field` names it
    │   ├── TooLarge            a value is over its limit
    │   ├── PayloadInvalid      a task's payload is not what its handler takes
    │   ├── BadCursor           a cursor cannot be read, or belongs to another log
    │   ├── Malformed           a request cannot be read at all
    │   ├── UnsupportedMedia    a request's body is not in a form that is read here
    │   └── IdempotencyConflict a key that repeats a request came with another request
    ├── NotFound                nothing has that id
    │   └── TaskNotFound
    ├── Conflict                the change does not fit the present state
    │   ├── IllegalTransition   a task cannot go from its status to the asked one
    │   ├── StaleClaim          another claim of the task counts by now, or none
    │   ├── PreconditionFailed  the thing was changed since the caller read it
    │   └── IdempotencyBusy     the same request is being carried out (retry helps)
    ├── StoreError              the store could not do it
    │   ├── StoreUnavailable    the store cannot be reached now (retry helps)
    │   │   ├── HubUnavailable  the hub at an address does not answer (retry helps)
    │   │   ├── StoreBusy       another process holds the store too long (retry helps)
    │   │   └── StoreFull       no space left (retry helps once there is space)
    │   ├── StoreReadOnly       the store cannot be written
    │   ├── StoreForeign        the file or database belongs to another program
    │   ├── StoreTooNew         the store was written by a newer Claudia
    │   ├── StoreDamaged        the file is damaged
    │   └── StoreClosed         the store was closed, or opened in another process
    ├── TaskCancelled           the work that runs here was cancelled by somebody else
    ├── WaitTimeout             what was waited for did not come in time
    ├── RequestTimeout          a request did not come in whole in time (retry helps)
    ├── TooManyConnections      a process serves as many sockets and streams as it may (retry helps)
    ├── SettingsError           a setting is unknown or malformed
    │   └── NoSecretKeys        secrets are to be kept in a store that several servers share, and no keys are set
    ├── MissingExtra            an optional package is not installed
    ├── IntegrationError        a call to a service elsewhere failed (`retryable` says whether a retry helps)
    │   ├── BrokerUnavailable   the message broker did not take it (retry helps)
    │   ├── IntegrationTimeout  it took too long (retry helps)
    │   ├── IntegrationBusy     too many calls to it are under way (retry helps)
    │   └── CircuitOpen         it keeps failing and is left alone (retry helps after `retry_after` seconds)
    ├── MailRefused             a message is refused for good by whoever carries mail
    ├── AddressRefused          an address elsewhere may not be called from here
    ├── ProviderUnavailable     the service that people sign in with does not answer (retry helps)
    ├── RateLimited             asked too often (retry helps after `retry_after` seconds)
    └── AccessDenied            who asks may not do this
        ├── ProviderRefused     the service that people sign in with said no, or what it said cannot be believed
        └── Unauthenticated     nobody has signed in
            ├── SignatureInvalid a message's signature is missing, wrong or too old
            ├── TokenExpired    the token was right, and its time is over
            └── TokenInvalid    the token is forged, revoked, of another kind, or not one at all

Each class has a stable machine-readable `code`. Only the API maps codes to HTTP or gRPC statuses.
"""

from __future__ import annotations

from typing import ClassVar


class ClaudiaError(Exception):
    """Base of everything Claudia raises on purpose."""

    code: ClassVar[str] = "error"
    retryable: bool = False
    retry_after: float | None = None
    """Seconds after which a hub asked to be tried again, where one did."""

    def __init__(self, message: str, *, field: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class InvalidValue(ClaudiaError, ValueError):
    """A value broke a rule; `field` names it."""

    code = "invalid_value"


class TooLarge(InvalidValue):
    """A value is over its limit."""

    code = "too_large"


class PayloadInvalid(InvalidValue):
    """A task's payload is not what its handler takes."""

    code = "payload_invalid"


class BadCursor(InvalidValue):
    """A cursor cannot be read, or belongs to another log."""

    code = "bad_cursor"


class Malformed(InvalidValue):
    """A request cannot be read at all: not JSON, not UTF-8, nested too deep."""

    code = "malformed"


class UnsupportedMedia(InvalidValue):
    """A request's body is not in a form that is read here."""

    code = "unsupported_media_type"


class IdempotencyConflict(InvalidValue):
    """A key that repeats a request came with another request."""

    code = "idempotency_conflict"


class NotFound(ClaudiaError, LookupError):
    """Nothing has that id."""

    code = "not_found"


class TaskNotFound(NotFound):
    """No task has that id."""

    code = "task_not_found"


class Conflict(ClaudiaError):
    """The change does not fit the present state."""

    code = "conflict"


class IllegalTransition(Conflict):
    """A task cannot go from its status to the asked one."""

    code = "illegal_transition"


class StaleClaim(Conflict):
    """The task was taken from who says this: another claim of it counts by now, or none."""

    code = "stale_claim"


class PreconditionFailed(Conflict):
    """The thing was changed since the caller read it."""

    code = "precondition_failed"


class IdempotencyBusy(Conflict):
    """The same request is being carried out right now; a retry gets its answer."""

    code = "idempotency_busy"
    retryable = True


class StoreError(ClaudiaError):
    """The store could not do what was asked."""

    code = "store_error"


class StoreUnavailable(StoreError):
    """The store cannot be reached now; a retry can help."""

    code = "store_unavailable"
    retryable = True


class HubUnavailable(StoreUnavailable):
    """The hub at an address does not answer; a retry can help."""

    code = "hub_unavailable"


class StoreBusy(StoreUnavailable):
    """Another process held the store's lock for too long; a retry can help."""

    code = "store_busy"


class StoreFull(StoreUnavailable):
    """There is no space left; a retry helps once there is."""

    code = "store_full"


class StoreReadOnly(StoreError):
    """The store cannot be written."""

    code = "store_read_only"


class StoreForeign(StoreError):
    """The file or database belongs to another program."""

    code = "store_foreign"


class StoreTooNew(StoreError):
    """The store was written by a newer Claudia."""

    code = "store_too_new"


class StoreDamaged(StoreError):
    """The store's file is damaged."""

    code = "store_damaged"


class StoreClosed(StoreError):
    """The store was closed, or opened in another process."""

    code = "store_closed"


class TaskCancelled(ClaudiaError):
    """The work that runs here was cancelled by somebody else: raised by a loop's next step, or a task's next progress.

    To clean up, catch it around the loop; the task is cancelled already and keeps its progress.
    """

    code = "task_cancelled"

    def __init__(self, message: str, *, task_id: str = "", reason: str = "", **more: str | None) -> None:
        super().__init__(message, **more)
        self.task_id = task_id
        self.reason = reason


class WaitTimeout(ClaudiaError, TimeoutError):
    """What was waited for did not come in time."""

    code = "wait_timeout"
    retryable = True


class RequestTimeout(ClaudiaError):
    """A request did not come in whole in time; a retry can help."""

    code = "request_timeout"
    retryable = True


class TooManyConnections(ClaudiaError):
    """A process serves as many sockets and streams as it may; a retry can help."""

    code = "too_many_connections"
    retryable = True


class SettingsError(ClaudiaError):
    """A setting is unknown or malformed."""

    code = "settings_error"


class NoSecretKeys(SettingsError):
    """Secrets are to be kept in a store that several servers share, and no keys are set."""

    code = "no_secret_keys"


class MissingExtra(ClaudiaError, ImportError):
    """An optional package is not installed."""

    code = "missing_extra"


class RateLimited(ClaudiaError):
    """Asked too often; a retry helps after `retry_after` seconds."""

    code = "rate_limited"
    retryable = True

    def __init__(
        self, message: str, *, field: str | None = None, hint: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, field=field, hint=hint)
        self.retry_after = retry_after


class AccessDenied(ClaudiaError):
    """Who asks may not do this."""

    code = "access_denied"


class Unauthenticated(AccessDenied):
    """Nobody has signed in, or what they showed is not valid."""

    code = "unauthenticated"


class SignatureInvalid(Unauthenticated):
    """A message from elsewhere has no signature, a wrong one, or one that is too old."""

    code = "signature_invalid"


class TokenExpired(Unauthenticated):
    """The token was right, and its time is over: get a new one."""

    code = "token_expired"


class TokenInvalid(Unauthenticated):
    """The token is forged, revoked, of another kind, or not one at all."""

    code = "token_invalid"


class IntegrationError(ClaudiaError):
    """A call to a service elsewhere failed; what it raised is the `__cause__`.

    `integration` names the service, `retryable` says whether a retry can help.
    """

    code = "integration_error"

    def __init__(
        self,
        message: str,
        integration: str = "",
        retry_after: float | None = None,
        *,
        retryable: bool | None = None,
        field: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, field=field, hint=hint)
        self.integration = integration
        self.retry_after = retry_after
        if retryable is not None:
            self.retryable = retryable


class BrokerUnavailable(IntegrationError):
    """The message broker did not take what was sent; a retry can help."""

    code = "broker_unavailable"
    retryable = True


class IntegrationTimeout(IntegrationError, TimeoutError):
    """A call to a service elsewhere took too long; a retry can help."""

    code = "integration_timeout"
    retryable = True


class IntegrationBusy(IntegrationError):
    """Too many calls to a service elsewhere are under way; a retry can help."""

    code = "integration_busy"
    retryable = True


class CircuitOpen(IntegrationError):
    """A service elsewhere keeps failing and is left alone; a retry helps after `retry_after` seconds."""

    code = "circuit_open"
    retryable = True


class MailRefused(ClaudiaError):
    """A message is refused for good by whoever carries mail."""

    code = "mail_refused"


class AddressRefused(ClaudiaError):
    """An address elsewhere may not be called from here: it is this machine's or a private network's."""

    code = "address_refused"


class ProviderUnavailable(ClaudiaError):
    """The service that people sign in with, or that lends tokens, does not answer; a retry can help."""

    code = "provider_unavailable"
    retryable = True


class ProviderRefused(AccessDenied):
    """The service that people sign in with said no, or what it said cannot be believed."""

    code = "provider_refused"

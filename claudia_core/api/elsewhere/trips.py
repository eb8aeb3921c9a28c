"""A browser's trip to a provider and back: a short-lived signed cookie of that browser keeps what it began with."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass, field

import orjson

from claudia_core.errors import ProviderRefused

SECONDS = 600
"""How long a trip may take."""

MOST_DONE = 10_000
AGAIN = "begin the sign-in again"


@dataclass(frozen=True, slots=True)
class Trip:
    """What must be the same at the return.

    Args:
        provider: where the browser was sent.
        redirect_uri: where it was to come back to.
        next: where it wanted to go at first: an address below this server.
        state, verifier, nonce: see `AuthorizationRequest`.
        began: in seconds since 1970.
    """

    provider: str
    redirect_uri: str
    next: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)
    nonce: str = field(repr=False)
    began: float


class Trips:
    """Seals trips into cookies and takes each back once.

    The key lives as long as the process: after a restart, who is on the way has to begin again.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._done: dict[str, float] = {}
        self._lock = threading.Lock()

    def seal(self, trip: Trip) -> str:
        """A cookie's value."""
        told = urlsafe_b64encode(orjson.dumps(asdict(trip))).rstrip(b"=").decode()
        return f"{told}.{self._sign(told)}"

    def open(self, sealed: str, provider: str, state: str) -> Trip:
        """The trip of a cookie, for a return from that provider with that state.

        Raises:
            ProviderRefused: it is forged, over, of another provider or state, or was taken back before.
        """
        told, _, signature = sealed.partition(".")
        if not hmac.compare_digest(signature.encode(errors="replace"), self._sign(told).encode()):
            raise ProviderRefused("this browser has begun no sign-in here", hint=AGAIN)
        trip = Trip(**orjson.loads(urlsafe_b64decode(told + "=" * (-len(told) % 4))))
        if not 0 <= time.time() - trip.began <= SECONDS:
            raise ProviderRefused("the sign-in took too long", hint=AGAIN)
        if trip.provider != provider:
            raise ProviderRefused("the answer comes from another provider than was asked", hint=AGAIN)
        if not hmac.compare_digest(trip.state.encode(), state.encode(errors="replace")):
            raise ProviderRefused("the answer belongs to another sign-in", hint=AGAIN)
        self._take(trip.state)
        return trip

    def _take(self, state: str) -> None:
        now = time.time()
        with self._lock:
            if state in self._done:
                raise ProviderRefused("this sign-in has been completed before", hint=AGAIN)
            for old in [old for old, at in list(self._done.items())[:20] if now - at > SECONDS]:
                del self._done[old]
            if len(self._done) >= MOST_DONE:
                del self._done[next(iter(self._done))]
            self._done[state] = now

    def _sign(self, told: str) -> str:
        return hmac.new(self._key, told.encode(errors="replace"), hashlib.sha256).hexdigest()

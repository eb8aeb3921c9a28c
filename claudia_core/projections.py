"""Projections of one's own: a value folded from the log, kept in the store, and folded again when that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from claudia_core.errors import NotFound
from claudia_core.leased import Leased
from claudia_core.logs import get_logger
from claudia_core.model.event import Event
from claudia_core.model.health import Health
from claudia_core.model.ids import new_id
from claudia_core.ports import Document, Store, Transaction

log = get_logger(__name__)

type Fold = Callable[[Any, Event], Any]
"""`fold(state, event)` gives the next state, a JSON value; it may change the one it is given, and nothing else."""

SLICE = 500
"""Events folded in one commit."""

LAG_WARNING = 10_000


class Projection:
    """Folds each event once, in order, in one process at a time; the state and its place in the log are one commit.

    While it is folded again (another `version`, or `claudia replay NAME`), the state before stays readable until the
    new one has caught up. Events that are no longer kept are not in it: `missed` counts them.

    Args:
        store: of the hub.
        name: all processes that use one name share the state.
        fold: see `Fold`.
        start: the state before the first event: a JSON value.
        types: event types to take; empty for all.
        version: of `fold`: another one than the state was made with folds it again from the oldest event kept.
        lease: seconds after which another process takes over.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        fold: Fold,
        *,
        start: Any = None,
        types: tuple[str, ...] = (),
        version: int = 1,
        lease: float = 15.0,
    ) -> None:
        self.name = name
        self._store = store
        self._fold = fold
        self._start = start
        self._types = types
        self._version = version
        self.work = Leased(store, f"projection {name}", self._round, lease=lease)
        self.work.start()

    @property
    def state(self) -> Any:
        """The last state that was saved, by whichever process."""
        return state(self._store, self.name, self._start)

    @property
    def position(self) -> int:
        """The sequence up to which the state is folded."""
        found = stored(self._store, self.name)
        return 0 if found is None or found["epoch"] != self._store.epoch else int(found["position"])

    @property
    def lag(self) -> int:
        """Events that are not in the state yet."""
        return max(0, self._store.head() - self.position)

    def rebuild(self) -> None:
        """Fold it again from the oldest event kept, in whichever process runs it."""
        request_rebuild(self._store, self.name)
        self.work.wake()

    def health(self) -> tuple[Health, str]:
        """How far it is, whichever process folds it."""
        failing = self.work.health()
        if failing is not None:
            return failing
        found = stored(self._store, self.name)
        if found is None:
            return Health.PASS, "not begun"
        made = found["next"]
        if made is not None:
            done, of = made["position"] - made["began"], max(1, made["target"] - made["began"])
            return Health.PASS, f"folded again: {min(99, 100 * done // of)}% of {of:,} events"
        lag = self.lag
        return (Health.WARN, f"{lag:,} events behind") if lag > LAG_WARNING else (Health.PASS, f"{lag:,} events behind")

    def stop(self) -> None:
        """End; another process may go on."""
        self.work.stop()

    def _round(self, work: Leased) -> float:
        while not work.is_stopped:
            found = self._found()
            position = (found["next"] or found)["position"]
            if found["next"] is None and self._store.wait(position, 0.5) <= position:
                return 0.0
            work.hold()
            self._advance(found)
        return 0.0

    def _found(self) -> Document:
        """The document, in the shape that the next stretch begins from."""
        found = stored(self._store, self.name)
        if found is None or found["epoch"] != self._store.epoch:
            return self._begun(new_id(), None)
        if found["next"] is None and (found["asked"] != found["made"] or found["version"] != self._version):
            return self._begun(found["asked"], found)
        if found["next"] is not None and found["next"]["made"] != found["asked"]:
            return self._begun(found["asked"], found)
        return found

    def _begun(self, asked: str, before: Document | None) -> Document:
        """A document that is to be folded from the oldest event on."""
        began = max(0, self._store.log_status().oldest - 1)
        fresh = {"position": began, "state": deepcopy(self._start), "missed": 0, "made": asked}
        if before is None:
            place = {"id": id_of(self.name), "epoch": self._store.epoch, "version": self._version, "asked": asked}
            return {**place, **fresh, "next": None}
        return {**before, "next": {**fresh, "began": began, "target": self._store.head()}}

    def _advance(self, found: Document) -> None:
        """Fold one stretch, and save it."""
        made: Document = dict(found["next"] or found)
        part = self._store.events(made["position"], SLICE, self._types)
        if part.gap is not None:
            made["missed"] += part.gap.last - part.gap.first + 1
            log.warning("a projection missed events that were pruned", name=self.name, first=part.gap.first)
        for event in part.events:
            made["state"] = self._fold(made["state"], event)
        made["position"] = part.position
        self._store.write(lambda tx: self._save(tx, found, made)).result()

    def _save(self, tx: Transaction, found: Document, made: Document) -> None:
        self.work.guard(tx)
        present = tx.get("meta", found["id"])
        asked = found["asked"] if present is None or present["epoch"] != found["epoch"] else present["asked"]
        if found["next"] is None:
            tx.put("meta", {**made, "asked": asked})
        elif made["position"] < made["target"]:
            tx.put("meta", {**found, "asked": asked, "next": made})
        else:  # it has caught up, and takes the place of the one before
            kept = {name: made[name] for name in ("position", "state", "missed", "made")}
            tx.put("meta", {**found, **kept, "asked": asked, "version": self._version, "next": None})


def id_of(name: str) -> str:
    """The id of a projection's document."""
    return f"projection/{name}"


def stored(store: Store, name: str) -> Document | None:
    """The document of a projection; None before it first ran."""
    return store.get("meta", id_of(name))


def state(store: Store, name: str, start: Any = None) -> Any:
    """The last state of a projection that was saved; `start` before it first ran."""
    found = stored(store, name)
    return start if found is None else found["state"]


def request_rebuild(store: Store, name: str) -> None:
    """Ask the process that runs a projection, now or later, to fold it again.

    Raises:
        NotFound: it never ran on this store.
    """

    def ask(tx: Transaction) -> None:
        found = tx.get("meta", id_of(name))
        if found is None:
            raise NotFound(f"no projection {name!r:.80}", field="name", hint="claudia.project(NAME, FOLD) makes one")
        tx.put("meta", {**found, "asked": new_id()})

    store.write(ask).result()

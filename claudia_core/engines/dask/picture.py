"""What a Dask scheduler works on, folded to what a person wants to see of it.

A computation (what one `compute`, `persist`, `map` or `submit` sent) is one part. Of a small one each task is a part
below it; of a large one the tasks of each prefix are, so that a hundred thousand tasks make a handful of parts. Tasks
that one client submits one by one join the computation of their name while that is open; where many small computations
of one name follow each other, they become one that stays open as long as more of them come.

It runs in the scheduler, where Claudia need not be installed: it needs nothing but Python.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from claudia_core.engines.dask.parts import DONE, DROPPED, FAILED, RUNNING, WAITING, Ids, Part, Tracked

MANY, WITHIN = 20, 10.0
"""So many computations of one name within so many seconds are told as one from then on."""

LINGER = 2.0
"""Seconds for which such a one stays open when all that it has is done."""

MOST_PARTS = 5_000
"""Parts that are remembered, ended ones first to go: an observer that was away for a moment misses nothing."""

type Key = Hashable


class Computation:
    """A part, what is below it, and who asked for it."""

    def __init__(self, part: Part, client: str, wanted: Iterable[Key]) -> None:
        self.part = part
        self.client = client
        self.wanted = set(wanted)
        self.below: dict[str, Part] = {}  # by prefix
        self.first: Key = None
        self.is_rolling = False
        self.idle_since = 0.0


class Picture:
    """The parts, each with the version of its last change.

    Args:
        each: up to so many tasks of a computation are parts of their own.
    """

    def __init__(self, each: int = 50) -> None:
        self.version = 0
        self.ids = Ids()
        self._each = each
        self._keys: dict[Key, Tracked] = {}
        self._parts: OrderedDict[str, Part] = OrderedDict()  # the last changed last
        self._computations: dict[str, Computation] = {}
        self._named: dict[tuple[str, str], Computation] = {}
        self._recent: dict[tuple[str, str], deque[float]] = {}
        self._rolling: dict[str, Computation] = {}

    # --- what happens -------------------------------------------------------------------------------------------

    def begin(
        self,
        client: str,
        keys: Mapping[Key, str],
        wanted: Iterable[Key],
        now: float,
        *,
        names: Iterable[str] = (),
        parent: str | None = None,
    ) -> None:
        """A client asks for tasks; `keys` are those that are not done yet, each with its prefix.

        `names` are what it is called after; by default the prefixes of what is wanted.
        """
        new = {key: prefix for key, prefix in keys.items() if key not in self._keys}
        if not new:
            return
        named = [*names] or [keys[key] for key in wanted if key in keys] or [*new.values()]
        computation = self._computation(client, _title(named), len(new), now, parent)
        computation.wanted.update(key for key in wanted if key in new)
        whole = computation.part
        before = whole.total
        whole.add(len(new))
        if before == 1:
            self._split(computation, now)
        is_single = whole.total == 1
        is_detailed = whole.total <= self._each and not computation.is_rolling
        for key, prefix in new.items():
            if is_single:
                whole.key, computation.first = str(key), key
                self._keys[key] = Tracked((whole,))
            elif is_detailed:
                self._track(key, computation, prefix, now)
            else:
                self._keys[key] = Tracked((self._group(computation, prefix, now), whole))
        if not is_single and not is_detailed and len(computation.below) == 1:
            self._lift(computation, new)
        for part in computation.below.values():
            self._touch(part)
        self._touch(whole)

    def _computation(self, client: str, name: str, number: int, now: float, parent: str | None) -> Computation:
        at = (client, name)
        known = self._named.get(at)
        if known is not None and known.part.ended is None and (number == 1 or known.is_rolling):
            return known
        recent = self._recent.setdefault(at, deque(maxlen=MANY))
        if len(self._recent) > MOST_PARTS:
            del self._recent[next(iter(self._recent))]
        is_rolling = len(recent) == MANY and now - recent[0] < WITHIN
        recent.append(now)
        made = Computation(self._part(name, parent, "computation", now), client, ())
        made.is_rolling = is_rolling
        self._computations[made.part.id] = self._named[at] = made
        if is_rolling:
            self._rolling[made.part.id] = made
        return made

    def _part(self, name: str, parent: str | None, kind: str, now: float, key: str = "") -> Part:
        return Part(self.ids.next(now), name, parent, kind, now, key)

    def _track(self, key: Key, computation: Computation, prefix: str, now: float) -> None:
        part = self._part(prefix, computation.part.id, "task", now, str(key))
        part.add()
        self._keys[key] = Tracked((part, computation.part))
        self._touch(part)

    def _split(self, computation: Computation, now: float) -> None:
        """What was a single task gets others beside it: from now on it is one below the computation."""
        tracked = self._keys.get(computation.first)
        whole = computation.part
        if tracked is None or computation.is_rolling:
            return
        part = self._part(whole.name, whole.id, "task", whole.made, whole.key)
        part.counts[tracked.state] = 1
        part.began, part.worker, part.workers = whole.began, whole.worker, set(whole.workers)
        part.errors, part.attempt = list(whole.errors), whole.attempt
        if not part.is_open:
            part.close(now)
        whole.key, tracked.parts = "", (part, whole)
        self._touch(part)

    def _group(self, computation: Computation, prefix: str, now: float) -> Part:
        part = computation.below.get(prefix)
        if part is None:
            part = computation.below[prefix] = self._part(prefix, computation.part.id, "group", now)
        part.add()
        return part

    def _lift(self, computation: Computation, new: Iterable[Key]) -> None:
        """Tasks of one prefix only need no group: the computation tells all of it."""
        computation.below.clear()
        for key in new:
            self._keys[key].parts = (computation.part,)

    def move(self, key: Key, state: int, now: float, worker: str = "", **more: Any) -> None:
        """A task changed its state. `more`: `error`, `traceback`, `reason`, `seconds`, `bytes`, `type`."""
        tracked = self._keys.get(key)
        if tracked is None or tracked.state == state:
            return
        before, tracked.state = tracked.state, state
        for part in tracked.parts:
            part.move(before, state, now, worker)
            part.seconds += more.get("seconds", 0.0)
            part.bytes += more.get("bytes", 0)
            part.type = more.get("type", part.type)
            if "error" in more:
                part.blame(more["error"], more.get("traceback", ""), str(key))
            part.reason = part.reason or more.get("reason", "")
            if not part.is_open and part.ended is None:
                self._close(part, now)
            self._touch(part)

    def _close(self, part: Part, now: float) -> None:
        computation = self._computations.get(part.id)
        if computation is not None and computation.is_rolling:
            computation.idle_since = now  # `tick` closes it
        else:
            part.close(now)

    def step(self, key: Key, steps: list[Any]) -> None:
        """A task tells how far it has come: current, total and message. In a group of many that is not told."""
        tracked = self._keys.get(key)
        if tracked is not None and tracked.state == RUNNING and tracked.parts[0].total == 1:
            tracked.parts[0].steps = steps
            self._touch(tracked.parts[0])

    def forget(self, key: Key, now: float) -> None:
        """The scheduler forgets a task; one that was not done is done by nobody."""
        tracked = self._keys.get(key)
        if tracked is None:
            return
        if tracked.state in (WAITING, RUNNING):
            self.move(key, DROPPED, now, reason="nobody wants it any more")
        del self._keys[key]

    def again(self, key: Key, now: float) -> None:
        """A task that was done or failed waits once more: its result was lost, or somebody asked for it again."""
        if key in self._keys and self._keys[key].state in (DONE, FAILED, DROPPED):
            for part in self._keys[key].parts:
                part.errors = []
            self.move(key, WAITING, now)

    def tick(self, now: float) -> None:
        """Close what is idle for long enough."""
        for id, computation in list(self._rolling.items()):
            part = computation.part
            if not part.is_open and now - computation.idle_since > LINGER:
                part.close(now)
                del self._rolling[id]
                self._touch(part)

    # --- what is asked ------------------------------------------------------------------------------------------

    def is_running(self, key: Key) -> bool:
        """Whether a worker has it."""
        tracked = self._keys.get(key)
        return tracked is not None and tracked.state == RUNNING

    def state(self, key: Key) -> int | None:
        """The state of a task; None of one that is not counted."""
        tracked = self._keys.get(key)
        return None if tracked is None else tracked.state

    def wanted(self, id: str) -> tuple[str, list[Key]]:
        """Who asked for a computation or a single task, and the keys to cancel; none where it has ended."""
        computation = self._computations.get(id)
        if computation is not None:
            return computation.client, [key for key in computation.wanted if key in self._keys]
        keys = [key for key, tracked in self._keys.items() if tracked.parts[0].id == id]
        above = self._parts[id].parent if id in self._parts else None
        owner = self._computations.get(above or "")
        return ("", []) if owner is None else (owner.client, keys)

    def changes(self, after: int) -> list[dict[str, Any]]:
        """Parts that changed after a version, those above before those below; after -1, those that have not ended."""
        found = []
        for part in reversed(self._parts.values()):
            if part.version <= after:
                break
            if after >= 0 or part.ended is None:
                found.append(part)
        return [part.told() for part in sorted(found, key=lambda part: (part.kind != "computation", part.made))]

    def _touch(self, part: Part) -> None:
        self.version += 1
        part.version = self.version
        self._parts[part.id] = part
        self._parts.move_to_end(part.id)
        if len(self._parts) > MOST_PARTS:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        for id, part in self._parts.items():
            if part.ended is not None:
                del self._parts[id]
                computation = self._computations.pop(id, None)
                if computation is not None and self._named.get((computation.client, part.name)) is computation:
                    del self._named[computation.client, part.name]
                return


def _title(all_names: Iterable[str]) -> str:
    names = list(dict.fromkeys(all_names))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return (", ".join(names[:3]) + more) or "tasks"

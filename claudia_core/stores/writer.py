"""Group commit: one thread that gathers concurrent writes into shared commits. Every store has one."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from typing import Any, Protocol

from claudia_core.errors import StoreClosed, StoreError, StoreUnavailable, WaitTimeout
from claudia_core.logs import get_logger
from claudia_core.ports import Work
from claudia_core.stores.changes import Base, BatchTransaction, Changes

BATCH = 256
"""Most requests of one commit."""

FEW = 4
"""Requests of a commit from which on the next one waits for as many."""

GATHER = 0.000_1
"""Seconds to wait for each request that is expected."""

MAX_POSTS = 10_000
"""Most posts kept while the store is away; the oldest are dropped beyond, and counted."""

log = get_logger(__name__)

type Outcome = tuple[Callable[[Any], None], Any]
"""What tells a caller, and with which value."""


class LostRace(Exception):
    """A commit met another writer's, and nothing of it was saved: the batch runs again. `cause` says it in words."""

    def __init__(self, cause: StoreError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Backend(Protocol):
    """What the writer needs from a store: begin a commit, save it, or leave it.

    A store whose writers race raises `LostRace` from `begin`, `commit` or a read between them, for a while; then a
    StoreError.
    """

    def begin(self) -> tuple[Base, Changes]:
        """Take the write lock; returns committed state and an empty set of changes with the commit's time."""
        ...

    def commit(self, changes: Changes) -> None:
        """Save the changes durably and release the lock; raises a StoreError with nothing saved."""
        ...

    def abort(self) -> None:
        """Release the lock with nothing saved; also after `begin` or `commit` failed half-way. Never raises."""
        ...


class _Request:
    __slots__ = ("future", "key", "work")

    def __init__(self, work: Work[Any], future: Future[Any] | None, key: str | None) -> None:
        self.work = work
        self.future = future
        self.key = key


class Writer:
    """Runs requests in order on one thread, many to a commit.

    A request is run with its changes apart from the others', and merged when it succeeds: one that raises leaves no
    trace and does not disturb its neighbours.

    Args:
        backend: saves commits.
        name: of the thread.
        told: called after each commit that changed something, once its callers know: they are waited for.
        post_delay: seconds for which posts wait for others.
        retry_delay: seconds between two tries while the store is away.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        name: str,
        told: Callable[[], None] = lambda: None,
        post_delay: float = 0.05,
        retry_delay: float = 0.5,
    ) -> None:
        self._backend = backend
        self._told = told
        self._post_delay = post_delay
        self._retry_delay = retry_delay
        self._queue: deque[_Request] = deque()
        self._posts: dict[str, _Request] = {}
        self._ready = threading.Condition()
        self._urgent = False
        self._closed = False
        self._expected = 1
        self._pid = os.getpid()
        self._failing_since: float | None = None
        self.dropped_posts = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_failing(self) -> bool:
        """True while posts wait for a store that is away."""
        return self._failing_since is not None

    @property
    def waiting_posts(self) -> int:
        """How many posts have not been saved yet."""
        return len(self._posts)

    def write[T](self, work: Work[T]) -> Future[T]:
        """Queue a request; the future resolves after its commit."""
        future: Future[T] = Future()
        self._require_process()
        with self._ready:
            self._require_open()
            self._queue.append(_Request(work, future, None))
            if not self._urgent or len(self._queue) == self._expected:
                self._urgent = True
                self._ready.notify_all()
        return future

    def post(self, key: str, work: Work[object]) -> None:
        """Queue a request without a future, replacing a waiting one with the same key."""
        self._require_process()
        with self._ready:
            self._require_open()
            waiting = self._posts.get(key)
            if waiting is not None:
                waiting.work = work
                return
            if len(self._posts) >= MAX_POSTS:
                self._drop_oldest_post()
            request = self._posts[key] = _Request(work, None, key)
            self._queue.append(request)
            self._ready.notify_all()

    def flush(self, timeout: float) -> None:
        """Wait until all that was queued before is saved; a store that is away is tried again meanwhile."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                return self.write(_nothing).result(max(0.0, deadline - time.monotonic()))
            except (TimeoutError, StoreUnavailable) as error:
                if time.monotonic() + self._retry_delay >= deadline:
                    raise WaitTimeout(f"the store did not save everything within {timeout:g} s: {error}") from error
                time.sleep(self._retry_delay)

    def close(self, timeout: float = 30.0) -> None:
        """Save what is queued, then end the thread.

        Raises:
            WaitTimeout: it did not end within `timeout` seconds.
        """
        if self._pid != os.getpid():  # the thread, and whoever held the lock, stayed in the parent
            return
        with self._ready:
            if self._closed:
                return
            self._closed = True
            self._urgent = True
            self._ready.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)
            if self._thread.is_alive():
                raise WaitTimeout(f"the store did not save everything within {timeout:g} s", hint="see its log")

    def _require_open(self) -> None:
        if self._closed:
            raise StoreClosed("the store is closed", hint="make a new Claudia()")

    def _require_process(self) -> None:
        # Before the lock is taken: at the fork, a thread of the parent may have held it, and will never let go here.
        if self._pid != os.getpid():
            raise StoreClosed("the store was opened in the parent process", hint="make a new Claudia() after a fork")

    def _drop_oldest_post(self) -> None:
        key = next(iter(self._posts))
        self._queue.remove(self._posts.pop(key))
        self.dropped_posts += 1

    # --- the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            batch = self._next_batch()
            if batch:
                self._commit(batch)
            elif self._closed:
                return

    def _next_batch(self) -> list[_Request]:
        with self._ready:
            while not self._queue and not self._closed:
                self._ready.wait()
            if not self._urgent:
                self._ready.wait_for(lambda: self._urgent, self._post_delay)
            self._gather()
            batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            self._urgent = bool(self._queue) or self._closed
            for request in batch:
                if request.key is not None and self._posts.get(request.key) is request:
                    del self._posts[request.key]
        return batch

    def _gather(self) -> None:
        """Wait a moment for those who wrote in the last commit too: fewer, larger commits where many write at once."""
        if len(self._queue) < self._expected:
            self._ready.wait_for(lambda: len(self._queue) >= self._expected or self._closed, GATHER * self._expected)
        waiting = min(BATCH, len(self._queue))
        self._expected = waiting if waiting >= FEW else 1

    def _commit(self, batch: list[_Request]) -> None:
        try:
            outcomes, has_changed = self._won(batch)
        except StoreUnavailable as error:
            self._backend.abort()
            self._fail(batch, error)
            return
        except BaseException as error:  # noqa: BLE001 - the lock must go, and every caller must hear of it
            self._backend.abort()
            self._fail_or_part(batch, error)
            return
        self._failing_since = None
        for resolve, value in outcomes:
            _settle(resolve, value)
        if has_changed:
            self._told()

    def _won(self, batch: list[_Request]) -> tuple[list[Outcome], bool]:
        """What there is to settle once the batch is saved, in as many tries as the store allows; whether it changed."""
        while True:
            try:
                base, changes = self._backend.begin()
                outcomes = [self._attempt(request, base, changes) for request in batch]
                self._backend.commit(changes)
            except LostRace:
                self._backend.abort()
            else:
                return outcomes, bool(changes)

    def _attempt(self, request: _Request, base: Base, batch: Changes) -> Outcome:
        transaction = BatchTransaction(base, batch)
        future = request.future
        try:
            result = request.work(transaction)
        except (StoreUnavailable, LostRace):
            raise
        except BaseException as error:  # noqa: BLE001 - a request's own error is its caller's, not its neighbours'
            if future is None:
                log.warning("a post failed and was dropped", key=request.key, error=repr(error))
                return _nothing, None
            return future.set_exception, error
        batch.merge(transaction.changes)
        return (_nothing, None) if future is None else (future.set_result, result)

    def _fail_or_part(self, batch: list[_Request], error: BaseException) -> None:
        """What cannot be saved together is tried one by one, so that only what is wrong fails."""
        if len(batch) == 1:
            self._fail(batch, error)
            return
        for request in batch:
            self._commit([request])

    def _fail(self, batch: list[_Request], error: BaseException) -> None:
        """Tell the callers of writes; keep posts for another try when that can help."""
        posts = [request for request in batch if request.key is not None]
        kept = posts if isinstance(error, StoreUnavailable) and not self._closed else []
        if len(kept) < len(posts):
            self.dropped_posts += len(posts)
            log.warning("progress that waited was dropped", posts=len(posts), error=str(error))
        self._keep(kept, error)
        for request in batch:
            if request.future is not None:
                _settle(request.future.set_exception, error)
        if kept:
            self._pause()

    def _keep(self, posts: list[_Request], error: BaseException) -> None:
        """Put posts back to the front of the queue, unless a newer one with the same key came meanwhile."""
        with self._ready:
            old = {post.key: post for post in posts if post.key is not None and post.key not in self._posts}
            self._queue.extendleft(reversed(old.values()))
            self._posts = old | self._posts
            while len(self._posts) > MAX_POSTS:
                self._drop_oldest_post()
        if posts and self._failing_since is None:
            log.warning("the store is away; progress is kept in memory", error=str(error))
            self._failing_since = time.monotonic()

    def _pause(self) -> None:
        """Give the store time to come back; closing ends the pause."""
        with self._ready:
            self._ready.wait_for(lambda: self._closed, self._retry_delay)


def _nothing(_: object) -> None:
    """A request that changes nothing; also what there is to settle for a post."""


def _settle(resolve: Callable[[Any], None], value: Any) -> None:
    try:
        resolve(value)
    except InvalidStateError:  # the caller cancelled the future; its change is saved all the same
        return

"""Claudia: the composition root. The only module that knows every adapter."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import AsyncIterable, Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from typing import Any, Self, cast

from claudia_core.accounts import Accounts, Revisions
from claudia_core.address import is_elsewhere, open_cache, open_store, store_file
from claudia_core.boards import Boards
from claudia_core.bus import EventBus, Handler
from claudia_core.caches import Cache, cached
from claudia_core.capture.joining import join_errors
from claudia_core.capture.reporter import Reporter
from claudia_core.engines.results import results_folder, sweep
from claudia_core.errors import ClaudiaError, StoreClosed, StoreError, WaitTimeout
from claudia_core.feed import Feed
from claudia_core.integrations.sealing import Seals
from claudia_core.model.event import Event
from claudia_core.model.task import Task
from claudia_core.model.times import utc_now
from claudia_core.model.values import require_count
from claudia_core.outside import Outside
from claudia_core.ports import Retention, Store
from claudia_core.pulse import Duty, Pulse
from claudia_core.services.agents import Agents
from claudia_core.services.errors import Errors
from claudia_core.services.events import Events
from claudia_core.services.filters import Filters
from claudia_core.services.health import HealthChecks
from claudia_core.services.tasks.lateness import Lateness
from claudia_core.services.tasks.progress import ProgressService
from claudia_core.services.tasks.queues import Queues
from claudia_core.services.tasks.service import NewTask, Tasks
from claudia_core.settings import Settings, load_settings
from claudia_core.showing import show
from claudia_core.subscriptions import Subscription
from claudia_core.syncing import Syncing
from claudia_core.tracking.cancelled import PERIOD, Cancellations
from claudia_core.tracking.display import Silent, detect
from claudia_core.tracking.run import Run, current_run
from claudia_core.tracking.sampler import Sampler
from claudia_core.tracking.task import TaskBlock
from claudia_core.tracking.track import Tracked, length_of, require_source
from claudia_core.workplace import Workplace

LATENESS = 1.0
"""Seconds between two looks for tasks that are late."""


class Claudia(Accounts, Syncing, Workplace, Outside):
    """A hub: records tasks, their progress and their errors, and shows them to everyone on the same store.

    Args:
        url: where the store is: a file's path, `sqlite:///FILE` or `memory://`. By default `CLAUDIA_DATABASE_URL`, or
            else `./.claudia/claudia.db`. An `http://` address is a hub elsewhere: what is done here is told to it, and
            waits while it is away.
        api_key: the token of a hub elsewhere; by default `CLAUDIA_TOKEN`.
        store: a store that is open already, instead of `url`; `close()` closes it.
        settings: all settings, instead of those of the environment, `.env` and `claudia.toml`.
        values: single settings over the others, such as `display="off"`.

    Raises:
        SettingsError: a setting is unknown or malformed.
        StoreError: the store cannot be opened; the message says why and what to do.
    """

    store: Store
    feed: Feed
    health: HealthChecks
    errors: Errors
    tasks: Tasks
    progress: ProgressService
    events: Events
    agents: Agents
    filters: Filters
    queues: Queues

    def __init__(
        self,
        url: str | os.PathLike[str] | None = None,
        *,
        api_key: str | None = None,
        store: Store | None = None,
        settings: Settings | None = None,
        **values: Any,
    ) -> None:
        if url is not None:
            values["database_url"] = os.fspath(url)
        if api_key is not None:
            values["token"] = api_key
        self.settings = load_settings(**values) if settings is None else settings.changed(**values)
        self.bus = EventBus()
        self.revisions = Revisions()
        self._seals = Seals(self.settings, store_file(self.settings))
        self._is_elsewhere = store is None and is_elsewhere(self.settings)
        if self._is_elsewhere:
            self._work_elsewhere()
        else:
            self._work_here(open_store(self.settings) if store is None else store)
        self.boards = Boards(self.store, self.feed)
        self._reporter: Reporter = join_errors(self.errors, self.settings, self.store.url, self._at_work)
        self._pulse = Pulse()
        self._sampler = Sampler(detect() if self.settings.display == "auto" else Silent())
        self._cancellations = Cancellations(self.store, lambda: self._sampler.runs)
        self._is_followed = False
        self._subscriptions: list[Subscription] = []
        Syncing.__init__(self)
        Workplace.__init__(self)
        self._agent_id: str | None = None
        self._keeps_agent = True
        self._agent_name: str | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._pid = os.getpid()
        atexit.register(self.close)

    def _work_here(self, store: Store) -> None:
        self.store = store
        self.feed = Feed(store, self.bus)
        self.health = HealthChecks(store)
        self._serve(store)

    def _work_elsewhere(self) -> None:
        """Everything over HTTP; what that needs is loaded only now."""
        from claudia_core.clients.store import RemoteFeed, RemoteStore
        from claudia_core.clients.transport import Address

        token = self.settings.token
        address = Address.parse(self.settings.database_url, token.get_secret_value() if token else None)
        self.settings = self.settings.changed(database_url=address.base, token=address.token)
        remote = RemoteStore(address, lease=self.settings.lease)
        self.store = cast("Store", remote)  # the rest of a store is refused in words
        self.feed = RemoteFeed(remote, self.bus)
        self.health, self.errors, self.tasks = remote.health, remote.errors, remote.tasks
        self.progress, self.events, self.agents = remote.progress, remote.log, remote.agents
        self.filters = remote.filters

    def _require_here(self, what: str) -> None:
        if self._is_elsewhere:
            hint = "run it on the hub's machine, or name the hub's own store"
            raise StoreError(f"{what} takes the store itself, and this hub is elsewhere: {self.store.url}", hint=hint)

    def _serve(self, store: Store) -> None:
        """Make the services that change things."""
        self.acts_on = store
        joined = self.__dict__.get("errors")
        kept, most = self.settings.keep_occurrences, self.settings.errors_per_minute
        self.errors = Errors(store, keep=kept, per_minute=most) if joined is None else joined.over(store)
        self.tasks = Tasks(store)
        self.progress = ProgressService(store)
        self.events = Events(store)
        self.agents = Agents(store, lease=self.settings.lease)
        self.filters = Filters(store)
        self.queues = Queues(store)

    def over(self, store: Store) -> Self:
        """This hub with its changes made through `store`, such as one that checks something in each transaction."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)  # each change by the API makes one: `copy` takes four times as long
        other._serve(store)
        return other

    # --- work ---------------------------------------------------------------------------------------------------

    def track[T](
        self,
        iterable: Iterable[T] | AsyncIterable[T],
        name: str | None = None,
        *,
        total: float | None = None,
        parent: Task | Run | str | None = None,
        type: str = "loop",
        show: bool = True,
        **values: Any,
    ) -> Tracked[T]:
        """Loop over `iterable` as a task: `for row in claudia.track(rows, name="clean rows")`.

        Args:
            iterable: anything that `for` or `async for` takes.
            name: what people will read; made from the iterable's type when left out.
            total: how many items; asked of the iterable when left out, and unknown where it does not know.
            parent: the task this one belongs to; the surrounding `track` or `task` when left out.
            type: the task's type.
            show: whether a bar or widget is shown where the loop runs.
            values: other fields of `NewTask`, such as `tags`, `labels`, `unit`, `payload`.
        """
        require_source(iterable)
        known = length_of(iterable) if total is None else require_count(total, "total")
        new = NewTask(
            name=name or f"loop over {iterable.__class__.__name__}",
            type=type,
            estimated_steps=known,
            parent_id=_id_of(parent),
            **values,
        )
        return Tracked(self, iterable, new, show=show)

    def task(
        self,
        name: str,
        *,
        type: str = "task",
        estimated_steps: float | None = None,
        parent: Task | Run | str | None = None,
        show: bool = True,
        **values: Any,
    ) -> TaskBlock:
        """Run a block as a task: `with claudia.task("train", estimated_steps=10) as task`."""
        new = NewTask(name=name, type=type, estimated_steps=estimated_steps, parent_id=_id_of(parent), **values)
        return TaskBlock(self, new, show=show)

    @cached_property
    def tqdm(self) -> Any:
        """A drop-in subclass of `tqdm.tqdm` whose bars are tasks of this hub; see `integrations.tqdm`.

        Raises:
            MissingExtra: tqdm is not installed.
        """
        from claudia_core.integrations.tqdm import tqdm_for

        return tqdm_for(self)

    @cached_property
    def cache(self) -> Cache:
        """Values for a while: on the Redis of the settings, or in this process; see `caches`."""
        return open_cache(self.settings)

    def cached(self, key: str | Callable[..., str], ttl: float, **options: Any) -> Callable[..., Any]:
        """Keep a function's answers in this cache: `@claudia.cached("user:{id}", ttl=60)`; see `caches.cached`."""
        return cached(lambda: self.cache, key, ttl, **options)

    def current_task(self) -> Run | None:
        """The innermost tracked loop or task that the caller is in."""
        return current_run(self)

    def show(self, what: str | Task | Run = "overview", **options: Any) -> Any:
        """Show a page, a part or a task in a notebook's cell: `claudia.show("tasks", status="failed")`, `show(task)`.

        Returns nothing there; in a script the view is returned, for a Panel app to place it. `options` are the view's.

        Raises:
            MissingExtra: the pages are not installed.
            InvalidValue: there is no view of that name; the hint lists the names.
        """
        if isinstance(what, str):
            return show(self, what, options)
        return show(self, "task", {"task_id": what.id, **options})

    def _at_work(self) -> tuple[str | None, str | None]:
        """The ids of the task that the caller works on, and of this process's agent."""
        run = current_run(self)
        return (None if run is None else run.id), self._agent_id

    # --- what runs need (`tracking.run.Hub`) ----------------------------------------------------------------------

    def agent_id(self) -> str:
        """This process's agent: registered when first asked for, with a heartbeat from then on."""
        with self._lock:
            if self._closed:
                raise StoreClosed("this Claudia is closed", hint="make a new Claudia()")
            if self._agent_id is None:
                id = self._agent_id = self.agents.register(self._agent_name).id
                beat = self.settings.heartbeat
                self._pulse.add(Duty("heartbeat", beat, lambda: self._beat(id), first=beat))
                self.watch_agents()
            return self._agent_id

    def name_agent(self, name: str) -> None:
        """What this process's agent is called, once it is registered."""
        self._agent_name = name

    def work_as(self, agent_id: str) -> None:
        """What runs here from now on belongs to this agent, which somebody else registers and keeps alive."""
        with self._lock:
            self._agent_id, self._keeps_agent = agent_id, False

    @property
    def is_of_this_process(self) -> bool:
        """False in a process that was forked since this hub was opened: there it can do nothing but `reopen`."""
        return self._pid == os.getpid()

    def reopen(self) -> None:
        """Open this hub anew in a forked process. Handlers, subscriptions and runs stay with the parent.

        Raises:
            StoreError: the store cannot be opened.
        """
        if not self.is_of_this_process:
            settings, observers, handlers = self.settings, self._observers, self.handlers
            Claudia.__init__(self, settings=settings)
            self._observers, self.handlers = observers, handlers

    def _beat(self, id: str) -> None:
        working = self._working
        self.agents.heartbeat(id, None if working is None else working.vitals())

    def begun(self, run: Run) -> None:
        """Look at this run from now on; it is stopped when somebody cancels its task."""
        self._sampler.begun(run)
        if not self._is_followed:
            self._is_followed = True
            self._pulse.add(Duty("cancelled", PERIOD, self._cancellations.look, first=PERIOD), again=False)

    def ended(self, run: Run) -> None:
        """No more looks at this run."""
        self._sampler.ended(run)

    # --- events -------------------------------------------------------------------------------------------------

    def on(self, pattern: str, handler: Handler) -> Callable[[], None]:
        """Call `handler(event)` after every saved event whose type matches, such as `task:*`, from any process."""
        self.feed.start()
        return self.bus.on(pattern, handler)

    def once(self, pattern: str, handler: Handler) -> Callable[[], None]:
        """The same for the next matching event only."""
        self.feed.start()
        return self.bus.once(pattern, handler)

    def wait_for(self, pattern: str, timeout: float, accept: Callable[[Event], bool] | None = None) -> Event:
        """The next event that matches.

        Raises:
            WaitTimeout: none came within `timeout` seconds.
        """
        self.feed.start()
        return self.bus.wait_for(pattern, timeout, accept)

    def subscribe(self, name: str, handler: Handler, **options: Any) -> Subscription:
        """A named durable subscription; see `subscriptions.Subscription` for the options.

        Raises:
            StoreError: the hub is elsewhere.
        """
        self._require_here("a durable subscription")
        subscription = Subscription(self.store, name, handler, **options)
        self._subscriptions.append(subscription)
        return subscription

    # --- keep ---------------------------------------------------------------------------------------------------

    def watch_agents(self) -> None:
        """Find lost agents and late tasks from now on; what every process does that runs tasks or serves pages."""
        self._pulse.add(Duty("reap", self.settings.heartbeat, self.agents.watch))
        if not self._is_elsewhere:
            self._pulse.add(Duty("late", LATENESS, Lateness(self.store).look), again=False)

    def keep_pruned(self) -> None:
        """Prune the log every ten minutes, and reopen ignored issues in time, from now on; what the server does.

        Raises:
            StoreError: the hub is elsewhere.
        """
        self._require_here("serving a hub")
        self._pulse.add(Duty("prune", 600.0, self.prune, first=60.0))
        self._pulse.add(Duty("wake", 60.0, self.errors.wake))

    def prune(self) -> int:
        """Delete events, audit entries and files of results that the settings do not keep; returns how many events."""
        settings = self.settings
        self.audit.prune(utc_now() - timedelta(days=settings.audit_days))
        self.webhooks.prune(utc_now() - timedelta(days=settings.keep_days))
        self.notifications.notices.prune(utc_now() - timedelta(days=settings.keep_days))
        self.notifications.dispatches.prune(utc_now() - timedelta(days=settings.keep_days))
        self.hooks.prune()
        self.agents.prune(utc_now() - timedelta(days=settings.keep_days))
        kept = None if settings.keep_results_days is None else timedelta(days=settings.keep_results_days)
        folder = results_folder(settings.results, settings.database_url)
        sweep(folder, self.store, keep=kept)
        return self.store.prune(Retention(age=timedelta(days=settings.keep_days), bytes=settings.keep_bytes))

    def flush(self, timeout: float = 30.0) -> None:
        """Wait until everything noted so far is saved.

        Raises:
            WaitTimeout: it was not within `timeout` seconds.
        """
        until = time.monotonic() + timeout
        if not self._reporter.flush(timeout):
            raise WaitTimeout(f"captured errors were not told within {timeout:g} seconds")
        self.store.flush(max(0.1, until - time.monotonic()))

    def close(self) -> None:
        """End what runs here (open runs count as cancelled), save what waits, let go of everything."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        atexit.unregister(self.close)
        if os.getpid() != self._pid:  # a fork: all of this is the parent's
            return
        for observer in self._observers:
            observer.stop()
        with suppress(ClaudiaError):
            if self._working is not None:
                self._working.stop(self.settings.shutdown_timeout)
        for run in reversed(self._sampler.runs):  # the inner ones first: a parent takes its children along
            run.abandon("the hub was closed while this was running")
        self._sampler.stop()
        self._pulse.stop()
        self._leave_outside()
        self._end_going()
        for subscription in self._subscriptions:
            subscription.stop()
        self.feed.stop()
        self._reporter.stop(self.settings.shutdown_timeout)
        with suppress(ClaudiaError, TimeoutError):
            if self._agent_id is not None and self._keeps_agent:
                self.agents.leave(self._agent_id)
            self.flush(self.settings.shutdown_timeout)
        self.store.close()
        if "cache" in self.__dict__:
            self.cache.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Claudia({self.store.url!r})"


def _id_of(parent: Task | Run | str | None) -> str | None:
    return parent if parent is None or isinstance(parent, str) else parent.id

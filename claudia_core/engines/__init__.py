"""Where tasks run: handlers, the agent that takes tasks for them, and the engines that run them."""

from claudia_core.engines.handlers import Handler, Handlers
from claudia_core.engines.observing import Observer, observer_of
from claudia_core.engines.port import Engine, Job, Outcome

__all__ = ["Engine", "Handler", "Handlers", "Job", "Observer", "Outcome", "observer_of"]

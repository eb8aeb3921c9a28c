"""All services elsewhere that a process calls, by name."""

from __future__ import annotations

import threading
from typing import Any

from claudia_core.capture.scrubbing import Scrubber
from claudia_core.errors import InvalidValue
from claudia_core.model.values import require_text
from claudia_core.resilience.debugger import Debugger
from claudia_core.resilience.integration import Circuits, Guards, Integration
from claudia_core.resilience.metrics import Figures


class Integrations:
    """Makes integrations when they are first asked for, and keeps them; they share one debugger.

    `circuits` makes the state of a circuit that other processes share.
    """

    def __init__(
        self, scrubber: Scrubber | None = None, *, debug: bool = False, circuits: Circuits | None = None
    ) -> None:
        self.debugger = Debugger(scrubber, always=debug)
        self._circuits = circuits
        self._made: dict[str, Integration] = {}
        self._lock = threading.Lock()

    def get(self, name: str, **guards: Any) -> Integration:
        """The integration of that name; `guards` (see `Guards`) hold from when it is first asked for.

        Raises:
            InvalidValue: the name is no text of at most 100 characters, or the guards differ from the first ones.
        """
        found = self._made.get(name)
        if found is not None and not guards:
            return found
        with self._lock:
            found = self._made.get(name)
            if found is None:
                made = Integration(require_text(name, "name", 100), Guards(**guards), self.debugger, self._circuits)
                return self._made.setdefault(name, made)
        if Guards(**guards) != found.guards:
            raise InvalidValue(f"{name} has other guards already: {found.guards}", field="name", hint="leave them out")
        return found

    def all(self) -> list[Integration]:
        """All that were asked for, by name."""
        with self._lock:
            return [self._made[name] for name in sorted(self._made)]

    def figures(self) -> list[Figures]:
        """How calls to each of them went, by name."""
        return [integration.figures for integration in self.all()]

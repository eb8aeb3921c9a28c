"""A process with several agents that take tasks and complete them: `python -m tests.engines.claimer DATABASE AGENTS`.

It prints the id of each task that one of them has taken.
"""

import sys
import threading

from claudia_core.app import Claudia
from claudia_core.services.agents import Agents
from claudia_core.services.tasks.claims import Claims, Settlement, Terms
from claudia_core.services.tasks.moves import completing
from claudia_core.settings import default_settings


def take_all(hub: Claudia, taken: list[str]) -> None:
    """Take and complete tasks, five at a time, until there are none."""
    agent = Agents(hub.store, lease=600).register()
    settlements: list[Settlement] = []
    while True:
        turn = Claims(hub.store).turn(agent.id, {"x": Terms()}, 5, settlements)
        taken += [task.id for task in turn.taken]
        settlements = [Settlement(task.id, task.claim, completing(task.id)) for task in turn.taken]
        if not settlements:
            return


def main(database: str, agents: int) -> None:
    """Say that it is ready, wait for a line, then take all there is."""
    taken: list[str] = []
    with Claudia(settings=default_settings(database_url=database, display="off")) as hub:
        print("ready", flush=True)  # noqa: T201 - it is how the test hears of it
        sys.stdin.readline()
        threads = [threading.Thread(target=take_all, args=(hub, taken)) for _ in range(agents)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print("\n".join(taken))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

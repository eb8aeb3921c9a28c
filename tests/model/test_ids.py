"""Ids sort by the time they were made."""

import threading
import time
import uuid

import pytest

from claudia_core.errors import InvalidValue
from claudia_core.model.ids import new_id, require_id


def test_they_are_uuids_of_version_7():
    """With the present moment in their first 48 bits."""
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(new_id())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before <= (made.int >> 80) <= time.time_ns() // 1_000_000 + 1


def test_they_never_go_back():
    """Also when many are made within a millisecond, by several threads."""
    made: list[list[str]] = []

    def make():
        mine = [new_id() for _ in range(5_000)]
        made.append(mine)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len({id for mine in made for id in mine}) == 20_000
    assert all(mine == sorted(mine) for mine in made)


def test_given_ids():
    """Any UUID, in lower case; nothing else."""
    given = uuid.uuid4()
    assert require_id(str(given).upper()) == require_id(given) == str(given)
    for bad in ("", "x", f"{{{given}}}", f"urn:uuid:{given}", given.hex, given.int, None, "g" * 36, str(given) + "0"):
        with pytest.raises(InvalidValue, match="parent_id is not a UUID"):
            require_id(bad, "parent_id")

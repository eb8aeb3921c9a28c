"""Saved filters: named, listed, renamed, deleted; shared through the store."""

import pytest

from claudia_core.errors import Conflict, InvalidValue, NotFound, TooLarge

FAILED = {"status": "failed", "since": "1h"}


def test_the_life_of_a_filter(claudia):
    """Saved, listed by name, renamed and deleted, each with its event."""
    night = claudia.filters.save("  Night   loads ", {"tag": "nightly"})
    broken = claudia.filters.save("broken", FAILED)
    assert [(saved.name, saved.query) for saved in claudia.filters.list()] == [
        ("broken", FAILED),
        ("Night loads", {"tag": "nightly"}),
    ]
    assert claudia.filters.rename(broken.id, "Zebra").query == FAILED
    assert [saved.name for saved in claudia.filters.list()] == ["Night loads", "Zebra"]
    claudia.filters.delete(night.id)
    assert [saved.id for saved in claudia.filters.list()] == [broken.id]
    told = claudia.store.events(0, types=("filter:saved", "filter:deleted")).events
    assert [event.type.partition(":")[2] for event in told] == ["saved", "saved", "saved", "deleted"]


def test_a_name_is_used_once(claudia):
    """Case does not matter; a filter may keep its own name in other letters."""
    saved = claudia.filters.save("Broken", FAILED)
    other = claudia.filters.save("other", FAILED)
    with pytest.raises(Conflict, match="broken"):
        claudia.filters.save("broken", {})
    with pytest.raises(Conflict):
        claudia.filters.rename(other.id, "BROKEN")
    assert claudia.filters.rename(saved.id, "BROKEN").name == "BROKEN"


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, 5, "a\x00b"])
def test_names_that_cannot_be(claudia, name):
    """Refused by field, and nothing is saved."""
    with pytest.raises(InvalidValue) as caught:
        claudia.filters.save(name, FAILED)
    assert caught.value.field == "name"
    assert claudia.filters.list() == []


@pytest.mark.parametrize("query", [None, {"a": 5}, {"a": "x" * 501}, {str(n): "x" for n in range(21)}])
def test_queries_that_cannot_be(claudia, query):
    """Refused by field."""
    with pytest.raises(InvalidValue) as caught:
        claudia.filters.save("name", query)
    assert caught.value.field.startswith("query")


def test_what_is_not_there(claudia):
    """A clear error, for renaming and deleting."""
    for ask in (lambda: claudia.filters.rename("none", "x"), lambda: claudia.filters.delete("none")):
        with pytest.raises(NotFound, match="none"):
            ask()


def test_there_is_a_limit(claudia):
    """200 filters are many for a list that people read."""
    for number in range(200):
        claudia.filters.save(f"filter {number}", {})
    with pytest.raises(TooLarge, match="200"):
        claudia.filters.save("one more", {})

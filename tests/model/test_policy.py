"""When a task is tried again."""

import pytest

from claudia_core.errors import InvalidValue
from claudia_core.model.policy import RetryPolicy


def test_waits_grow_to_the_longest():
    """The first is `delay`, each further one `factor` times as long; none is beyond `longest`, however many."""
    policy = RetryPolicy(delay=2, factor=3, longest=50, jitter=0)
    assert [policy.wait(attempt) for attempt in (1, 2, 3, 4, 1_000)] == [2, 6, 18, 50, 50]
    assert RetryPolicy(delay=0, factor=100).wait(1_000) == 0


def test_jitter_spreads_them():
    """Each wait is longer by up to that part of it, so that what failed together does not come back together."""
    policy = RetryPolicy(delay=10, jitter=0.5)
    assert [policy.wait(1, chance) for chance in (lambda: 0.0, lambda: 0.5, lambda: 1.0)] == [10, 12.5, 15]
    waits = {policy.wait(1) for _ in range(50)}
    assert len(waits) > 40
    assert min(waits) >= 10
    assert max(waits) <= 15


def test_what_was_saved_before_has_the_default():
    """A policy in a store from before there was jitter is read."""
    assert RetryPolicy.from_document({"delay": 1.0, "factor": 2.0, "longest": 9.0, "lost": "fail"}).jitter == 0.2


@pytest.mark.parametrize("jitter", [-0.1, 1.1, float("nan")])
def test_what_is_no_jitter(jitter):
    """It is a part, from 0 to 1."""
    with pytest.raises(InvalidValue) as refusal:
        RetryPolicy(jitter=jitter).checked()
    assert refusal.value.field == "jitter"

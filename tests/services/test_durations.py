"""How long tasks took, told from counts by range."""

import math
import random
from collections import Counter

import pytest

from claudia_core.services import durations


@pytest.mark.parametrize("seconds", [0.0, 0.0009, 0.001, 0.0011, 0.5, 1.0, 59.9, 3_600.0, 86_400.0, 1e9])
def test_every_duration_has_a_range(seconds):
    """From nothing to years, and a longer one never lies in a lower range."""
    place = durations.place(seconds)
    assert 0 <= place < durations.RANGES
    assert place >= durations.place(seconds / 2)


@pytest.mark.parametrize("share", [0.5, 0.95])
@pytest.mark.parametrize("mean", [0.02, 5.0, 4_000.0])
def test_percentiles_are_near_the_exact_ones(share, mean):
    """Within a quarter of an octave of the exact percentile, whatever the scale."""
    chance = random.Random(4)
    lasted = sorted(chance.lognormvariate(math.log(mean), 1.2) for _ in range(2_000))
    exact = lasted[math.ceil(share * len(lasted)) - 1]
    found = durations.percentile(Counter(map(durations.place, lasted)), share)
    assert exact / 2**0.25 < found < exact * 2**0.25


def test_nothing_has_no_percentile():
    """None, not zero, where nothing was counted."""
    assert durations.percentile({}, 0.5) is None


def test_one_task_tells_its_own_duration():
    """A single task of 10 s is not told as 1 s or 100 s."""
    assert durations.percentile({durations.place(10.0): 1}, 0.95) == pytest.approx(10.0, rel=0.19)

"""Figures of calls: percentiles, counts, and what is forgotten."""

import threading

import pytest

from claudia_core.resilience.metrics import WINDOW, Histogram, Metrics


def test_percentiles_are_right_to_five_percent() -> None:
    """Latencies from 1 ms to 1 s: each percentile is at most 5% over the true one, and not a sum of all."""
    histogram = Histogram()
    for milliseconds in range(1, 1_001):
        histogram.add(milliseconds / 1_000)
    for percent in (50, 95, 99):
        found = histogram.percentile(percent)
        assert found is not None
        assert percent / 100 <= found <= percent / 100 * 1.05
    assert histogram.percentile(100) == 1.0
    assert Histogram().percentile(50) is None


def test_extremes_have_a_place() -> None:
    """Nothing and hours are counted, too."""
    histogram = Histogram()
    histogram.add(0.0)
    histogram.add(7_200.0)
    assert histogram.percentile(99) == 7_200
    assert histogram.percentile(10) == pytest.approx(1e-5)


def test_counts_and_last_error() -> None:
    """Successes, errors and calls under way are counted apart; the last error is kept with its time."""
    metrics = Metrics("github")
    for error in (None, "OSError: one", "OSError: two", None):
        metrics.begun()
        metrics.ended(0.1, error)
    metrics.begun()
    metrics.refused()
    figures = metrics.figures()
    assert (figures.successes, figures.errors, figures.refused, figures.in_flight) == (2, 2, 1, 1)
    assert figures.last_error == "OSError: two"
    assert figures.to_document()["last_error_at"] is not None


def test_percentiles_look_back_ten_minutes_at_most() -> None:
    """An old slow hour does not colour today's figures."""
    now = [0.0]
    metrics = Metrics("github", now=lambda: now[0])
    metrics.begun()
    metrics.ended(60.0)
    now[0] = WINDOW + 1
    metrics.begun()
    metrics.ended(0.01)
    assert metrics.figures().p99 == pytest.approx(60, rel=0.05)
    now[0] += WINDOW
    assert metrics.figures().p99 == pytest.approx(0.01, rel=0.05)
    now[0] += 5 * WINDOW
    assert metrics.figures().p99 is None
    assert metrics.figures().successes == 2


def test_threads_lose_no_count() -> None:
    """Eight threads at once: every call is counted."""
    metrics = Metrics("github")

    def work() -> None:
        for _ in range(2_000):
            metrics.begun()
            metrics.ended(0.001)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (metrics.figures().successes, metrics.figures().in_flight) == (16_000, 0)

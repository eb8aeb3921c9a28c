"""The throughput of a board is read seldom, but nothing stays uncounted."""

from claudia_core.testing.waiting import eventually


def test_the_last_of_a_burst_is_counted_without_another_event(claudia):
    """Several tasks end within the pause between two reads; the picture holds all of them soon after."""
    board = claudia.boards.tasks
    for _ in range(3):
        claudia.tasks.complete(claudia.tasks.create("short", start=True).id)
    claudia.feed.wait_until(claudia.store.head())
    eventually(lambda: sum(minute.completed for minute in board.picture().minutes) == 3, timeout=5)

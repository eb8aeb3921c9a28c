"""Health and webhooks of a hub elsewhere: the same values by the same methods."""

import pytest

from claudia_core.errors import InvalidValue, NotFound, StoreError
from claudia_core.model.delivery import DeliveryStatus


def test_health_from_elsewhere(served, remote):
    """How checks stand, run by request, their past by day and hour; checks of one's own are refused."""
    served.hub.health.register("queue", lambda: (False, "gone"), after=["store"])
    ran = remote.health.run()
    assert (ran["queue"].status, ran["store"].status) == ("fail", "pass")
    here, there = served.hub.health.standings(), remote.health.standings()
    names = ("name", "status", "output", "at", "since", "failed_at", "failure", "every", "after", "silenced_by")
    for name in (*names, "is_here"):
        assert [getattr(one, name) for one in there] == [getattr(one, name) for one in here], name
    assert remote.health.days(["queue", "store"], 7).keys() == {"queue", "store"}
    (day,) = remote.health.days(["queue"])["queue"]
    assert (day.failed, day.availability) == (1, 0.0)
    (hour,) = remote.health.history("queue", days=1, width=3_600)
    assert (hour.failed, hour.mean_seconds) == (
        1,
        pytest.approx(served.hub.health.history("queue")[0].mean_seconds, abs=1e-5),
    )
    with pytest.raises(NotFound, match="runs no check"):
        remote.health.run("nothing")
    with pytest.raises(InvalidValue, match="hours or days"):
        remote.health.history("queue", width=7_200)


def test_webhooks_from_elsewhere(served, remote):
    """Made, changed, tested, looked at and sent again; secrets are shown once, and values of headers never."""
    made, secret = remote.webhooks.create("https://ci.example/", ["task:*"], name="CI", headers={"X-Key": "k"})
    assert secret.startswith("whsec_")
    (found,) = remote.webhooks.list()
    assert found == remote.webhooks.get(made.id)
    assert (found.secrets, found.headers) == ((), {"X-Key": ""})
    delivery = remote.webhooks.test(made.id)
    assert remote.webhooks.delivery(delivery.id) == served.hub.webhooks.delivery(delivery.id)
    page = remote.webhooks.deliveries(made.id, status=DeliveryStatus.PENDING, limit=1)
    assert [one.id for one in page.deliveries] == [delivery.id]
    failed = served.hub.store.get("deliveries", delivery.id) | {
        "status": "failed",
        "finished_at": "2026-01-01T00:00:00Z",
    }
    served.hub.store.write(lambda tx: tx.put("deliveries", failed)).result()
    assert remote.webhooks.redrive_failed(made.id) == 1
    assert remote.webhooks.redrive(delivery.id).status is DeliveryStatus.PENDING
    assert not remote.webhooks.update(made.id, active=False).active
    _, other = remote.webhooks.rotate(made.id, hours=1)
    assert other != secret
    remote.webhooks.delete(made.id)
    assert served.hub.webhooks.list() == []
    with pytest.raises(StoreError, match="itself"):
        remote.webhooks.prune(made.created_at)

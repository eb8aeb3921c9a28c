"""Who asks: scopes that include each other, refusals in words, and how an identity travels."""

import pytest

from claudia_core.errors import AccessDenied, InvalidValue, Unauthenticated
from claudia_core.model.identity import ANONYMOUS, Identity, Kind, Scope, acting_as, current, require_scope


def with_scope(*scopes: Scope) -> Identity:
    return Identity(Kind.USER, "1", "ann", frozenset(scopes))


@pytest.mark.parametrize("has", Scope)
@pytest.mark.parametrize("needed", Scope)
def test_a_scope_includes_the_ones_before_it(has, needed):
    """viewer < operator < admin, for scopes and for those who have them."""
    order = ["viewer", "operator", "admin"]
    expected = order.index(has) >= order.index(needed)
    assert has.includes(needed) is expected
    assert with_scope(has).may(needed) is expected


def test_the_highest_scope_counts():
    """Several scopes are worth their highest; none is worth nothing."""
    assert with_scope(Scope.VIEWER, Scope.OPERATOR).scope is Scope.OPERATOR
    assert with_scope().scope is None
    assert not with_scope().may(Scope.VIEWER)


def test_a_refusal_says_what_is_missing():
    """Strangers are asked to sign in; others hear which scope it takes and which they have."""
    with pytest.raises(Unauthenticated, match="signed in"):
        ANONYMOUS.require(Scope.VIEWER)
    with pytest.raises(AccessDenied, match="takes the scope admin, and ann has viewer") as caught:
        with_scope(Scope.VIEWER).require(Scope.ADMIN)
    assert caught.value.code == "access_denied"


def test_an_unknown_scope_is_refused():
    """The hint lists the scopes."""
    with pytest.raises(InvalidValue, match="viewer, operator, admin"):
        require_scope("root")


def test_the_present_identity_ends_with_its_block():
    """Outside of any request it is whoever runs the process, who may do everything."""
    with acting_as(ANONYMOUS):
        assert current() is ANONYMOUS
    assert current().kind is Kind.LOCAL
    assert current().may(Scope.ADMIN)

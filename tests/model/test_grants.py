"""Rules for those who sign in elsewhere: nobody gets in without one."""

import pytest

from claudia_core.errors import InvalidValue
from claudia_core.model.grants import granted, parse_grants
from claudia_core.model.identity import Scope

RULES = parse_grants("""
    github:group:acme=viewer, github:id:583231=admin
    google:domain:Example.org=operator, oidc:email:Ada@Example.org=admin, oidc:anybody=viewer
""")
ACME = [("id", "1"), ("user", "octocat"), ("group", "acme"), ("email", "")]


def test_the_highest_scope_that_fits_counts():
    """Also when a lower one comes first."""
    assert granted(RULES, "github", ACME) is Scope.VIEWER
    assert granted(RULES, "github", [*ACME, ("id", "583231")]) is Scope.ADMIN


def test_nobody_without_a_rule():
    """No rules, no fitting rule, and values that are empty or of another kind give nothing."""
    assert granted((), "github", ACME) is None
    assert granted(RULES, "github", [("user", "acme"), ("id", "5832310"), ("group", "Acme"), ("group", "")]) is None
    assert granted(RULES, "google", [("domain", "evil.example.org"), ("email", "x@example.org")]) is None


def test_a_rule_is_for_one_provider():
    """Who is `acme` at another provider is somebody else."""
    assert granted(RULES, "google", ACME) is None


def test_case_matters_for_ids_and_groups_alone():
    """Names, addresses and domains are compared as people read them."""
    assert granted(RULES, "google", [("domain", "EXAMPLE.ORG")]) is Scope.OPERATOR
    assert granted(RULES, "oidc", [("email", "ada@example.org")]) is Scope.ADMIN


def test_anybody_is_anybody_of_that_provider():
    """An explicit word, so that an empty value cannot mean it."""
    assert granted(RULES, "oidc", []) is Scope.VIEWER


@pytest.mark.parametrize(
    "rule",
    [
        "x",
        "github:user:=viewer",
        "github:user=viewer",
        "gitlab:user:a=viewer",
        "github:name:a=viewer",
        "github:user:a=root",
        "github:user:a",
        "oidc:anybody:all=viewer",
        "=viewer",
        "*=admin",
    ],
)
def test_what_is_no_rule_is_refused(rule):
    """A typing error must not open or close a door in silence."""
    with pytest.raises(InvalidValue):
        parse_grants(f"github:user:a=viewer, {rule}")

"""schemathesis reads the OpenAPI document and tries to prove it wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from claudia_core import Claudia
from claudia_core.api.contract.operations import OPERATIONS
from tests.api.rest.conftest import api_of

TRIES = int(os.environ.get("SCHEMATHESIS_TRIES", "8"))
"""Requests for each operation and mode; more by the environment, for a longer hunt."""


def refused_for_a_reason(context: object, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """Instead of `positive_data_acceptance`: what the schema allows is taken, or refused by a rule that it cannot say.

    Such rules (control characters, cursors of another log, keys used before, words of a kind) name the field; a body
    that the schema allows is never unreadable, too large or of a wrong form as a whole.
    """
    if case.meta is None or case.meta.generation.mode.is_negative or response.status_code < 400:
        return
    problem = response.json()
    assert response.status_code in (404, 409, 412, 422), problem
    if response.status_code == 422:
        assert problem["code"] in ("invalid_value", "bad_cursor", "idempotency_conflict"), problem
        assert problem["field"], problem


CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
    refused_for_a_reason,
]


@pytest.fixture(scope="module")
def operations() -> Iterator[dict[str, schemathesis.APIOperation]]:
    """What the document describes, by name."""
    with Claudia("memory://", display="off") as hub:
        parent = hub.tasks.create("begun", start=True)
        hub.tasks.create("part", parent_id=parent.id)
        schema = schemathesis.openapi.from_asgi("/api/openapi.json", api_of(hub))
        schema.raw_schema.pop("security")  # the guard stands outside of what is tested here
        schema.config.checks.negative_data_rejection.expected_statuses = ["400", "404", "413", "415", "422"]
        found = [result.ok() for result in schema.get_all_operations()]
        yield {operation.definition.raw["operationId"]: operation for operation in found}


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize("name", [*OPERATIONS, "health"])
def test_no_request_finds_a_contradiction(
    name: str, mode: schemathesis.GenerationMode, operations: dict[str, schemathesis.APIOperation]
) -> None:
    """No 5xx; no status, header, type or body that is not described; nothing described as wrong is taken."""

    @seed(4)
    @settings(
        max_examples=TRIES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operations[name].as_strategy(mode))
    def attack(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS)

    try:
        attack()
    except Unsatisfiable:
        assert mode is schemathesis.GenerationMode.NEGATIVE, "only what takes nothing cannot be asked wrongly"

"""Every error that leaves has a `code`: ours bring theirs, GraphQL's own get one here, and others are hidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from graphql import GraphQLError
from strawberry.extensions import SchemaExtension

from claudia_core.errors import ClaudiaError, InvalidValue, TooLarge
from claudia_core.logs import get_logger

log = get_logger(__name__)

INTERNAL = "internal_error"
HIDDEN = "an internal error; the hub's log says what happened"
LIMITS = ("over the limit of", "tokens. Parsing aborted", "nested too deeply")
"""How the messages of limits read: ours, and those of GraphQL's parser."""


class Codes(SchemaExtension):
    """Gives codes to errors that have none."""

    def on_operation(self) -> Iterator[None]:
        """After everything else."""
        yield
        complete(getattr(self.execution_context.result, "errors", None) or self.execution_context.pre_execution_errors)

    def on_stream_result(self, result: object) -> Iterator[None]:
        """Before each message of a subscription."""
        complete(getattr(result, "errors", None))
        yield


def of_error(error: ClaudiaError) -> GraphQLError:
    """An error of ours as GraphQL's."""
    extensions = {"code": error.code, "field": error.field, "hint": error.hint, "retryable": error.retryable}
    return GraphQLError(error.message, extensions=extensions)


@contextmanager
def coded() -> Iterator[None]:
    """Errors leave as GraphQL errors with the `code`, `field` and `hint` of Claudia's; nothing else of them leaves."""
    try:
        yield
    except ClaudiaError as error:
        raise of_error(error) from error
    except GraphQLError:
        raise
    except Exception as error:
        log.exception("a GraphQL resolver failed")
        raise GraphQLError(HIDDEN, extensions={"code": INTERNAL}) from error


def complete(errors: Iterable[GraphQLError] | None) -> None:
    """Put a code on every error, and hide what was not meant to be seen."""
    for error in errors or ():
        if error.extensions and "code" in error.extensions:
            continue
        error.extensions = {"code": code_of(error)}
        if error.extensions["code"] == INTERNAL:
            log.error("a GraphQL request failed", error=repr(error.original_error))
            error.message = HIDDEN


def code_of(error: GraphQLError) -> str:
    """The code of an error that brought none."""
    if isinstance(error.original_error, GraphQLError | None):
        is_limit = any(words in error.message for words in LIMITS)
        return TooLarge.code if is_limit else InvalidValue.code
    return INTERNAL

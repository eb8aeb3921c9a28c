"""Errors on the wire: one table from a code to a gRPC status, and rich details (google.rpc) with field and hint."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from grpc import StatusCode as Code
from grpc_status import rpc_status

from claudia_core.errors import ClaudiaError, InvalidValue
from claudia_core.logs import get_logger

log = get_logger(__name__)

DOMAIN = "claudia"
INTERNAL = "internal_error"
LONGEST = 1_000
"""Most characters of a message: details travel in a header, which clients bound to 8 kB."""


STATUSES: Mapping[str, Code] = {
    "error": Code.UNKNOWN,
    "invalid_value": Code.INVALID_ARGUMENT,
    "payload_invalid": Code.INVALID_ARGUMENT,
    "too_large": Code.INVALID_ARGUMENT,
    "bad_cursor": Code.INVALID_ARGUMENT,
    "malformed": Code.INVALID_ARGUMENT,
    "not_found": Code.NOT_FOUND,
    "task_not_found": Code.NOT_FOUND,
    "conflict": Code.FAILED_PRECONDITION,
    "illegal_transition": Code.FAILED_PRECONDITION,
    "stale_claim": Code.ABORTED,
    "precondition_failed": Code.FAILED_PRECONDITION,
    "idempotency_conflict": Code.FAILED_PRECONDITION,
    "idempotency_busy": Code.ABORTED,
    "store_error": Code.INTERNAL,
    "store_unavailable": Code.UNAVAILABLE,
    "store_busy": Code.UNAVAILABLE,
    "store_full": Code.RESOURCE_EXHAUSTED,
    "store_read_only": Code.FAILED_PRECONDITION,
    "store_foreign": Code.FAILED_PRECONDITION,
    "store_too_new": Code.FAILED_PRECONDITION,
    "store_damaged": Code.DATA_LOSS,
    "store_closed": Code.UNAVAILABLE,
    "task_cancelled": Code.ABORTED,
    "wait_timeout": Code.DEADLINE_EXCEEDED,
    "settings_error": Code.FAILED_PRECONDITION,
    "no_secret_keys": Code.FAILED_PRECONDITION,
    "missing_extra": Code.UNIMPLEMENTED,
    "access_denied": Code.PERMISSION_DENIED,
    "provider_refused": Code.PERMISSION_DENIED,
    "provider_unavailable": Code.UNAVAILABLE,
    "unauthenticated": Code.UNAUTHENTICATED,
    "signature_invalid": Code.UNAUTHENTICATED,
    "token_expired": Code.UNAUTHENTICATED,
    "token_invalid": Code.UNAUTHENTICATED,
    "address_refused": Code.INVALID_ARGUMENT,
    "mail_refused": Code.FAILED_PRECONDITION,
    "integration_error": Code.UNAVAILABLE,
    "integration_busy": Code.RESOURCE_EXHAUSTED,
    "circuit_open": Code.UNAVAILABLE,
    "broker_unavailable": Code.UNAVAILABLE,
    "integration_timeout": Code.DEADLINE_EXCEEDED,
    "rate_limited": Code.RESOURCE_EXHAUSTED,
    "hub_unavailable": Code.UNAVAILABLE,
    "too_many_connections": Code.RESOURCE_EXHAUSTED,
    "unsupported_media_type": Code.INVALID_ARGUMENT,
    "request_timeout": Code.DEADLINE_EXCEEDED,
}


@contextmanager
def refusing(context: grpc.ServicerContext) -> Iterator[None]:
    """What is raised in the block ends the call with its status; a defect is logged, and nothing of it leaves."""
    try:
        yield
    except ClaudiaError as error:
        refuse(context, error)
    except Exception as error:
        log.error("a gRPC call failed", exc_info=error)
        text = "an internal error; the hub's log says what happened"
        end(context, Code.INTERNAL, text, ErrorInfo(reason=INTERNAL, domain=DOMAIN))


def refuse(context: grpc.ServicerContext, error: ClaudiaError, code: Code | None = None) -> NoReturn:
    """End the call with an error; with the status of its code unless another is given."""
    end(context, code or STATUSES.get(error.code, Code.UNKNOWN), error.message, *_details(error))


def _details(error: ClaudiaError) -> Iterator[Message]:
    known = {"field": error.field, "hint": error.hint}
    metadata = {name: value[:LONGEST] for name, value in known.items() if value}
    yield ErrorInfo(reason=error.code, domain=DOMAIN, metadata=metadata)
    if isinstance(error, InvalidValue) and error.field:
        violation = BadRequest.FieldViolation(field=error.field, description=error.message[:LONGEST])
        yield BadRequest(field_violations=[violation])
    if error.retryable:
        yield RetryInfo(retry_delay=Duration(seconds=max(1, math.ceil(error.retry_after or 1))))


def end(context: grpc.ServicerContext, code: Code, message: str, *details: Message) -> NoReturn:
    """End the call with a google.rpc.Status."""
    packed = []
    for detail in details:
        packed.append(Packed())
        packed[-1].Pack(detail)
    number: int = code.value[0]
    status = Status(code=number, message=message[:LONGEST], details=packed)
    context.abort_with_status(rpc_status.to_status(status))
    raise AssertionError("abort_with_status raises")

"""What a refused call says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from grpc_status import rpc_status


def details_of(error: Any) -> SimpleNamespace:
    """Status, `code` (the hub's), metadata and violated fields of an error."""
    status = rpc_status.from_call(error)
    info, bad, retry = ErrorInfo(), BadRequest(), RetryInfo()
    for detail in status.details if status else ():
        for kind in (info, bad, retry):
            detail.Unpack(kind)
    fields = [violation.field for violation in bad.field_violations]
    seconds = retry.retry_delay.seconds
    return SimpleNamespace(
        status=error.code(),
        code=info.reason,
        field=info.metadata.get("field"),
        hint=info.metadata.get("hint"),
        violated=fields,
        retry=seconds,
        text=error.details(),
    )


@contextmanager
def refused() -> Iterator[Callable[[], SimpleNamespace]]:
    with pytest.raises(grpc.RpcError) as caught:
        yield lambda: details_of(caught.value)

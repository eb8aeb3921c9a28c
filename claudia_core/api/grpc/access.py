"""Who may call: an interceptor asks for each call's scope before anything else is done."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Any

import grpc

from claudia_core.api.contract.operations import Scope
from claudia_core.api.grpc.statuses import refuse
from claudia_core.errors import AccessDenied

type Authenticate = Callable[[Mapping[str, str | bytes]], Scope | None]
"""From a call's metadata (names in lower case) to what its caller may do; None for a stranger."""

OPEN = "/grpc.health.v1.Health/"
"""Methods that anybody may call begin with this."""

ORDER = list(Scope)


def by_token(token: str) -> Authenticate:
    """Whoever sends `authorization: Bearer TOKEN` may do everything. The comparison takes constant time."""
    expected = token.encode()

    def authenticate(metadata: Mapping[str, str | bytes]) -> Scope | None:
        scheme, _, shown = str(metadata.get("authorization", "")).partition(" ")
        is_right = hmac.compare_digest(shown.strip().encode(errors="replace"), expected)
        return Scope.ADMIN if is_right and scheme.lower() == "bearer" else None

    return authenticate


class Gate(grpc.ServerInterceptor):
    """Lets a call through when its caller's scope includes the method's.

    Args:
        authenticate: knows the callers.
        scopes: what each method asks for; one that is not there (reflection) is a viewer's.
    """

    def __init__(self, authenticate: Authenticate, scopes: Mapping[str, Scope]) -> None:
        self._authenticate = authenticate
        self._scopes = scopes

    def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Any], details: grpc.HandlerCallDetails
    ) -> Any:
        """See grpc."""
        if details.method.startswith(OPEN):
            return continuation(details)
        scope = self._authenticate(dict(details.invocation_metadata))
        if scope is None:
            hint = "send the metadata authorization: Bearer TOKEN"
            return _refusal(AccessDenied("there is no valid token", hint=hint), grpc.StatusCode.UNAUTHENTICATED)
        needed = self._scopes.get(details.method, Scope.VIEWER)
        if ORDER.index(scope) < ORDER.index(needed):
            return _refusal(AccessDenied(f"this takes the scope {needed}, and the caller has {scope}"))
        return continuation(details)


def _refusal(error: AccessDenied, code: grpc.StatusCode | None = None) -> Any:
    def respond(_: object, context: grpc.ServicerContext) -> None:
        refuse(context, error, code)

    return grpc.unary_unary_rpc_method_handler(respond)

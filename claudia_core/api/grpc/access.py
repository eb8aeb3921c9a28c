"""Who may call: an interceptor asks for each call's scope before anything else is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

import grpc

from claudia_core.api.access.access import Access
from claudia_core.api.contract.operations import Scope
from claudia_core.api.grpc.statuses import refuse
from claudia_core.api.limits.rates import Rates
from claudia_core.errors import ClaudiaError, Unauthenticated
from claudia_core.model.identity import ANONYMOUS, Identity

type Metadata = Mapping[str, str | bytes]
"""A call's metadata, names in lower case."""

OPEN = "/grpc.health.v1.Health/"
"""Methods that anybody may call begin with this."""


class Callers:
    """Knows callers by `authorization: Bearer`: the server's token, an API key, or an access token."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def identify(self, metadata: Metadata, address: str = "") -> Identity:
        """Who calls; somebody without a name and rights when nothing is shown.

        Raises:
            Unauthenticated and its kinds: what is shown is not valid.
        """
        scheme, _, shown = str(metadata.get("authorization", "")).partition(" ")
        return self._access.bearer(shown.strip(), address) if scheme.lower() == "bearer" else ANONYMOUS

    def of(self, context: grpc.ServicerContext) -> Identity:
        """Who makes this call.

        Raises:
            Unauthenticated and its kinds: what is shown is not valid any more.
        """
        return self.identify(dict(context.invocation_metadata()), address_of(context.peer()))

    def still(self, identity: Identity) -> bool:
        """Whether somebody whose stream began before may still read."""
        return self._access.still(identity)


def address_of(peer: str) -> str:
    """The address of gRPC's `ipv4:127.0.0.1:50123` or `ipv6:%5B::1%5D:50123`."""
    return unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]")


class Gate(grpc.ServerInterceptor):
    """Lets a call through when its caller's scope includes the method's.

    Args:
        callers: knows them.
        scopes: what each method asks for; one that is not there (reflection) is a viewer's.
        rates: how often one caller may call.
    """

    def __init__(self, callers: Callers, scopes: Mapping[str, Scope], rates: Rates) -> None:
        self._callers = callers
        self._scopes = scopes
        self._rates = rates

    def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Any], details: grpc.HandlerCallDetails
    ) -> Any:
        """See grpc."""
        if details.method.startswith(OPEN):
            return continuation(details)
        try:
            identity = self._callers.identify(dict(details.invocation_metadata))
            if identity is ANONYMOUS:
                raise Unauthenticated("there is no token", hint="send the metadata authorization: Bearer TOKEN")
            identity.require(self._scopes.get(details.method, Scope.VIEWER), details.method)
            self._rates.take(self._rates.of(identity), identity.actor)
        except ClaudiaError as error:
            return _refusal(error)
        return continuation(details)


def _refusal(error: ClaudiaError) -> Any:
    def respond(_: object, context: grpc.ServicerContext) -> None:
        refuse(context, error)

    return grpc.unary_unary_rpc_method_handler(respond)

"""GraphQL at `/graphql`: queries, mutations, subscriptions over graphql-transport-ws, and an explorer page."""

from claudia_core.api.graphql.router import mount

__all__ = ["mount"]

"""REST: the table of operations under `/api/v1`, with its OpenAPI document and a page to read it."""

from claudia_core.api.rest.routes import PREFIX, Direct, mount

__all__ = ["PREFIX", "Direct", "mount"]

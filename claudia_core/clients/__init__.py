"""What others import to talk to a hub elsewhere; for a whole hub with `track()` and `on()`: `Claudia("http://...")`."""

from claudia_core.clients.graphql import GraphQLClient
from claudia_core.clients.rest import ClaudiaApiClient
from claudia_core.clients.streams import EventStream
from claudia_core.clients.task_service import TaskServiceClient, TaskState

__all__ = ["ClaudiaApiClient", "EventStream", "GraphQLClient", "TaskServiceClient", "TaskState"]

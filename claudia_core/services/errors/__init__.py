"""Errors as they happen: kept as occurrences, grouped into issues that people work on."""

from claudia_core.capture.rendering import culprit, task_error
from claudia_core.model.report import MAX_CONTEXT_BYTES, MAX_PLACE, ErrorReport
from claudia_core.services.errors.grouping import Grouping, groupings
from claudia_core.services.errors.recording import Recorded, prepare, record
from claudia_core.services.errors.search import IssuePage
from claudia_core.services.errors.service import Errors

__all__ = [
    "MAX_CONTEXT_BYTES",
    "MAX_PLACE",
    "ErrorReport",
    "Errors",
    "Grouping",
    "IssuePage",
    "Recorded",
    "culprit",
    "groupings",
    "prepare",
    "record",
    "task_error",
]

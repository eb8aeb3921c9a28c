"""Whether the hub's parts, and what they depend on, are well: run together, judged, remembered."""

from claudia_core.services.health.history import HealthPeriod
from claudia_core.services.health.registered import Probe, Registered
from claudia_core.services.health.service import LOW_DISK, NO_DISK, HealthChecks
from claudia_core.services.health.standing import Rules, Run, Standing

__all__ = ["LOW_DISK", "NO_DISK", "HealthChecks", "HealthPeriod", "Probe", "Registered", "Rules", "Run", "Standing"]

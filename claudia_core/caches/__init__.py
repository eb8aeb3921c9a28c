"""Values for a while: in this process, or on a Redis that many share."""

from claudia_core.caches.cached import CacheFigures, cached
from claudia_core.caches.memory import MemoryCache
from claudia_core.caches.port import MISSING, Cache

__all__ = ["MISSING", "Cache", "CacheFigures", "MemoryCache", "cached"]

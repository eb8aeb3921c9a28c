"""What a server has at the moment, told by itself: memory, and how many things of its sessions are alive."""

from __future__ import annotations

import ctypes
import gc
from collections import Counter
from typing import Any

import psutil

COUNTED = ("ServerSession", "Document", "SessionContext", "Page", "LiveView", "Frame", "Viewable", "Model")
"""Classes whose objects are counted, those of their subclasses included."""


def census() -> dict[str, int]:
    """Live objects by class, all objects that the collector knows, and bytes: resident, and after giving back.

    `resident` is what the process has, `proportional` its share of it; `given_back` is what is left of the former once
    the allocator was asked to return what it keeps for later (glibc; elsewhere the same).
    """
    gc.collect()
    alive = Counter[str]()
    objects = gc.get_objects()
    for thing in objects:
        alive.update({base.__name__ for base in type(thing).__mro__} & set(COUNTED))
    memory = psutil.Process().memory_full_info()
    _give_back()
    return {
        **{name: alive[name] for name in COUNTED},
        "objects": len(objects),
        "resident": memory.rss,
        "proportional": memory.pss,
        "given_back": psutil.Process().memory_info().rss,
    }


def _give_back() -> None:
    trim: Any = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

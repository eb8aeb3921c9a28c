"""Notifications: rules, the channels people are told by, what was told, and how people want it."""

from claudia_core.services.notifications.service import Notifications

__all__ = ["Notifications"]

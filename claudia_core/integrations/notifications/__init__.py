"""Telling people: what services have noted is sent by each channel's own means."""

from claudia_core.integrations.notifications.notifier import Notifier

__all__ = ["Notifier"]

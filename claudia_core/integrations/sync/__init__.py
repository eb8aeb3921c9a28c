"""What changes elsewhere, as events: a source that is asked again and again, or a collection's change stream."""

from claudia_core.integrations.sync.polling import Poll

__all__ = ["Poll"]

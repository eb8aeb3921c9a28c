"""Webhooks: endpoints and their deliveries; sources of messages from elsewhere."""

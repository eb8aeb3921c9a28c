"""Views of webhooks: endpoints and their deliveries."""

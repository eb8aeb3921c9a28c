"""Views of health checks."""

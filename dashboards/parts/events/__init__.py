"""Views of the log."""

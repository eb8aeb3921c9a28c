"""Views of issues and their errors."""

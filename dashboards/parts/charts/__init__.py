"""Views of numbers over time, each with a table twin."""

"""Claudia: mission control for long-running Python work."""

__version__ = "0.1.0"

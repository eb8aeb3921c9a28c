"""Calls to what others run: tried again, cut off in time, kept apart, measured and shown."""

"""What the services keep, folded again from the log."""

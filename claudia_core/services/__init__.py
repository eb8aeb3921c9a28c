"""The only place where state changes: one noun a file."""

"""Tasks: the only place where they change. Every change and its events are saved in one transaction."""

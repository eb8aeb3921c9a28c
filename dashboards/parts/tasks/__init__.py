"""Views of tasks: as a table, a timeline, a tree, and one in full."""

"""Views of who is told what, and how."""

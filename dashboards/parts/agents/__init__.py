"""Views of agents and of what waits for them."""

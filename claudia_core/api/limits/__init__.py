"""How much anybody may ask of the server: how often, how much at once, and how long it may take."""

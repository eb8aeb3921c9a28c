"""What keeps open pages up to date, once for all sessions: the pulse, pictures, and messages of what changed."""

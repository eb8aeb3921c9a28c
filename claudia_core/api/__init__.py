"""The gateway: everything the hub knows and does, for other programs."""

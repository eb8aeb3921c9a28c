"""A replica set: the store of many machines."""

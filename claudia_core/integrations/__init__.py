"""The outside world, one system a file or folder."""

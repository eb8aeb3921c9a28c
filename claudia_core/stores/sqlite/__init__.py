"""One file, WAL, one writer: the embedded store."""

"""Where documents and the log are kept: one backend a file, one conformance suite for all."""

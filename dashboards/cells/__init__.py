"""Values of the core as rows of cells: pure functions without panel, one noun a file."""

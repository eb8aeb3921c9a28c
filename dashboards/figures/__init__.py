"""Places and numbers of pictures, folded from the core's values: pure functions without panel."""

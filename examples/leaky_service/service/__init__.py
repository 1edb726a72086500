"""A small web shop that leaks, for memsight to explain."""

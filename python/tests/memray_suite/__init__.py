"""pytest-memray's own tests, run with memsight's plugin in its place."""

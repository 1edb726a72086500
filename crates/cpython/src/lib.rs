//! Decodes CPython 3.8 to 3.15 out of bytes; no I/O.

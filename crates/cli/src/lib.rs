//! The memsight command.

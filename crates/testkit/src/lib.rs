//! Interpreters, ready-handshake targets and fake memory for the tests of memsight.

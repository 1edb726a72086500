//! The extension module memsight._native.

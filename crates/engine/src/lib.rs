//! Use cases: look, snapshot, load, diagnose. Prints nothing.

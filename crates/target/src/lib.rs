//! Processes of the operating system: list, maps, read memory, pause and resume.

//! What people name when they ask for a look.

/// Whether a word names a process rather than a file: it is a number.
pub fn is_pid(subject: &str) -> bool {
    !subject.is_empty() && subject.bytes().all(|byte| byte.is_ascii_digit())
}

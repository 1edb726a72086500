//! One result, many forms: text and JSON.

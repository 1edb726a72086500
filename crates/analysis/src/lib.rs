//! What the graph means: histogram, leak suspects, paths, threads.
#![forbid(unsafe_code)]

pub mod views;

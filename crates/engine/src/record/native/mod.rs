//! Native frames: which code the program has, the tables by which its recorder finds frames, and both stacks as one.

mod merge;
mod parts;
mod rows;

pub(super) use merge::Merge;

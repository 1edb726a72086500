//! The object graph: reachability, dominators, retained sizes, paths.

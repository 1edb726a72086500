//! One object: its bytes, read through the table.
//!
//! ```text
//! address ──> head ──> types (members, statics) ──> fit: its shape ──┬──> sizes, buffers, owned
//!                                                                    └──> references ──> a Sink
//! ```
//! [`text`] and [`dicts`] read what the others need on the way; [`extensions`] and [`numpy`] know the structs of other
//! packages, [`names`] keeps what slots and fields are called. Nothing here knows which objects there are.

pub(crate) mod buffers;
pub(crate) mod dicts;
pub(crate) mod extensions;
pub(crate) mod fit;
pub(crate) mod flag;
pub(crate) mod head;
pub(crate) mod members;
pub(crate) mod names;
pub(crate) mod numpy;
pub(crate) mod owned;
pub(crate) mod references;
pub(crate) mod shapes;
pub(crate) mod sizes;
pub(crate) mod statics;
pub(crate) mod text;
pub(crate) mod types;

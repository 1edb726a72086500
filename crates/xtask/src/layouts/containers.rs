//! Rules of the containers of `collections`, which no header declares.

use super::rules::{
    Fields,
    Rule::{At, Len, Size},
};

pub const DEQUE: Fields = &[
    ("leftblock", At(&["dequeobject.leftblock"])),
    ("leftindex", At(&["dequeobject.leftindex"])),
    ("block_len", Len(&["BLOCK.data"])),
    ("block_data", At(&["BLOCK.data"])),
    ("block_right", At(&["BLOCK.rightlink"])),
    ("block_size", Size(&["BLOCK"])),
];

pub const ORDERED_DICT: Fields = &[
    ("first", At(&["_odictobject.od_first"])),
    ("fast_nodes", At(&["_odictobject.od_fast_nodes"])),
    ("fast_nodes_size", At(&["_odictobject.od_fast_nodes_size"])),
    ("inst_dict", At(&["_odictobject.od_inst_dict"])),
    ("node_key", At(&["_odictnode.key"])),
    ("node_next", At(&["_odictnode.next"])),
    ("node_size", Size(&["_odictnode"])),
];

"""Objects of lxml and cffi, where they are installed."""

import cffi
from lxml import etree

import recorder


def documents():
    root = etree.fromstring("<a x='1'><b>text</b><!--comment--><?pi text?><b y='2'/></a>")
    others = [root.getroottree(), root.attrib, root[0], root[1], root[2], root.iter(), root.find("b"), etree.QName("name")]
    parser, path = etree.XMLParser(remove_blank_text=True), etree.XPath("//b[@y]")
    parsed = etree.fromstring("<c><d/></c>", parser)
    return [root, others, [child.tag for child in root], parser, path, path(root), parsed, etree.Element("made")]


def foreign():
    ffi = cffi.FFI()
    ffi.cdef("typedef struct { int number; void *any; } pair; typedef int (*called)(int); enum colour { RED, GREEN };")
    handle, pair, text = ffi.new_handle(["handle"]), ffi.new("pair *"), ffi.new("char[]", 10_000)
    numbers, number, table = ffi.new("int[500]"), ffi.new("double *", 1.5), ffi.new("pair[]", 100)
    freed = ffi.gc(ffi.new("pair *"), lambda pair: None)
    callback = ffi.callback("int(int)", lambda number: number + 1)
    exported = ffi.from_buffer(bytearray(20))
    window = ffi.buffer(text)
    cast, null = ffi.cast("int", 3), ffi.NULL
    kept = pair[0]
    pair_size = ffi.sizeof("pair")
    owned = [(text, 10_000), (numbers, 2000), (number, 8), (table, 100 * pair_size), (kept, pair_size)]
    recorder.external.update((id(each), bytes_) for each, bytes_ in owned)
    recorder.held[id(pair)] = [], {"structobj": id(kept), "c_type": id(ffi.typeof(pair))}
    recorder.held[id(handle)] = [], {"structobj": id(ffi.from_handle(handle)), "c_type": id(ffi.typeof(handle))}
    types = [ffi.typeof(name) for name in ("pair", "pair *", "called", "enum colour", "int[10]", "unsigned char")]
    return [ffi, handle, pair, text, numbers, number, table, freed, callback, exported, window, cast, null, kept, types]


def build():
    return [documents(), foreign()]


if __name__ == "__main__":
    recorder.serve(build())

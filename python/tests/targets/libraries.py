"""Has many libraries mapped, of most of whose pages nothing was needed, and answers each request with nothing."""

import json
import os

for name in (
    "ctypes",
    "decimal",
    "lzma",
    "bz2",
    "ssl",
    "sqlite3",
    "xml.parsers.expat",
    "unicodedata",
    "zlib",
    "curses",
):
    try:
        __import__(name)
    except ImportError:
        pass  # not every build has every one

os.write(1, (json.dumps({"ready": True, "pid": os.getpid()}) + "\n").encode())
while os.read(0, 4096):
    os.write(1, b"{}\n")

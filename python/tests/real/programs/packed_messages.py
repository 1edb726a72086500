"""Messages packed and unpacked by orjson, msgpack and zstandard; attrs classes, compiled patterns of regex."""

import attrs
import msgpack
import orjson
import regex
import zstandard
from telling import Truth, digest


@attrs.define
class Point:
    x: float
    y: float


@attrs.define(slots=False)
class Track:
    name: str
    points: list[Point] = attrs.field(factory=list)


TRACKS = [Track(f"track {number}", [Point(step, step / 3) for step in range(30)]) for number in range(1500)]
PACKED = [msgpack.packb(attrs.asdict(track)) for track in TRACKS]
TEXT = orjson.dumps([attrs.asdict(track) for track in TRACKS[:300]])
LOADED = orjson.loads(TEXT)
COMPRESSORS = [zstandard.ZstdCompressor(level=6) for _ in range(12)]
FRAMES = [each.compress(TEXT) for each in COMPRESSORS]
PATTERNS = [
    regex.compile(rf"(?P<name>track {number}\d*)(?<pair>,)?|\p{{Lu}}{{1,{number}}}") for number in range(1, 150)
]
STREAM = msgpack.Unpacker()


def work() -> object:
    STREAM.feed(PACKED[7])
    found = [len(pattern.findall(TEXT[:3000].decode())) for pattern in PATTERNS[:20]]
    again = zstandard.ZstdDecompressor().decompress(FRAMES[3])
    return digest(found, again, next(iter(STREAM)), [msgpack.unpackb(each)["name"] for each in PACKED[:50]])


truth = Truth("orjson", "msgpack", "zstandard", "attrs", "regex")
truth.instances(Track)
truth.objects("__main__.Point", lambda: sum(len(track.points) for track in TRACKS))
truth.native(
    [zstandard.ZstdCompressor],
    lambda: sum(each.memory_size() for each in COMPRESSORS),
    "ZstdCompressor.memory_size()",
)
truth.hand_over(work)

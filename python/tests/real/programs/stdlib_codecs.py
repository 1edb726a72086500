"""A proxy's state, in the standard library alone: compressors, TLS contexts, parsed XML, decimals."""

import decimal
import ssl
import zlib
from collections import OrderedDict, deque
from xml.etree import ElementTree

from telling import Truth, allocated, digest


class Stream:
    """A connection whose answers are compressed: its compressor lives as long as it does."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.compressor = zlib.compressobj(6)
        self.sent = self.compressor.compress(b"<feed>" * 100 + b"%d" % number)
        self.prices = [decimal.Decimal(number * 7 + step) / 100 for step in range(20)]
        self.events = deque((step, str(step * number)) for step in range(10))


class Account:
    def __init__(self, name: str) -> None:
        self.name = name
        self.limits = OrderedDict((key, decimal.Decimal(len(name)) / 3) for key in ("day", "month"))


def grown(make: object) -> tuple[object, int]:
    """What `make` returns, and how many bytes of malloc that took."""
    before = allocated()
    made = make()  # type: ignore[operator]
    return made, allocated() - before


ssl.create_default_context()  # the library's own tables are there before anything is measured
zlib.compressobj(6).compress(b"x")
STREAMS, stream_bytes = grown(lambda: [zlib.compressobj(9) for _ in range(120)])
SERVERS = [Stream(number) for number in range(100)]
CONTEXTS, context_bytes = grown(lambda: [ssl.create_default_context() for _ in range(12)])
ACCOUNTS = {name: Account(name) for name in (f"account-{number:05d}" for number in range(4000))}

FEED = ElementTree.fromstring(
    "<feed>" + "".join(f"<entry id='{n}'><title>entry {n}</title></entry>" for n in range(30_000)) + "</feed>"
)


def work() -> object:
    total = sum((price for server in SERVERS for price in server.prices), decimal.Decimal())
    titles = [entry.findtext("title") for entry in FEED.iterfind("entry[@id='77']")]
    for server in SERVERS[:20]:
        around = [server]
        around.append(around)  # type: ignore[arg-type]
    return digest(total, titles, sorted(ACCOUNTS)[:3])


truth = Truth()
truth.instances(Stream, Account, ElementTree.Element, ssl.SSLContext)
truth.objects("zlib.Compress", lambda: len(STREAMS) + len(SERVERS))  # type: ignore[arg-type]
truth.native(["zlib.Compress"], lambda: stream_bytes * (120 + 100) // 120, "malloc's statistics while they were made")
truth.native([ssl.SSLContext], lambda: context_bytes, "malloc's statistics while they were made")
truth.hand_over(work)

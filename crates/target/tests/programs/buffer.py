# A buffer of known contents, a bytes object, and 64 GiB of which one page was touched.
import ctypes, mmap, random, sys

random.seed(5)
words = []
base = 0
size = 8 * 40_000
buffer = ctypes.create_string_buffer(size + 4096)
base = ctypes.addressof(buffer)
for i in range(40_000):
    kind = random.randrange(8) if (i // 700) % 3 else 0
    words.append(
        [0, random.randrange(1 << 16), random.randrange(1 << 32), random.getrandbits(64), base + 8 * random.randrange(30_000)]
        [kind] if kind < 5 else [base + random.randrange(1 << 36), random.getrandbits(48), base + 8 * i][kind - 5]
    )
data = b"".join(word.to_bytes(8, "little") for word in words)
ctypes.memmove(buffer, data, len(data))
text = bytes(random.randrange(256) for _ in range(100_001))
sparse = mmap.mmap(-1, 1 << 36, flags=mmap.MAP_PRIVATE | 0x4000)
sparse[5 << 30] = 42
view = ctypes.addressof(ctypes.c_char.from_buffer(sparse))
print("ready", flush=True)
print(base, flush=True)
print(data.hex(), flush=True)
print(id(text) + bytes.__basicsize__ - 1, flush=True)
print(text.hex(), flush=True)
print(view, flush=True)
for line in sys.stdin:
    # the contents change after the copy
    ctypes.memset(buffer, 0xEE, size)
    print("changed", flush=True)

"""Makes small pictures of large ones, and has all large ones at once for a moment: the walk, a spike."""

import time


class Picture:
    """Grey, a byte a point."""

    def __init__(self, number):
        self.name = f"{number}.pgm"
        self.points = bytes([number % 256]) * 2_000_000


def shrink(picture):
    return picture.points[::1000]


def contact_sheet(count):
    pictures = [Picture(number) for number in range(count)]
    time.sleep(8)  # the printer is busy
    return b"".join(shrink(picture) for picture in pictures)


time.sleep(1)
sheet = contact_sheet(150)
time.sleep(1)
print(f"{len(sheet)} points")

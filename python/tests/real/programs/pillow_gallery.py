"""A gallery in Pillow: pictures in C memory, thumbnails, palettes, fonts, encoders."""

import io

from PIL import Image, ImageDraw, ImageFilter
from telling import Truth, digest


class Picture:
    def __init__(self, number: int) -> None:
        self.image = Image.new("RGB", (640, 480), (number % 256, number * 3 % 256, 80))
        ImageDraw.Draw(self.image).ellipse((20, 20, 300, 300 + number), fill=(255, number % 256, 0))
        self.small = self.image.resize((160, 120))
        self.grey = self.image.convert("L")
        self.file = io.BytesIO()
        self.image.save(self.file, "PNG")


PICTURES = [Picture(number) for number in range(40)]


def work() -> object:
    sums = [bytes(picture.small.filter(ImageFilter.BLUR).tobytes()[:300]) for picture in PICTURES]
    again = [Image.open(io.BytesIO(picture.file.getvalue())).convert("L").getpixel((50, 50)) for picture in PICTURES]
    return digest(*sums, again)


def pixels() -> int:
    # Storage.c: four bytes a pixel for RGB, one for L.
    return sum(640 * 480 * 4 + 160 * 120 * 4 + 640 * 480 for _ in PICTURES)


truth = Truth("pillow")
truth.instances(Picture, Image.Image)
truth.objects("ImagingCore", lambda: 3 * len(PICTURES))
truth.native(["ImagingCore", "PIL._imaging.ImagingCore"], pixels, "width x height x bytes of a pixel")
truth.hand_over(work)

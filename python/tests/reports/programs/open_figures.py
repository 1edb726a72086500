"""A bot that draws a figure for each request and never closes one: pyplot keeps them."""

import io
import warnings

import matplotlib

matplotlib.use("Agg")
warnings.simplefilter("ignore")

from matplotlib import pyplot  # noqa: E402
from ready import wait  # noqa: E402


def karma(number: int) -> bytes:
    figure, axes = pyplot.subplots()
    axes.plot([step * number for step in range(5000)])
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=30)
    return file.getvalue()


for number in range(25):
    karma(number)
wait()

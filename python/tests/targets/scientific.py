"""numpy arrays and pandas frames, where they are installed."""

import numpy
import pandas

import recorder


def arrays():
    owned = [numpy.zeros(size) for size in (0, 1, 10, 1000, 100_000)]
    owned += [numpy.ones((30, 40), dtype="int8"), numpy.full((3, 4, 5), 1 + 2j), numpy.arange(10, dtype=">i4")]
    base = numpy.arange(1000.0).copy()
    views = [base[10:20], base.reshape(10, 100), base[::3], base.T, numpy.frombuffer(b"bytes" * 8, dtype="u1")]
    objects = numpy.array([[1], {"a": 2}, None, "text"], dtype=object)
    structured = numpy.zeros(5, dtype=[("x", "f8"), ("y", "i4"), ("name", "S10")])
    texts = numpy.array(["fixed", "width"])
    scalars = [numpy.float64(1.5), numpy.int8(3), numpy.bool_(True), numpy.str_("text"), numpy.datetime64("2020-01-01")]
    others = [numpy.ma.masked_array([1, 2], [0, 1]), numpy.random.default_rng(1), numpy.nditer(base), base.flat]
    recorder.external.update((id(each), each.nbytes) for each in owned + [base, objects, structured, texts])
    return [owned, base, views, objects, structured, texts, scalars, others, structured.dtype, structured[0]]


def frames():
    frame = pandas.DataFrame({"n": range(1000), "x": numpy.linspace(0, 1, 1000), "s": ["text %d" % n for n in range(1000)]})
    frame["category"] = pandas.Categorical(["a", "b"] * 500)
    frame["when"] = pandas.date_range("2020-01-01", periods=1000)
    grouped = frame.groupby("category")
    indexed = frame.set_index(["n", "s"])
    return [frame, frame["x"], grouped, indexed, frame.index, frame.describe(), pandas.Series([[1], None]), frame.iloc[5:10]]


def build():
    recorder.unsized = ("pandas.",)
    return [arrays(), frames()]


if __name__ == "__main__":
    recorder.serve(build())

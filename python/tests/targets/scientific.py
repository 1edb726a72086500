"""numpy arrays and pandas frames, where they are installed."""

import gc

import numpy
import pandas

import recorder


def arrays():
    owned = [numpy.zeros(size) for size in (0, 1, 10, 1000, 100_000)]
    owned += [numpy.ones((30, 40), dtype="int8"), numpy.full((3, 4, 5), 1 + 2j), numpy.arange(10, dtype=">i4")]
    base = numpy.arange(1000.0).copy()
    views = [base[10:20], base.reshape(10, 100), base[::3], base.T, numpy.frombuffer(b"bytes" * 8, dtype="u1")]
    structured = numpy.zeros(5, dtype=[("x", "f8"), ("y", "i4"), ("name", "S10")])
    texts = numpy.array(["fixed", "width"])
    scalars = [numpy.float64(1.5), numpy.int8(3), numpy.bool_(True), numpy.str_("text"), numpy.datetime64("2020-01-01")]
    others = [numpy.ma.masked_array([1, 2], [0, 1]), numpy.random.default_rng(1), numpy.nditer(base), base.flat]
    recorder.external.update((id(each), each.nbytes) for each in owned + [base, structured, texts])
    for view in views[:4]:
        recorder.held[id(view)] = [], {"base": id(base), "dtype": id(base.dtype)}
    return [owned, base, views, structured, texts, scalars, others, structured.dtype, structured[0]]


class Named(numpy.ndarray):
    """An array of a class in Python."""


def objects():
    """Arrays that own references: every one of them is told by index, once."""
    flat = numpy.array([[1], {"a": 2}, None, "text %d" % 1], dtype=object)
    cube = fresh((2, 3, 4))
    fortran = numpy.asfortranarray(fresh((3, 4)))
    single, empty, half = numpy.array(None, dtype=object), numpy.empty((0, 3), dtype=object), numpy.empty(10, dtype=object)
    single[()], half[5:] = ["single"], fresh(5)
    named = fresh(6).view(Named).copy()
    named.attribute = ["attribute"]
    owned = [flat, cube, fortran, single, empty, half, named]
    for array in owned:
        items = [[index, id(item)] for index, item in enumerate(array.flat)]
        recorder.held[id(array)] = items, {"dtype": id(array.dtype)}
        recorder.external[id(array)] = array.nbytes
    views = [flat[1:3], cube[::-1, :, ::2], cube.T, fortran[1], numpy.broadcast_to(flat, (5, 4)), flat.view(Named)]
    for view, base in zip(views, [flat, cube, cube, fortran, flat, flat]):
        recorder.held[id(view)] = [], {"base": id(base)}
    strided = numpy.lib.stride_tricks.as_strided(flat, (3, 2), (8, 8))
    apart = numpy.lib.stride_tricks.as_strided(flat, (2,), (16,))
    exported = numpy.asarray(memoryview(flat))
    for view in [strided, apart, exported]:
        recorder.held[id(view)] = [], {"base": id(view.base)}
    iterators = [flat.flat, numpy.nditer([flat, cube[0, 0]], flags=["refs_ok"]), numpy.broadcast(flat, cube)]
    return [owned, views, strided, apart, exported, iterators]


def fresh(shape):
    array = numpy.empty(shape, dtype=object)
    for index in numpy.ndindex(array.shape):
        array[index] = ["item", index]
    return array


def records():
    """Records with references in them, also nested, repeated, named twice and at odd places."""
    inner = numpy.dtype([("text", object), ("number", "i2")])
    kinds = [
        numpy.dtype([("number", "f8"), ("any", object)]),
        numpy.dtype([("flag", "?"), ("pair", object, (2,)), ("inner", inner, (2, 2))]),
        numpy.dtype({"names": ["late", "early"], "formats": [object, object], "offsets": [40, 8], "itemsize": 64}),
        numpy.dtype([(("title", "name"), object), ("bytes", "S3")]),
        numpy.dtype([("number", "f8"), ("bytes", "V0")]),
    ]
    made = []
    for kind in kinds:
        array = numpy.zeros(4, dtype=kind)
        for record in range(4):
            for name in kind.names:
                fill(array, record, name)
        recorder.held[id(array)] = references(array), {"dtype": id(array.dtype)}
        recorder.external[id(array)] = array.nbytes
        made.append(array)
    owned = made[0][2].copy()
    recorder.held[id(owned)] = [], {"dtype": id(owned.dtype)}  # its items are those of an array that it looks into
    looking = made[0][1]
    recorder.held[id(looking)] = [], {"base": id(made[0])}
    part = made[1][["pair", "flag"]]
    recorder.held[id(part)] = [], {"base": id(made[1])}
    noted = numpy.dtype("f8", metadata={"note": ["metadata"]})
    recorder.held[id(noted)] = [], {"metadata": id(gc.get_referents(noted.metadata)[0])}  # behind a proxy
    return [made, kinds, owned, looking, part, noted, numpy.dtype((object, (2, 3)))]


def fill(array, record, name):
    kind = array.dtype.fields[name][0]
    if kind.base == numpy.dtype(object) and kind.shape:
        for index in numpy.ndindex(kind.shape):
            array[name][(record, *index)] = ["pair", record, index]
    elif kind == numpy.dtype(object):
        array[name][record] = [name, record]
    elif kind.base.names:
        for index in numpy.ndindex(kind.shape):
            array[name]["text"][(record, *index)] = ["inner", record, index]


def references(array):
    """Index of the record and address, for all references of an array of records."""
    found = []
    for index in range(len(array)):
        for name in array.dtype.names:
            values = array[name][index]
            values = values["text"] if getattr(values, "dtype", None) is not None and values.dtype.names else values
            if isinstance(values, numpy.ndarray) and values.dtype == numpy.dtype(object):
                found += [[index, id(value)] for value in values.flat]
            elif array.dtype.fields[name][0] == numpy.dtype(object):
                found.append([index, id(values)])
    return found


def strings():
    """Strings of variable width: in an arena, in the item, and on the heap when they were replaced by longer ones."""
    if not hasattr(numpy, "dtypes") or not hasattr(numpy.dtypes, "StringDType"):
        return []
    short, long = numpy.array(["short"] * 100, dtype="T"), numpy.array(["long" * 50] * 100, dtype="T")
    replaced = numpy.array(["first" * 5] * 100, dtype="T")
    replaced[:] = "replaced" * 1000
    recorder.external[id(short)] = short.nbytes
    recorder.external[id(replaced)] = replaced.nbytes + 100 * 8000
    missing = numpy.array(["a", None], dtype=numpy.dtypes.StringDType(na_object=None))
    return [short, long, replaced, missing]


def frames():
    frame = pandas.DataFrame({"n": range(1000), "x": numpy.linspace(0, 1, 1000), "s": ["text %d" % n for n in range(1000)]})
    frame["category"] = pandas.Categorical(["a", "b"] * 500)
    frame["when"] = pandas.date_range("2020-01-01", periods=1000)
    frame["any"] = pandas.Series([[number] for number in range(1000)], dtype=object)
    column = frame["any"].to_numpy()
    grouped = frame.groupby("category")
    indexed = frame.set_index(["n", "s"])
    found = frame.set_index("s").index.get_loc("text 3")
    return [
        [frame, frame["x"], column, grouped, indexed, frame.index, frame.describe(), found],
        [pandas.Series([[1], None]), frame.iloc[5:10]],
    ]


def build():
    recorder.unsized = ("pandas.", "pyarrow.")
    return [arrays(), objects(), records(), strings(), frames()]


if __name__ == "__main__":
    recorder.serve(build())

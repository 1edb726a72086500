"""Models of scikit-learn: forests in C structs of Cython classes, a pipeline, neighbours, sparse matrices of scipy."""

import numpy as np
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KDTree
from sklearn.pipeline import make_pipeline
from telling import Truth, digest


class Model:
    def __init__(self, name: str, fitted: object) -> None:
        self.name, self.fitted = name, fitted


random = np.random.default_rng(7)
POINTS = random.random((6_000, 20))
LABELS = (POINTS[:, 0] + POINTS[:, 1] * POINTS[:, 2] > 0.8).astype(int)
FOREST = RandomForestClassifier(40, random_state=7, n_jobs=1).fit(POINTS, LABELS)
TEXTS = [f"document {number} about {number % 97} and {number % 89} with words{number % 1009}" for number in range(2000)]
PIPELINE = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, [number % 2 for number in range(2000)])
TREE = KDTree(POINTS)
MATRIX = sparse.random(20_000, 5000, density=0.01, format="csr", random_state=7)
MODELS = [Model("forest", FOREST), Model("texts", PIPELINE)]


def work() -> object:
    likely = FOREST.predict(POINTS[:2000]).tolist()
    texts = PIPELINE.predict(TEXTS[:300]).tolist()
    near = TREE.query(POINTS[:50], 3)[1].tolist()
    return digest(likely, texts, near, round(float((MATRIX[:300] @ MATRIX.T).sum()), 6))


def nodes() -> int:
    # A node is a record of the array that `tree_.__getstate__` returns; a value is a double for each class.
    states = [tree.tree_.__getstate__() for tree in FOREST.estimators_]
    return sum(state["nodes"].nbytes + state["values"].nbytes for state in states)


def data() -> int:
    matrix = MATRIX.data.nbytes + MATRIX.indices.nbytes + MATRIX.indptr.nbytes
    return int(POINTS.nbytes + LABELS.nbytes + matrix)


truth = Truth("scikit-learn", "scipy", "numpy")
truth.instances(Model, type(FOREST.estimators_[0]))
truth.native(["sklearn.tree._tree.Tree"], nodes, "the nodes and values that the trees give out")
truth.native([np.ndarray], data, "nbytes of points, labels and the sparse matrix")
truth.hand_over(work)

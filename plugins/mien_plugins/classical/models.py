"""The seven classifiers of the pipeline: fitted by scikit-learn, kept as plain numbers, read without it.

Nothing is pickled: what a fitted classifier consists of (support vectors, weights, trees, training data for k-NN) are
arrays, which `pack` takes out and `predict` reads as the library does. All of them tell class 1 from class 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
Labels = NDArray[np.int64]

NAMES: Mapping[str, str] = {
    "svm": "support vector machine (RBF)",
    "rf": "random forest",
    "lr": "logistic regression",
    "adaboost": "AdaBoost",
    "knn": "k nearest neighbours (k = 5)",
    "nb": "Gaussian naive Bayes",
    "dt": "decision tree",
}
_ROWS = 2048  # read at once, at most
_DISTANCES = 2**23  # held in memory at once: 64 MB


def make(name: str, seed: int) -> Any:
    """An unfitted classifier with the library's own settings, as the paper names none; the seed is fixed."""
    from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    makers: dict[str, Callable[[], Any]] = {
        "svm": SVC,
        "rf": lambda: RandomForestClassifier(random_state=seed, n_jobs=1),
        "lr": lambda: LogisticRegression(max_iter=2000),
        "adaboost": lambda: AdaBoostClassifier(random_state=seed),
        "knn": lambda: KNeighborsClassifier(5, algorithm="brute"),
        "nb": GaussianNB,
        "dt": lambda: DecisionTreeClassifier(random_state=seed),
    }
    return makers[name]()


def fit(name: str, x: NDArray[Any], y: Labels, seed: int) -> Arrays:
    """Fit on x (N, D) and labels 0, 1; what it consists of."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    model = make(name, seed)
    if name == "knn":
        model.n_neighbors = min(5, len(x) - (len(x) + 1) % 2)  # odd, and no more than there are
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # separable data: the weights would grow for ever
        model.fit(x, y)
    return pack(name, model, x, y)


def pack(name: str, model: Any, x: NDArray[Any], y: Labels) -> Arrays:
    """What a fitted classifier consists of."""
    if name == "svm":
        arrays = {"vectors": model.support_vectors_, "coef": model.dual_coef_[0], "intercept": model.intercept_}
        return {**arrays, "gamma": np.array([model._gamma])}
    if name == "lr":
        return {"coef": model.coef_[0], "intercept": model.intercept_}
    if name == "nb":
        return {"mean": model.theta_, "var": model.var_, "prior": model.class_prior_}
    if name == "knn":
        return {"x": np.asarray(x, np.float32), "y": y.astype(np.int8), "k": np.array([model.n_neighbors])}
    if name == "dt":
        return _trees([model])
    arrays = _trees(list(model.estimators_))
    if name == "adaboost":
        # Boosting ends early where one tree tells everything; the weights have room for all.
        arrays["weight"] = np.asarray(model.estimator_weights_)[: len(model.estimators_)]
    return arrays


def predict(name: str, arrays: Mapping[str, NDArray[Any]], x: NDArray[Any]) -> Labels:
    """(N,) 0 or 1 of x (N, D)."""
    compared = len(arrays["vectors"]) if name == "svm" else len(arrays["x"]) if name == "knn" else 1
    step = max(1, min(_ROWS, _DISTANCES // max(1, compared)))
    parts = [_predict(name, arrays, x[first : first + step]) for first in range(0, len(x), step)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def check(name: str, arrays: Mapping[str, NDArray[Any]], features: int) -> None:
    """Refuse numbers that `predict` could not read on x (N, features), or would read for ever.

    Raises:
        KeyError: a part is missing.
        ValueError: a part does not fit the others; the message names the classifier.
    """
    if name == "svm":
        count = len(arrays["vectors"])
        wanted = {"vectors": (count, features), "coef": (count,), "intercept": (1,), "gamma": (1,)}
    elif name == "lr":
        wanted = {"coef": (features,), "intercept": (1,)}
    elif name == "nb":
        wanted = {"mean": (2, features), "var": (2, features), "prior": (2,)}
    elif name == "knn":
        count = len(arrays["x"])
        wanted = {"x": (count, features), "y": (count,), "k": (1,)}
    else:
        nodes, trees = arrays["left"].shape, arrays["root"].shape
        wanted = dict.fromkeys(("left", "right", "feature", "threshold", "value"), nodes)
        wanted |= {"weight": trees} if name == "adaboost" else {}
    if any(arrays[part].shape != shape for part, shape in wanted.items()):
        raise ValueError(f"the parts of {name} do not fit each other or {features} features")
    if name == "knn" and not 1 <= int(arrays["k"][0]) <= len(arrays["x"]):
        raise ValueError(f"{name} cannot have {int(arrays['k'][0])} neighbours of {len(arrays['x'])}")
    if "root" in arrays and not _are_trees(arrays, features):
        raise ValueError(f"the nodes of {name} are no trees over {features} features")


def _are_trees(arrays: Mapping[str, NDArray[Any]], features: int) -> bool:
    """Whether every node leads to later ones, or as a leaf to itself: then every walk ends."""
    own = np.arange(len(arrays["left"]))
    left, right, root, feature = (arrays[part] for part in ("left", "right", "root", "feature"))
    leaf = (left == own) & (right == own)
    onward = (left > own) & (right > own) & (left < own.size) & (right < own.size)
    inside = (root >= 0).all() and (root < own.size).all() and (feature >= 0).all() and (feature < features).all()
    return bool((leaf | onward).all() and inside and root.ndim == 1 and root.size)


def _predict(name: str, arrays: Mapping[str, NDArray[Any]], x: NDArray[Any]) -> Labels:
    said: NDArray[np.bool_]
    if name == "svm":
        near = np.exp(-float(arrays["gamma"][0]) * _squared(x, arrays["vectors"]))
        said = near @ arrays["coef"] + arrays["intercept"][0] > 0
    elif name == "lr":
        said = x @ arrays["coef"] + arrays["intercept"][0] > 0
    elif name == "nb":
        said = _bayes(arrays, x)
    elif name == "knn":
        k = int(arrays["k"][0])
        nearest = np.argpartition(_squared(x, arrays["x"]), k - 1, axis=1)[:, :k]
        said = 2 * arrays["y"][nearest].sum(axis=1) > k
    else:
        share = arrays["value"][_leaves(arrays, x)]  # (N, trees): probability of class 1
        weight = arrays.get("weight")
        said = share.mean(axis=1) > 0.5 if weight is None else np.where(share > 0.5, 1.0, -1.0) @ weight > 0
    return said.astype(np.int64)


def _bayes(arrays: Mapping[str, NDArray[Any]], x: NDArray[Any]) -> NDArray[np.bool_]:
    no, yes = (
        np.log(prior) - 0.5 * (np.log(2 * np.pi * var).sum() + ((x - mean) ** 2 / var).sum(axis=1))
        for mean, var, prior in zip(arrays["mean"], arrays["var"], arrays["prior"], strict=True)
    )
    more: NDArray[np.bool_] = yes > no
    return more


def _squared(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """(N, M) squared distances."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    squared: NDArray[np.float64] = np.maximum((a**2).sum(1)[:, None] - 2 * a @ b.T + (b**2).sum(1), 0.0)
    return squared


def _trees(estimators: list[Any]) -> Arrays:
    """All trees' nodes in one row; children point into it, a leaf points to itself."""
    left, right, feature, threshold, value, root = [], [], [], [], [], []
    base = 0
    for estimator in estimators:
        tree = estimator.tree_
        own = np.arange(tree.node_count)
        leaf = tree.children_left < 0
        left.append(base + np.where(leaf, own, tree.children_left))
        right.append(base + np.where(leaf, own, tree.children_right))
        feature.append(np.where(leaf, 0, tree.feature))
        threshold.append(tree.threshold)
        counts = tree.value[:, 0, :]
        # A tree that saw one class only has one column.
        one = counts[:, 1] if counts.shape[1] > 1 else np.full(len(counts), float(estimator.classes_[0]))
        value.append(one / counts.sum(axis=1))
        root.append(base)
        base += tree.node_count
    joined = (np.concatenate(part) for part in (left, right, feature, threshold, value))
    names = ("left", "right", "feature", "threshold", "value")
    arrays = dict(zip(names, joined, strict=True))
    for name in names[:3]:
        arrays[name] = arrays[name].astype(np.int32)
    return {**arrays, "root": np.array(root, np.int32)}


def _leaves(arrays: Mapping[str, NDArray[Any]], x: NDArray[Any]) -> NDArray[np.int64]:
    """(N, trees) the leaf that each row ends in."""
    x = np.asarray(x, np.float32)  # as the library compares
    at = np.broadcast_to(arrays["root"].astype(np.int64), (len(x), len(arrays["root"]))).copy()
    rows = np.arange(len(x))[:, None]
    while True:
        below = x[rows, arrays["feature"][at]] <= arrays["threshold"][at]
        after = np.where(below, arrays["left"][at], arrays["right"][at]).astype(np.int64)
        if (after == at).all():
            return at
        at = after

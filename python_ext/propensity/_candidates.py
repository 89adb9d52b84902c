"""The algorithms that stand for election: their settings, and how each is fitted."""

from __future__ import annotations

import itertools
import warnings
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

from python_ext.propensity._binned import BinnedBoosting, Bins
from python_ext.propensity._network import train_network

ALGORITHMS = (
    "logistic_regression",
    "decision_tree",
    "random_forest",
    "gradient_boosting",
    "neural_network",
)  # simplest first
BASELINES = ("recency_alone", "prevalence")
FOREST_TREES = 50
TRIAL_TREES = 20  # enough to tell settings apart on a part of the customers
FOREST_LEAVES = 256
BOOSTING_BINS = 64

Settings = dict[str, Any]


@dataclass(frozen=True)
class Algorithm:
    """How one algorithm is made.

    Attributes
    ----------
    build
        Settings, training rows and seed → an estimator that is not fitted.
    reads
        ``scaled``, ``filled`` or ``open``: see ``_preparation``.
    default, choices
        The setting tried first, and what others are drawn from.
    lengths
        Trees or epochs at which one fit is looked at; which is best costs no further fit.
    trial_length
        Longest fit on a part of the customers, who need fewer trees; 0 for no such limit.
    cap
        How many times ``SearchBudget.capped_rows`` it is fitted on at most; 0 for all rows, which
        only boosting reads fast enough.
    """

    build: Callable[[Settings, int, int], Any]
    reads: str
    default: Settings
    choices: Mapping[str, tuple[Any, ...]]
    lengths: tuple[int, ...] = ()
    length_name: str = ""
    trial_length: int = 0
    cap: int = 0


def _logistic(settings: Settings, rows: int, seed: int) -> LogisticRegression:
    mixed = settings["l1_ratio"] > 0
    return LogisticRegression(
        C=settings["C"],
        l1_ratio=settings["l1_ratio"],
        solver="saga" if mixed else "lbfgs",
        max_iter=50 if mixed else 300,
        tol=1e-3 if mixed else 1e-4,
        random_state=seed,
    )


def _least_leaf(share: float, rows: int) -> int:
    return max(10, min(200, int(share * rows)))


def _tree(settings: Settings, rows: int, seed: int) -> DecisionTreeClassifier:
    return DecisionTreeClassifier(
        max_depth=settings["max_depth"],
        min_samples_leaf=_least_leaf(settings["leaf_share"], rows),
        criterion="log_loss",
        random_state=seed,
    )


def _forest(settings: Settings, rows: int, seed: int) -> RandomForestClassifier:
    return RandomForestClassifier(
        n_estimators=settings.get("trees", FOREST_TREES),
        max_depth=settings["max_depth"],
        min_samples_leaf=settings["min_samples_leaf"],
        max_features=settings["max_features"],
        # What explaining a million rows within a minute allows.
        max_leaf_nodes=FOREST_LEAVES,
        max_samples=0.5,
        random_state=seed,
    )


def _boosting(settings: Settings, rows: int, seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=settings["max_iter"],
        learning_rate=settings["learning_rate"],
        max_leaf_nodes=settings["max_leaf_nodes"],
        min_samples_leaf=max(10, min(60, rows // 50)),
        l2_regularization=settings["l2_regularization"],
        max_features=settings["max_features"],
        max_bins=BOOSTING_BINS,
        # Early stopping would split customers at random inside the fold.
        early_stopping=False,
        random_state=seed,
    )


def _network(settings: Settings, rows: int, seed: int) -> MLPClassifier:
    return MLPClassifier(
        hidden_layer_sizes=tuple(settings["hidden"]),
        alpha=settings["alpha"],
        learning_rate_init=settings["learning_rate_init"],
        batch_size=min(256, rows),
        random_state=seed,
    )


CATALOGUE: dict[str, Algorithm] = {
    "logistic_regression": Algorithm(
        _logistic,
        "scaled",
        {"C": 0.03, "l1_ratio": 0.0},
        {"C": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0), "l1_ratio": (0.0, 0.0, 0.5)},
        cap=3,
    ),
    "decision_tree": Algorithm(
        _tree,
        "filled",
        {"max_depth": 5, "leaf_share": 0.01},
        {"max_depth": (3, 4, 5, 6, 8), "leaf_share": (0.003, 0.01, 0.02, 0.04)},
        cap=3,
    ),
    "random_forest": Algorithm(
        _forest,
        "filled",
        {"max_depth": 10, "min_samples_leaf": 10, "max_features": "sqrt"},
        {
            "max_depth": (5, 8, 10, 14),
            "min_samples_leaf": (5, 10, 20, 40),
            "max_features": ("sqrt", 0.2),
        },
        cap=1,
    ),
    "gradient_boosting": Algorithm(
        _boosting,
        "open",
        {
            "learning_rate": 0.06,
            "max_leaf_nodes": 16,
            "l2_regularization": 10.0,
            "max_features": 0.5,
        },
        {
            "learning_rate": (0.06, 0.1, 0.15),
            "max_leaf_nodes": (3, 4, 6, 8, 16),
            "l2_regularization": (0.1, 1.0, 10.0, 50.0),
            "max_features": (1.0, 0.5, 0.25),
        },
        lengths=(10, 20, 30, 40, 60, 80, 100, 130, 160),
        length_name="max_iter",
        trial_length=80,
    ),
    "neural_network": Algorithm(
        _network,
        "scaled",
        {"hidden": (16,), "alpha": 0.1, "learning_rate_init": 0.003},
        {
            "hidden": ((8,), (16,), (32,), (16, 8)),
            "alpha": (0.001, 0.01, 0.1, 1.0, 3.0),
            "learning_rate_init": (0.001, 0.003, 0.01),
        },
        lengths=(3, 6, 10, 15, 20),
        length_name="epochs",
        cap=1,
    ),
}


def draw_settings(algorithm: str, *, count: int, seed: int) -> list[Settings]:
    """The default and further settings drawn at random without repetition."""
    known = CATALOGUE[algorithm]
    every = [
        dict(zip(known.choices, values, strict=True))
        for values in itertools.product(*(dict.fromkeys(c) for c in known.choices.values()))
    ]
    others = [settings for settings in every if settings != known.default]
    # A seed of its own for each algorithm, so that none depends on which others are asked for.
    rng = np.random.default_rng([seed, zlib.crc32(algorithm.encode())])
    drawn = rng.permutation(len(others))[: max(count - 1, 0)]
    return [dict(known.default), *(others[i] for i in drawn)]


def fit_at_lengths(
    algorithm: str,
    settings: Settings,
    values: np.ndarray,
    label: np.ndarray,
    unseen: np.ndarray,
    *,
    seed: int,
    is_trial: bool = False,
    bins: Bins | None = None,
) -> dict[int, np.ndarray]:
    """Probabilities of unseen rows at each length of one fit; at length 0 where there are none.

    A trial, on a part of the customers, goes no further than ``trial_length``. Boosting that is
    fitted on the same rows several times is given their ``bins``.
    """
    known = CATALOGUE[algorithm]
    lengths = [n for n in known.lengths if not (is_trial and n > known.trial_length > 0)]
    if not known.lengths:
        model = fit_estimator(algorithm, settings, values, label, seed=seed)
        return {0: model.predict_proba(unseen)[:, 1]}
    if algorithm == "gradient_boosting":
        longest = {**settings, known.length_name: lengths[-1]}
        model = fit_estimator(algorithm, longest, values, label, seed=seed, bins=bins)
        stages = enumerate(model.staged_predict_proba(unseen), start=1)
        return {n: stage[:, 1] for n, stage in stages if n in lengths}
    model, found = known.build(settings, len(values), seed), {}
    for epoch, fitted in train_network(model, values, label, epochs=known.lengths[-1], seed=seed):
        if epoch in known.lengths:
            found[epoch] = fitted.predict_proba(unseen)[:, 1]
    return found


def without_unknown_columns(values: np.ndarray) -> np.ndarray:
    """The same with 0 in columns of which no value is known: boosting cannot bin nothing.

    Such a column is never split on, so that what it holds in other rows does not matter.
    """
    unknown = np.isnan(values).all(axis=0)
    return np.where(unknown, 0.0, values) if unknown.any() else values


def find_bins(values: np.ndarray) -> Bins:
    """The bins of rows that boosting is fitted on several times."""
    return Bins.find(without_unknown_columns(values), max_bins=BOOSTING_BINS)


def fit_estimator(
    algorithm: str,
    settings: Settings,
    values: np.ndarray,
    label: np.ndarray,
    *,
    seed: int,
    bins: Bins | None = None,
) -> Any:
    """The fitted estimator of one setting, its length included."""
    known = CATALOGUE[algorithm]
    model = known.build(settings, len(values), seed)
    with warnings.catch_warnings():
        # A penalty that needs more steps than it gets is judged by its figure, as all are.
        warnings.simplefilter("ignore", ConvergenceWarning)
        if algorithm == "gradient_boosting":
            values = without_unknown_columns(values)
        if bins is not None:
            return BinnedBoosting(**model.get_params()).fit_binned(values, label, bins=bins)
        if algorithm != "neural_network":
            return model.fit(values, label)
    for _ in train_network(model, values, label, epochs=settings[known.length_name], seed=seed):
        pass
    # What only further training would need.
    for name in ("_optimizer", "_best_coefs", "_best_intercepts", "_random_state"):
        setattr(model, name, None)
    return model

"""Why a model says what it says: effects of the features that add up to its log-odds.

The question is put against one reference customer: the median of every number and the most
frequent level of every category of the training rows. A coalition of features takes its values
from the customer and all others from the reference; what it is worth is the model's output. A
feature's effect is its Shapley value in that game, the only division that adds up, gives nothing
to a feature that never matters and equal shares to features that always do the same (Shapley 1953;
Lundberg and Lee 2017).

A feature is one player, however many columns are made of it: its levels, its imputed value and the
flag that says so. Values that are unknown are filled before the game, each row by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from python_ext.errors import SegmentationError
from python_ext.propensity._calibration import calibrate
from python_ext.propensity._recalibration import SMALLEST, logit
from python_ext.propensity._sampled_shapley import NetworkExplainer
from python_ext.propensity._tree_shapley import TreeExplainer, read_boosted_tree, read_tree


@dataclass(frozen=True)
class Explanation:
    """Effects of the features on the log-odds before calibration.

    Attributes
    ----------
    features
        Names of the source features, in the order of the model.
    base
        Log-odds of the reference customer.
    effects
        Shape (rows, features); positive raises the probability.
    """

    features: list[str]
    base: float
    effects: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """What base and effects add up to: the log-odds of each row before calibration."""
        return self.base + self.effects.sum(axis=1)


class _Game(Protocol):
    """An explainer of encoded rows: ``base`` and ``effects`` add up to the output."""

    base: float

    def effects(self, values: np.ndarray) -> np.ndarray:
        """Shape (rows, players)."""
        ...


class LinearExplainer:
    """Coefficient times distance from the reference, summed over the columns of a feature."""

    def __init__(
        self, estimator: LogisticRegression, *, players: np.ndarray, reference: np.ndarray
    ) -> None:
        self._weights, self._reference, self._players = estimator.coef_[0], reference, players
        self._count = int(players.max()) + 1
        self.base = float(estimator.intercept_[0] + (self._weights * reference).sum())

    def effects(self, values: np.ndarray) -> np.ndarray:
        found = np.zeros((self._count, len(values)))
        for column, player in enumerate(self._players):
            away = values[:, column] - self._reference[column]
            found[player] += self._weights[column] * away
        return found.T


class ForestExplainer:
    """Effects on a forest's log-odds, by way of its probability.

    A forest averages probabilities, and the log-odds of an average are no sum over trees. So the
    Shapley values are those of the probability, exact, and one factor per row puts them on the
    scale of log-odds: (difference in log-odds) / (difference in probability) from the reference,
    the rule by which Shapley values pass through a series of models (Chen, Lundberg and Lee 2022).
    Sum, order, sign and shares stay those of the exact values.
    """

    def __init__(
        self, estimator: RandomForestClassifier, *, players: np.ndarray, reference: np.ndarray
    ) -> None:
        count = len(estimator.estimators_)
        trees = [read_tree(tree.tree_, lambda share: share / count) for tree in estimator]
        self._trees = TreeExplainer(trees, offset=0.0, players=players, reference=reference)
        self.base = float(logit(np.array(self._trees.base)))

    def effects(self, values: np.ndarray) -> np.ndarray:
        found = self._trees.effects(values)
        start = self._trees.base
        away = found.sum(axis=1)
        far = np.abs(away) > 1e-9
        slope = np.where(
            far,
            (logit(start + away) - self.base) / np.where(far, away, 1.0),
            # The limit of the factor, where customer and reference get the same probability.
            1 / max(start * (1 - start), SMALLEST),
        )
        return found * slope[:, None]


def _explainer(estimator: Any, *, players: np.ndarray, reference: np.ndarray) -> _Game:
    if isinstance(estimator, LogisticRegression):
        return LinearExplainer(estimator, players=players, reference=reference)
    if isinstance(estimator, RandomForestClassifier):
        return ForestExplainer(estimator, players=players, reference=reference)
    if isinstance(estimator, DecisionTreeClassifier):
        trees, offset = [read_tree(estimator.tree_, logit)], 0.0
        return TreeExplainer(trees, offset=offset, players=players, reference=reference)
    if isinstance(estimator, HistGradientBoostingClassifier):
        trees = [read_boosted_tree(stage[0]) for stage in estimator._predictors]
        offset = float(np.ravel(estimator._baseline_prediction)[0])
        return TreeExplainer(trees, offset=offset, players=players, reference=reference)
    if isinstance(estimator, MLPClassifier):
        return NetworkExplainer(estimator, players=players, reference=reference)
    raise SegmentationError(
        f"a {type(estimator).__name__} cannot be explained. Write an explainer for it in "
        "propensity/_shapley.py, or leave its algorithm out of propensity_algorithms."
    )


class Explainer:
    """All that explaining one model needs, made once and used for every batch.

    Parameters
    ----------
    model
        A fitted ``PropensityModel``. The last step of its ``pipeline`` is the estimator; what the
        steps before it give is made of its ``features``, each column of one.

    Attributes
    ----------
    features
        Names of the features.
    players
        Per column that the estimator sees the position of its feature.
    base
        Log-odds of the reference customer.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.features = [feature.name for feature in model.features]
        self.players = np.empty(0, dtype=int)
        self._game: _Game | None = None
        if model.pipeline is None:
            self.base = float(logit(np.array(model.prevalence)))
            return
        with threadpool_limits(1):
            reference = self.encode(reference_frame(model))[0]
            self.players = column_sources(model)
            if len(self.players) != len(reference):
                raise SegmentationError(
                    f"the model {model.model_id} has {len(reference)} columns, of which "
                    f"{len(self.players)} are known by their feature: it cannot be explained"
                )
            self._game = _explainer(model.pipeline[-1], players=self.players, reference=reference)
        self.base = self._game.base

    def encode(self, frame: pd.DataFrame) -> np.ndarray:
        """What the estimator sees of the rows."""
        if not len(frame):
            return np.empty((0, len(self.players)))
        return encode(self.model, frame)

    def log_odds(self, encoded: np.ndarray) -> np.ndarray:
        """Log-odds of encoded rows before calibration."""
        if not len(encoded):
            return np.empty(0)
        if isinstance(self._game, NetworkExplainer):
            return self._game.output(encoded)
        return self.model.prepared_log_odds(encoded)

    def explain(self, encoded: np.ndarray) -> Explanation:
        """Effects of encoded rows."""
        effects = np.zeros((len(encoded), len(self.features)))
        if self._game is not None and len(encoded):
            with threadpool_limits(1):
                found = self._game.effects(encoded)
            effects[:, : found.shape[1]] = found
        return Explanation(self.features, self.base, effects)


def explain(model: Any, frame: pd.DataFrame) -> Explanation:
    """Effects of the features of a model on its log-odds before calibration.

    Exact for the logistic regression (coefficient times distance), for a decision tree and for
    gradient boosting (both additive over leaves), for a random forest exact on the probability
    and then put on the log-odds scale (``ForestExplainer``). For a neural network the mean over
    permutations drawn in pairs of a row and its reverse, each of which adds up.

    Parameters
    ----------
    model
        A ``PropensityModel``.
    frame
        Rows with the columns of its features.

    Returns
    -------
    Explanation
        ``total`` is ``model.log_odds(frame)`` to rounding.
    """
    explainer = Explainer(model)
    if model.pipeline is None:
        return Explanation(explainer.features, explainer.base, np.zeros((len(frame), 0)))
    return explainer.explain(explainer.encode(frame))


# What is asked of a model, in one place.


def encode(model: Any, frame: pd.DataFrame) -> np.ndarray:
    """What the last step of the pipeline sees of these rows."""
    return np.asarray(model.prepare(frame), dtype=float)


def column_sources(model: Any) -> np.ndarray:
    """Per column that the estimator sees the position of the feature it is made of."""
    return np.asarray(model.output_features, dtype=int)


def reference_frame(model: Any) -> pd.DataFrame:
    """The reference customer as a frame of one row, in raw units."""
    values = {f.name: v for f, v in zip(model.features, model.typical, strict=True)}
    return pd.DataFrame([values])


def probability_of(model: Any, odds: np.ndarray) -> np.ndarray:
    """Calibrated probability of log-odds before calibration."""
    if not len(odds):
        return np.empty(0)
    return calibrate(model.calibrator, expit(odds))

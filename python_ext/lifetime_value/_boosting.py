"""Two-stage gradient boosting: whether a customer buys in the horizon, and how much if so."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import GroupKFold
from skops.io.exceptions import UntrustedTypesFoundException
from threadpoolctl import threadpool_limits

import python_ext._learning_libraries  # noqa: F401
from python_ext.errors import SegmentationError
from python_ext.features import Feature, feature_matrix
from python_ext.propensity._artefact import ArtefactError, _reproducible, undisturbed

FORMAT = "segmentation.value.1"
TRUSTED = [
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
]
MIN_BUYERS = 50
FOLDS = 3
TREES = tuple(range(10, 121, 10))
# A sale of nothing has no logarithm; a cent is little enough.
SMALLEST_SPEND = 0.01


@dataclass(frozen=True)
class TwoStageModel:
    """Expected net revenue of the horizon: probability of buying × spend if so × correction.

    Attributes
    ----------
    features
        Input columns in order.
    buys, spends
        Fitted estimators; the second has a gamma loss and a log link, so that it gives means of
        skewed amounts and no correction of a logarithm is due.
    correction
        Net revenue over what both stages together predict, out of fold on the training rows:
        returns, and whatever the stages get wrong together.
    """

    features: list[Feature]
    buys: Any
    spends: Any
    correction: float
    trees: tuple[int, int]

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Expected net revenue of each row."""
        if not len(frame):
            return np.empty(0)
        values = feature_matrix(frame, self.features)
        with threadpool_limits(1, user_api="openmp"):
            buys = self.buys.predict_proba(values)[:, 1]
            return buys * self.spends.predict(values) * self.correction

    def to_bytes(self) -> bytes:
        """A skops file; the same model gives the same bytes."""
        content = {
            "format": FORMAT,
            "features": [dict(feature.__dict__) for feature in self.features],
            "buys": self.buys,
            "spends": self.spends,
            "correction": self.correction,
            "trees": list(self.trees),
        }
        return _reproducible(skops.io.dumps(content))

    @classmethod
    def from_bytes(cls, artefact: bytes, *, sha256: str) -> TwoStageModel:
        """Read a model back after checking that its bytes are the ones once written.

        Raises
        ------
        ArtefactError
            The hash differs, a type is not on the trusted list, or the format is unknown.
        """
        artefact = bytes(artefact)
        if hashlib.sha256(artefact).hexdigest() != sha256:
            raise ArtefactError(
                "the value model of ml_value_models was altered after it was written: its hash "
                "differs. Run `segmentation models repair`, then build again."
            )
        try:
            content = undisturbed(lambda: skops.io.loads(artefact, trusted=TRUSTED))
        except (UntrustedTypesFoundException, TypeError, zipfile.BadZipFile, KeyError) as error:
            raise ArtefactError(
                f"the value model of ml_value_models is refused: {error}"
            ) from error
        if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
            raise ArtefactError(f"the value model of ml_value_models is not of the format {FORMAT}")
        features = [Feature(**feature) for feature in content.pop("features")]
        return cls(features=features, **{**content, "trees": tuple(content["trees"])})


def train_two_stage(
    examples: pd.DataFrame, features: Sequence[Feature], *, seed: int = 42
) -> tuple[TwoStageModel, np.ndarray]:
    """Fit both stages; the number of trees comes from folds that never divide a customer.

    Parameters
    ----------
    examples : pandas.DataFrame
        ``customer_key``, ``purchases``, ``sold_revenue`` and ``net_revenue`` of the horizon, and
        the feature columns, one row per customer and train cutoff.
    features
        Features to learn from. Unknown values get branches of their own.
    seed
        Of the boosting.

    Returns
    -------
    tuple of TwoStageModel and numpy.ndarray
        The model, and its out-of-fold predictions of the rows (for a look at the gap between a
        random split and time).

    Raises
    ------
    SegmentationError
        Too few customers bought, or did not, to learn from.
    """
    buyers = (examples["purchases"] > 0).to_numpy()
    few = min(buyers.sum(), (~buyers).sum())
    if few < MIN_BUYERS or examples["customer_key"].nunique() < FOLDS:
        raise SegmentationError(
            f"{int(buyers.sum())} of {len(buyers)} rows bought in the horizon; {MIN_BUYERS} are "
            "needed that did, and as many that did not."
        )
    # One thread: the order of a parallel sum is not fixed, and two builds must agree.
    with threadpool_limits(1, user_api="openmp"):
        return _train(examples, features, buyers, seed)


def _train(
    examples: pd.DataFrame, features: Sequence[Feature], buyers: np.ndarray, seed: int
) -> tuple[TwoStageModel, np.ndarray]:
    values = feature_matrix(examples, features)
    spend = np.maximum(examples["sold_revenue"].to_numpy(dtype=float), SMALLEST_SPEND)
    net = examples["net_revenue"].to_numpy(dtype=float)
    group = pd.factorize(examples["customer_key"], sort=True)[0]
    bought, spent = np.empty((2, len(TREES), len(values)))
    for inside, outside in GroupKFold(FOLDS).split(values, groups=group):
        buying = inside[buyers[inside]]
        first = _buys(TREES[-1], len(inside), seed).fit(_known(values[inside]), buyers[inside])
        second = _spends(TREES[-1], len(buying), seed).fit(_known(values[buying]), spend[buying])
        for n, part in enumerate(first.staged_predict_proba(values[outside]), start=1):
            if n in TREES:
                bought[TREES.index(n), outside] = part[:, 1]
        for n, part in enumerate(second.staged_predict(values[outside]), start=1):
            if n in TREES:
                spent[TREES.index(n), outside] = part
    first_trees = int(np.argmin([_log_loss(buyers, p) for p in bought]))
    second_trees = int(np.argmin([_gamma_loss(spend[buyers], s[buyers]) for s in spent]))
    raw = bought[first_trees] * spent[second_trees]
    correction = float(max(net.sum(), 0.0) / raw.sum())
    trees = TREES[first_trees], TREES[second_trees]
    rows = len(values), int(buyers.sum())
    model = TwoStageModel(
        features=list(features),
        buys=_buys(trees[0], rows[0], seed).fit(_known(values), buyers),
        spends=_spends(trees[1], rows[1], seed).fit(_known(values[buyers]), spend[buyers]),
        correction=correction,
        trees=trees,
    )
    return model, raw * correction


def describe(model: TwoStageModel) -> str:
    """Parameters as JSON."""
    names = ("learning_rate", "max_leaf_nodes", "min_samples_leaf", "l2_regularization")
    settings = {
        stage: {"max_iter": trees, **{n: getattr(estimator, n) for n in names}}
        for stage, estimator, trees in (
            ("buys", model.buys, model.trees[0]),
            ("spends", model.spends, model.trees[1]),
        )
    }
    return json.dumps({**settings, "correction": model.correction})


def _known(values: np.ndarray) -> np.ndarray:
    """Zeros in columns of which nothing is known: the estimator cannot bin them otherwise."""
    return np.where(np.isnan(values).all(axis=0), 0.0, values)


def _settings(trees: int, rows: int, seed: int) -> dict[str, Any]:
    return {
        "max_iter": trees,
        "learning_rate": 0.08,
        "max_leaf_nodes": 12,
        "max_bins": 64,
        "min_samples_leaf": max(10, min(60, rows // 50)),
        "l2_regularization": 1.0,
        # Early stopping would split customers at random inside the fold.
        "early_stopping": False,
        "random_state": seed,
    }


def _buys(trees: int, rows: int, seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(**_settings(trees, rows, seed))


def _spends(trees: int, rows: int, seed: int) -> HistGradientBoostingRegressor:
    return HistGradientBoostingRegressor(loss="gamma", **_settings(trees, rows, seed))


def _log_loss(label: np.ndarray, probability: np.ndarray) -> float:
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    return float(-np.log(np.where(label, clipped, 1 - clipped)).mean())


def _gamma_loss(actual: np.ndarray, predicted: np.ndarray) -> float:
    return float((np.log(predicted) + actual / predicted).mean())

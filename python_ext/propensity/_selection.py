"""Which features help on rows that were not learned from; found inside one training part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from python_ext.features import Feature
from python_ext.propensity import _metrics
from python_ext.propensity._artefact import estimator_log_odds
from python_ext.propensity._binned import BinnedBoosting, Bins
from python_ext.propensity._candidates import without_unknown_columns
from python_ext.propensity._folds import group_ranks, grouped_folds
from python_ext.propensity._preparation import Prepared

DUPLICATE = 0.98  # correlation
SELECTION_ROWS = 12000
LEAST_CLASS_ROWS = 100
FLOORS = (2.0, 1.0, 0.0)  # standard errors by which shuffling a feature must hurt
QUICK_BINS = 32


@dataclass(frozen=True)
class Selection:
    """Features that are kept, and why each of the others is not."""

    kept: list[Feature]
    dropped: dict[str, str]


def usable_features(
    frame: pd.DataFrame,
    features: Sequence[Feature],
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
) -> Selection:
    """Leave out features that have nothing to tell: no value, one value, or known too rarely."""
    kept, dropped = [], {}
    for feature in features:
        column = frame[feature.name]
        known = column.notna().to_numpy()
        if not known.any():
            dropped[feature.name] = "no value is known in training"
        elif not all(known[inside].any() for inside, _ in folds):
            dropped[feature.name] = "a value is known of too few training rows"
        elif known.all() and column.nunique() == 1:
            dropped[feature.name] = "one value in training"
        else:
            kept.append(feature)
    return Selection(kept, dropped)


def without_duplicates(
    frame: pd.DataFrame, features: Sequence[Feature], *, label: np.ndarray
) -> Selection:
    """Of numbers that say the same thing keep the one that goes with the label most.

    Two columns with a correlation of ``DUPLICATE`` or more, unknown in the same rows, share one
    effect between them at random, so that neither can be read.
    """
    numbers = [feature for feature in features if feature.kind == "number"]
    values = frame[[feature.name for feature in numbers]].to_numpy(dtype=float)
    unknown = np.isnan(values)
    filled = np.where(unknown, _column_means(values), values)
    spread = filled.std(axis=0)
    standard = (filled - filled.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    together = np.abs(standard.T @ standard) / max(len(values), 1)
    # Rounded: which of two copies stays must not hang on the last digit.
    with_label = np.abs(standard.T @ (label - label.mean())) / max(len(values), 1)
    with_label = with_label.round(6)
    dropped: dict[str, str] = {}
    for j in np.argsort(-with_label, kind="stable"):
        if numbers[j].name in dropped:
            continue
        for k in np.flatnonzero(together[j] >= DUPLICATE):
            weaker = (with_label[k], -k) < (with_label[j], -j)
            if weaker and (unknown[:, j] == unknown[:, k]).all():
                dropped.setdefault(
                    numbers[k].name,
                    f"says the same as {numbers[j].name} (correlation {together[j, k]:.3f})",
                )
    return Selection([f for f in features if f.name not in dropped], dropped)


def _column_means(values: np.ndarray) -> np.ndarray:
    known = ~np.isnan(values)
    return np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


def _quick_learners(rows: int, seed: int) -> dict[str, Any]:
    """One that sees sums and one that sees steps and combinations; both fast."""
    boosting = BinnedBoosting(
        max_iter=40,
        max_leaf_nodes=8,
        max_bins=QUICK_BINS,
        min_samples_leaf=max(10, rows // 50),
        l2_regularization=10.0,
        early_stopping=False,
        random_state=seed,
    )
    linear = LogisticRegression(C=0.03, max_iter=300, random_state=seed)
    return {"linear": linear, "boosting": boosting}


READS = {"linear": "scaled", "boosting": "open"}  # of the quick learners


class _Half:
    """One half of the rows to learn from, the other to be judged on, as a learner reads them.

    Made once: a part of the features is a part of the columns.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        features: list[Feature],
        *,
        label: np.ndarray,
        group: np.ndarray,
        fold: tuple[np.ndarray, np.ndarray],
        seed: int,
    ) -> None:
        self.inside, self.outside = fold
        self._label, self._seed = label[self.inside], seed
        inside, outside = frame.iloc[self.inside], frame.iloc[self.outside]
        known = Prepared.fit(inside, features, label=self._label, group=group[self.inside])
        self._learned, self._unseen, self.columns = {}, {}, {}
        for name, reads in READS.items():
            self._learned[name] = without_unknown_columns(known.matrix(reads))
            self._unseen[name] = known.transform(outside, reads)
            self.columns[name] = _columns_of(known, reads, features)
        self._bins = Bins.find(self._learned["boosting"], max_bins=QUICK_BINS)

    def fit(self, name: str, kept: Sequence[int] | None = None) -> tuple[Any, np.ndarray]:
        """A quick learner, and the rows to be judged as it reads them; of some features or all."""
        learner = _quick_learners(len(self.inside), self._seed)[name]
        learned, unseen, bins = self._learned[name], self._unseen[name], self._bins
        if kept is not None:
            columns = np.sort(np.concatenate([self.columns[name][j] for j in kept]))
            learned, unseen = learned.take(columns, axis=1), unseen.take(columns, axis=1)
            bins = bins.of(columns) if name == "boosting" else bins
        if name == "boosting":
            return learner.fit_binned(learned, self._label, bins=bins), unseen
        return learner.fit(learned, self._label), unseen


def useful_features(
    frame: pd.DataFrame,
    features: Sequence[Feature],
    *,
    label: np.ndarray,
    group: np.ndarray,
    seed: int,
    rows: int = SELECTION_ROWS,
) -> Selection:
    """Drop what does not help out of fold, by permutation importance.

    Two quick learners are fitted on one half of the customers and judged on the other, both ways
    round. A feature helps when shuffling its values among the judged rows raises the log loss of
    either learner by more than a floor of standard errors (Breiman 2001). Features that speak for
    each other may all look idle, and the best of many look better than they are, so a floor must
    prove itself: the features it keeps by one half must predict the other at least as well as all
    features do, with either learner. The highest of ``FLOORS`` that does is taken; if none does,
    every feature stays.

    Parameters
    ----------
    frame
        A ``feature_frame`` of one training part.
    rows
        Rows looked at, those of customers drawn by hash.

    Returns
    -------
    Selection
    """
    features = list(features)
    drawn = np.flatnonzero(group_ranks(group, seed=seed) < rows / max(len(group), 1))
    frame, label, group = frame.iloc[drawn], label[drawn], np.asarray(group)[drawn]
    if len(features) < 2 or min(label.sum(), (~label).sum()) < LEAST_CLASS_ROWS:
        return Selection(features, {})
    folds = grouped_folds(label, group, folds=2, seed=seed)
    halves = [
        _Half(frame, features, label=label, group=group, fold=fold, seed=seed) for fold in folds
    ]
    loss, gain = _permutation_gains(halves, label, features=len(features), seed=seed)
    strength = _strength(gain)
    for floor in FLOORS:
        dropped = strength <= floor
        if dropped.all():
            continue
        if not dropped.any():
            break
        if _holds(loss, gain, floor, halves, label):
            kept = [f for f, gone in zip(features, dropped, strict=True) if not gone]
            reasons = {
                feature.name: f"does not help out of fold: shuffled, the log loss changes by "
                f"{value:+.1f} standard errors"
                for feature, value, gone in zip(features, strength, dropped, strict=True)
                if gone
            }
            return Selection(kept, reasons)
    return Selection(features, {})


def _strength(gain: dict[str, np.ndarray]) -> np.ndarray:
    """Mean rise of the loss over its standard error, per feature, of the learner it helps most."""
    found = []
    for rise in gain.values():
        error = rise.std(axis=0) / np.sqrt(len(rise))
        found.append(np.where(error > 0, rise.mean(axis=0) / np.where(error > 0, error, 1.0), 0.0))
    return np.max(found, axis=0)


def _permutation_gains(
    halves: Sequence[_Half], label: np.ndarray, *, features: int, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Per learner: out-of-fold loss of each row, and its rise with each feature shuffled."""
    loss = {name: np.empty(len(label)) for name in READS}
    gain = {name: np.zeros((len(label), features)) for name in loss}
    rng = np.random.default_rng(seed)
    for half in halves:
        outside, happened = half.outside, label[half.outside]
        order = rng.permutation(len(outside))
        for name in READS:
            learner, values = half.fit(name)
            judge = _Shuffled(learner, values, order)
            loss[name][outside] = _loss_of(judge.odds, happened)
            for j, columns in enumerate(half.columns[name]):
                odds = judge.without(columns)
                if odds is not None:
                    gain[name][outside, j] = _loss_of(odds, happened) - loss[name][outside]
    return loss, gain


class _Shuffled:
    """Log-odds of a learner when columns are shuffled, from what reads these columns alone."""

    def __init__(self, learner: Any, values: np.ndarray, order: np.ndarray) -> None:
        self._learner, self._values, self._order = learner, values, order
        if isinstance(learner, LogisticRegression):
            self.odds = learner.decision_function(values)
            return
        stages = [stage[0] for stage in learner._predictors]
        self._reads = np.zeros((len(stages), values.shape[1]), dtype=bool)
        for i, tree in enumerate(stages):
            self._reads[i, _split_columns(tree)] = True
        bitsets, places = learner._bin_mapper.make_known_categories_bitsets()
        self._read = lambda tree, rows: tree.predict(rows, bitsets, places, 1)
        self._trees = stages
        self._parts = [self._read(tree, values) for tree in stages]
        self.odds = learner._baseline_prediction.ravel() + np.sum(self._parts, axis=0)

    def without(self, columns: np.ndarray) -> np.ndarray | None:
        """Log-odds with these columns shuffled; None where that changes nothing."""
        now = self._values[:, columns]
        if (now == now[0]).all():
            return None
        if isinstance(self._learner, LogisticRegression):
            weights = self._learner.coef_[0, columns]
            if not weights.any():
                return None
            return self.odds + (now[self._order] - now) @ weights
        touched = np.flatnonzero(self._reads[:, columns].any(axis=1))
        if not len(touched):
            return None
        self._values[:, columns] = now[self._order]
        odds = self.odds.copy()
        for i in touched:
            odds += self._read(self._trees[i], self._values) - self._parts[i]
        self._values[:, columns] = now
        return odds


def _loss_of(odds: np.ndarray, label: np.ndarray) -> np.ndarray:
    return _metrics.row_log_loss(label, 1 / (1 + np.exp(-odds)))


def _row_loss(learner: object, values: np.ndarray, label: np.ndarray) -> np.ndarray:
    return _loss_of(estimator_log_odds(learner, values), label)


def _columns_of(known: Prepared, reads: str, features: list[Feature]) -> list[np.ndarray]:
    """Columns of the prepared matrix that each feature feeds, its missing flag included."""
    encoder, imputer = known.steps(reads)[:2]
    source = np.array([encoder.names_[j] for j in encoder.outputs_], dtype=object)
    source = np.concatenate([source, source[imputer.flagged_]])
    return [np.flatnonzero(source == feature.name) for feature in features]


def _split_columns(tree: Any) -> np.ndarray:
    nodes = tree.nodes
    return nodes["feature_idx"][~nodes["is_leaf"].astype(bool)]


def _holds(
    full: dict[str, np.ndarray],
    gain: dict[str, np.ndarray],
    floor: float,
    halves: Sequence[_Half],
    label: np.ndarray,
) -> bool:
    """Whether neither learner is worse for features chosen by this floor on the other half."""
    kept = [
        np.flatnonzero(_strength({n: rise[half.inside] for n, rise in gain.items()}) > floor)
        for half in halves
    ]
    if not all(len(features) for features in kept):
        return False
    # The linear one first: where it is worse, the slower one need not be fitted.
    for name in READS:
        reduced = np.empty(len(label))
        for half, features in zip(halves, kept, strict=True):
            learner, values = half.fit(name, features)
            reduced[half.outside] = _row_loss(learner, values, label[half.outside])
        if reduced.mean() > full[name].mean():
            return False
    return True

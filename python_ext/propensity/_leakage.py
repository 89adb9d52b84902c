"""What must not reach a training row, and how it is refused."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from python_ext.errors import SegmentationError
from python_ext.features import Feature, feature_frame

IMPLAUSIBLE_AUC = 0.99
BINS = 20  # of a number, when one feature alone is judged
MIN_LEVEL_ROWS = 5  # of a category that is judged as a level of its own
JUDGED_ROWS = 20000


class LeakageError(SegmentationError, ValueError):
    """Training saw, or would see, what it must not know."""


def check_windows(
    examples: pd.DataFrame,
    *,
    horizon_days: int | None = None,
    cutoff: str = "cutoff_on",
    ends: str = "label_ends_on",
    split: str = "split",
) -> None:
    """Refuse training labels that are only known after the test cutoff.

    Parameters
    ----------
    examples
        Rows with their ``split`` (train, test) and ``cutoff``; where a column ``ends`` says when
        the label was known it counts, else ``horizon_days`` after the cutoff.

    Raises
    ------
    LeakageError
        If a training label window closes after the first test cutoff.
    """
    part = examples[split].astype(str)
    opened = pd.to_datetime(examples[cutoff])
    if ends in examples.columns:
        closed = pd.to_datetime(examples[ends])
    elif horizon_days is not None:
        closed = opened + pd.Timedelta(days=int(horizon_days))
    else:
        return
    train, test = closed[part == "train"], opened[part == "test"]
    if train.notna().any() and test.notna().any() and train.max() > test.min():
        raise LeakageError(
            f"the last training label window closes on {train.max().date()}, after the test "
            f"cutoff {test.min().date()}: the test would see what training saw. Move the training "
            "cutoffs back by the overlap, or shorten the horizon."
        )


def check_event_times(
    examples: pd.DataFrame, *, cutoff: str = "cutoff_on", last_event: str = "last_event_at"
) -> None:
    """Refuse features that count an event at or after their cutoff.

    Raises
    ------
    LeakageError
        If the latest event that went into a row's features is not before its cutoff.
    """
    late = pd.to_datetime(examples[last_event]) >= pd.to_datetime(examples[cutoff])
    if late.any():
        raise LeakageError(
            f"the features of {int(late.sum())} rows count events at or after the cutoff "
            f"({last_event} is not before {cutoff}). Cut the events off before features are made."
        )


def single_feature_aucs(
    frame: pd.DataFrame,
    features: Iterable[Feature],
    *,
    label: np.ndarray,
    folds: list[tuple[np.ndarray, np.ndarray]],
) -> dict[str, float]:
    """Out-of-fold AUC of each feature on its own.

    A number is cut at its quantiles into ``BINS`` classes, a category taken as it is, the unknown
    being a class too; the rate of a class in the other folds is the prediction. So a relation of
    any shape is found, and a feature without one stays near 0.5. The AUC is the mean over folds.
    """
    label = np.asarray(label, dtype=float)
    found: dict[str, float] = {}
    for feature in features:
        column = feature_frame(frame, [feature])[feature.name]
        scores = []
        for inside, outside in folds:
            if 0 < label[outside].mean() < 1:
                known, unseen = _classes(column.iloc[inside], column.iloc[outside], feature.kind)
                size = np.bincount(known, minlength=max(known.max(), unseen.max()) + 1)
                hits = np.bincount(known, weights=label[inside], minlength=len(size))
                rate = (hits + label[inside].mean()) / (size + 1)
                scores.append(_class_auc(rate, unseen, label[outside]))
        found[feature.name] = float(np.mean(scores)) if scores else np.nan
    return found


def _class_auc(rate: np.ndarray, unseen: np.ndarray, label: np.ndarray) -> float:
    """AUC of predicting each row by the rate of its class; counts of classes are all it needs."""
    _, place = np.unique(rate, return_inverse=True)
    positives = np.bincount(place[unseen], weights=label)
    negatives = np.bincount(place[unseen]) - positives
    below = np.cumsum(negatives) - negatives
    pairs = positives.sum() * negatives.sum()
    return float((positives * (below + negatives / 2)).sum() / pairs)


def _classes(inside: pd.Series, outside: pd.Series, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Class of each row, 0 where it is unknown or was never seen."""
    if kind == "category":
        levels = inside.value_counts()
        index = pd.Index(sorted(levels[levels >= MIN_LEVEL_ROWS].index))
        return index.get_indexer(inside) + 1, index.get_indexer(outside) + 1
    known = inside.to_numpy()[inside.notna()]
    if not len(known):
        return np.zeros(len(inside), dtype=int), np.zeros(len(outside), dtype=int)
    edges = np.unique(np.quantile(known, np.arange(BINS) / BINS))
    return tuple(
        np.where(np.isnan(part), 0, np.maximum(np.searchsorted(edges, part, side="right"), 1))
        for part in (inside.to_numpy(), outside.to_numpy())
    )


def check_features(
    frame: pd.DataFrame,
    features: Iterable[Feature],
    *,
    label: np.ndarray,
    folds: list[tuple[np.ndarray, np.ndarray]],
    highest: float = IMPLAUSIBLE_AUC,
    allowed: Iterable[str] = (),
) -> None:
    """Refuse features that tell the label too well on their own to have been known before it.

    Parameters
    ----------
    highest
        Out-of-fold AUC of one feature alone that is still believed.
    allowed
        Features somebody has looked into and vouches for.

    Raises
    ------
    LeakageError
        Naming the features.
    """
    doubted = [feature for feature in features if feature.name not in set(allowed)]
    aucs = single_feature_aucs(frame, doubted, label=label, folds=folds)
    worst = {name: auc for name, auc in aucs.items() if auc > highest}
    if worst:
        named = ", ".join(f"{name} ({auc:.3f})" for name, auc in sorted(worst.items()))
        raise LeakageError(
            f"too good to be known before the label: {named} alone, by out-of-fold AUC. Either the "
            "feature is made from the label or from what came after the cutoff: take it out. If it "
            "was truly known before, name it in `allowed`."
        )

"""What later runs are compared with: distributions of features and scores, and the AUC."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from python_ext.drift import describe_distribution, mark_usual, measure_drift
from python_ext.features import CALENDAR, Feature, feature_frame, of_customers
from python_ext.propensity._artefact import PropensityModel

Reference = dict[str, Any]

SCORE = Feature("score", "score", "none", "Score", "Score")


def describe(
    frame: pd.DataFrame,
    features: Iterable[Feature],
    model: PropensityModel,
    *,
    auc: Mapping[str, float] | None,
) -> Reference:
    """How the customers a model is used on are distributed, and their scores; for JSON.

    Parameters
    ----------
    frame
        Of the score cutoff. The train cutoffs would not do: everybody's tenure moves with the
        calendar, and each build would differ from them.
    auc
        Of the model on the test cutoff, with its standard error.
    """
    features = list(features)
    calendar = feature_frame(frame.head(1), [f for f in features if f.view == CALENDAR])
    return {
        "calendar": next(iter(calendar.to_dict("records")), {}),
        "features": describe_distribution(frame, of_customers(features)),
        "scores": describe_distribution(_scores(model, frame), [SCORE]),
        "auc": None if auc is None else dict(auc),
    }


def compare(
    frame: pd.DataFrame,
    features: Sequence[Feature],
    model: PropensityModel,
    reference: Mapping[str, Any],
    *,
    past: Callable[[Sequence[str]], pd.DataFrame],
    days: int,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Drift of the features and of the scores since ``describe``.

    Scores are those the customers would have in the season of then: another one moves everybody's,
    and no customer has changed.

    Parameters
    ----------
    past
        Gives columns of the rows of the cutoffs before ``frame``: they say how far a feature moves
        anyway, for everybody's tenure moves with the calendar.
    days
        Days since ``describe``.
    """
    moved = measure_drift(frame, features, reference.get("features") or {})
    suspects = [row["feature"] for row in moved if row["severity"] != "stable"]
    if suspects:
        moved = mark_usual(moved, past(["cutoff_on", *suspects]), features, days=days)
    then = frame.assign(**(reference.get("calendar") or {}))
    scores = measure_drift(_scores(model, then), [SCORE], reference.get("scores") or {})
    # A baseline gives everybody the same.
    return moved, [] if model.pipeline is None else scores


def _scores(model: PropensityModel, frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({SCORE.name: model.score(frame)})

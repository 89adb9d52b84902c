"""What a model owes to each feature, on rows it has not seen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from threadpoolctl import threadpool_limits

from python_ext.frames import Schema
from python_ext.propensity._metrics import row_log_loss
from python_ext.propensity._shapley import Explainer, probability_of

REPEATS = 3
MAX_ROWS = 2000
CLEAR_ASSOCIATION = 0.3  # rank correlation of value and effect from which a direction is told

IMPORTANCES_SCHEMA = Schema(
    {
        "model_id": "string",
        "target": "string",
        "feature": "string",
        "is_used": "boolean",
        "dropped_because": "string",
        "importance": "double",
        "ci_low": "double",
        "ci_high": "double",
        "importance_rank": "bigint",
        "direction": "string",
        "mean_absolute_effect": "double",
        "judged_rows": "bigint",
    },
    key=("target", "feature"),
)


def importances(
    model: Any,
    frame: pd.DataFrame,
    label: np.ndarray,
    *,
    dropped: Mapping[str, str] | None = None,
    repeats: int = REPEATS,
    max_rows: int = MAX_ROWS,
    seed: int = 42,
) -> pd.DataFrame:
    """Permutation importance of each source feature, with the direction of its effect.

    A feature's values change places between the rows, all columns made of it together, and the
    log loss of the calibrated probability rises by its importance (Breiman 2001; Fisher, Rudin
    and Dominici 2019). Features that say the same thing share it: each can stand in for the other.

    Parameters
    ----------
    model
        A ``PropensityModel``.
    frame, label
        Rows the model was not fitted on, and what happened.
    dropped
        Features that were not used, and why.
    repeats
        Permutations per feature; the mean of them counts.
    max_rows
        Most rows to judge by, drawn at random.
    seed
        Of rows and permutations.

    Returns
    -------
    pandas.DataFrame
        Columns of ``IMPORTANCES_SCHEMA``. ``importance`` is in log loss per row, with the 95 %
        interval of its mean over the rows (a U-statistic of row and exchanged value; by its
        projection on single rows, Hoeffding 1948). ``direction`` says whether a higher value
        ``raises`` or ``lowers`` the log-odds: the sign of the rank correlation of value and effect
        where that is at least ``CLEAR_ASSOCIATION``, else ``mixed``; null for a category.
    """
    rows = _unused(model, dropped or {})
    if model.pipeline is not None and model.features:
        if len(frame) > max_rows:
            drawn = np.random.default_rng(seed).choice(len(frame), max_rows, replace=False)
            drawn.sort()
            frame, label = frame.iloc[drawn], np.asarray(label)[drawn]
        with threadpool_limits(1):
            used = _used(model, frame, np.asarray(label, dtype=bool), repeats=repeats, seed=seed)
        rows = used + rows
    return pd.DataFrame(rows, columns=list(IMPORTANCES_SCHEMA))


def _unused(model: Any, dropped: Mapping[str, str]) -> list[dict[str, Any]]:
    names = {feature.name for feature in model.features}
    return [
        {
            "model_id": model.model_id,
            "target": model.target,
            "feature": name,
            "is_used": False,
            "dropped_because": why,
        }
        for name, why in sorted(dropped.items())
        if name not in names
    ]


def _used(
    model: Any, frame: pd.DataFrame, label: np.ndarray, *, repeats: int, seed: int
) -> list[dict[str, Any]]:
    explainer = Explainer(model)
    encoded = explainer.encode(frame)
    sources = explainer.players
    effects = explainer.explain(encoded).effects
    before = row_log_loss(label, probability_of(model, explainer.log_odds(encoded)))
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(frame)) for _ in range(repeats)]
    found = []
    for place, feature in enumerate(model.features):
        columns = np.flatnonzero(sources == place)
        received, given = np.zeros(len(frame)), np.zeros(len(frame))
        # Without any effect a permutation changes nothing either.
        if len(frame) and effects[:, place].any():
            for order in orders:
                changed = encoded.copy()
                changed[:, columns] = encoded[np.ix_(order, columns)]
                odds = explainer.log_odds(changed)
                increase = row_log_loss(label, probability_of(model, odds)) - before
                received += increase / repeats
                given[order] += increase / repeats
        mean = float(received.mean()) if len(frame) else np.nan
        # A row counts twice: by what another's value does to it, and its own value to another.
        influence = received + given
        error = float(influence.std(ddof=1) / np.sqrt(len(frame))) if len(frame) > 1 else np.nan
        found.append(
            {
                "model_id": model.model_id,
                "target": model.target,
                "feature": feature.name,
                "is_used": True,
                "dropped_because": None,
                "importance": mean,
                "ci_low": mean - 1.96 * error,
                "ci_high": mean + 1.96 * error,
                "direction": _direction(feature, frame, effects[:, place]),
                "mean_absolute_effect": float(np.abs(effects[:, place]).mean())
                if len(frame)
                else np.nan,
                "judged_rows": len(frame),
            }
        )
    # Equal importance: by name, which is the order of the features.
    order = sorted(range(len(found)), key=lambda i: (-np.nan_to_num(found[i]["importance"]), i))
    for rank, i in enumerate(order, start=1):
        found[i]["importance_rank"] = rank
    return found


def _direction(feature: Any, frame: pd.DataFrame, effect: np.ndarray) -> str | None:
    """Whether a higher value raises the log-odds, by Spearman's rank correlation."""
    if feature.kind == "category" or not len(effect) or not effect.any():
        return None
    values = frame[feature.name].to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(values)
    values, effect = rankdata(values[known]), rankdata(effect[known])
    if len(values) < 2 or not values.std() or not effect.std():
        return None
    correlation = float(np.corrcoef(values, effect)[0, 1])
    if abs(correlation) < CLEAR_ASSOCIATION:
        return "mixed"
    return "raises" if correlation > 0 else "lowers"


def list_importances(
    models: Mapping[str, Any],
    rows: pd.DataFrame,
    examples: pd.DataFrame,
    *,
    seed: int = 42,
) -> pd.DataFrame:
    """Importances of the champion of every target.

    Parameters
    ----------
    models
        Champion by target.
    rows
        Rows of ``ml_propensity_models``: ``parameters`` names the dropped features and why.
    examples
        Out-of-time rows: ``customer_key``, ``target``, ``label`` and the features.
    seed
        Of rows and permutations.

    Returns
    -------
    pandas.DataFrame
        Columns of ``IMPORTANCES_SCHEMA``.
    """
    parameters = dict(zip(rows["model_id"], rows["parameters"], strict=True))
    parts = []
    for target, model in models.items():
        part = examples[(examples["target"] == target) & examples["label"].notna()]
        part = part.sort_values("customer_key", kind="stable")
        dropped = json.loads(parameters.get(model.model_id) or "{}").get("dropped", {})
        parts.append(
            importances(model, part, part["label"].astype(bool), dropped=dropped, seed=seed)
        )
    parts = [part for part in parts if len(part)]
    return pd.concat(parts) if parts else pd.DataFrame(columns=list(IMPORTANCES_SCHEMA))

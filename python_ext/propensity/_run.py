"""One run of the propensity models: per target keep or train, judge, promote or refuse, store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from python_ext.propensity._memory import MODELS_SCHEMA
from python_ext.propensity._training import train_models

KEY = ["customer_key", "cutoff_name"]


def run_propensity(
    features: pd.DataFrame,
    labels: pd.DataFrame,
    definitions: pd.DataFrame,
    targets: pd.DataFrame,
    memory: pd.DataFrame | None,
    *,
    as_of: date,
    sources: Mapping[str, bool] | str | None = None,
    categories: pd.DataFrame | None = None,
    horizon_days: int | None = None,
    seed: int = 42,
    retrain: str = "auto",
    max_age_days: int = 180,
    drift_psi: float = 0.25,
    algorithms: Sequence[str] | None = None,
    search: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Keep or train the model of every target.

    Parameters
    ----------
    features
        One row per ``customer_key`` and ``cutoff_name``, with ``split``, ``cutoff_on`` and the
        feature columns.
    labels
        One row per ``customer_key``, ``cutoff_name`` and ``target`` with ``label``; null where it
        is not known yet. Rows of customers who are not in ``features`` are left out.
    definitions, sources
        As in ``features.select_features``.
    targets
        The seed ``propensity_targets``.
    memory
        What ``ml_propensity_models`` holds; None for nothing.
    as_of
        Date of the run; runs of later dates are not looked at.
    categories
        ``category_rank`` and ``category``: what taste_1, taste_2, … stand for.
    horizon_days
        Length of a label window where the target says none.
    seed
        Of folds, models and bootstrap.
    retrain, max_age_days, drift_psi
        When to train, see ``RetrainPolicy``.
    algorithms, search
        Candidates, and the budget of their search.

    Returns
    -------
    pandas.DataFrame
        Columns of ``MODELS_SCHEMA``: all rows of this date.
    """
    names = targets["target"].tolist()
    rows = train_models(
        features.merge(labels[[*KEY, "target", "label"]], on=KEY),
        definitions,
        sources=sources,
        seed=seed,
        targets=names,
        horizon_days=horizon_days,
        categories=categories,
    )
    rows = rows.assign(
        as_of_date=as_of,
        trained_on=as_of,
        decision="trained",
        role=["champion" if chosen else "candidate" for chosen in rows["is_champion"]],
    )
    return rows.reindex(columns=list(MODELS_SCHEMA))

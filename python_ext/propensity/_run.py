"""One run of the propensity models: per target keep or train, judge, promote or refuse, store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from python_ext.errors import SegmentationError
from python_ext.features import Feature, select_features, with_category_labels
from python_ext.propensity._candidates import ALGORITHMS
from python_ext.propensity._examples import LabelledRows
from python_ext.propensity._memory import MODELS_SCHEMA, stored_rows
from python_ext.propensity._policy import RetrainPolicy
from python_ext.propensity._search import SearchBudget
from python_ext.propensity._target_run import TargetRun
from python_ext.propensity._targets import Target, load_targets
from python_ext.propensity._tracking import log_run
from python_ext.side_by_side import side_by_side


def run_propensity(
    features: pd.DataFrame,
    labels: pd.DataFrame,
    definitions: pd.DataFrame,
    targets: pd.DataFrame,
    memory: pd.DataFrame | None,
    *,
    as_of: date,
    horizon_days: int,
    sources: Mapping[str, bool] | str | None = None,
    categories: pd.DataFrame | None = None,
    seed: int = 42,
    retrain: str = "auto",
    max_age_days: int = 180,
    drift_psi: float = 0.25,
    algorithms: Sequence[str] = ALGORITHMS,
    search: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Keep or train the model of every target.

    Models are trained when there is none that can be used, or when ``decide_retrain`` finds a
    reason. Those of the train cutoffs, the baselines and the champion so far are then judged on
    the rows of the test cutoff, and ``choose_champion`` promotes or refuses. A kept champion is
    judged on the test cutoff of today. A second run of a date changes nothing, unless settings
    changed or the policy is ``always``.

    Parameters
    ----------
    features
        One row per ``customer_key`` and ``cutoff_name``, with ``split`` (train, test, score) and
        the feature columns.
    labels
        One row per ``customer_key``, ``cutoff_name`` and ``target`` the customer is eligible for,
        with ``split``, ``cutoff_on``, ``label_ends_on`` and ``label``; null where it is not known
        yet. Rows of customers who are not in ``features`` are left out.
    definitions, sources
        As in ``features.select_features``.
    targets
        The seed ``propensity_targets``.
    memory
        What ``ml_propensity_models`` holds; None for nothing.
    as_of
        Date of the run; runs of later dates are not looked at.
    horizon_days
        Distance of two cutoffs, and the horizon of a target that names none.
    categories
        ``category_rank`` and ``category``: what taste_1, taste_2, … stand for.
    seed
        Of folds, search, models and bootstrap.
    retrain, max_age_days, drift_psi
        When to train, see ``RetrainPolicy``.
    algorithms
        Candidates, of ``ALGORITHMS``.
    search
        Attributes of ``SearchBudget``.

    Returns
    -------
    pandas.DataFrame
        Columns of ``MODELS_SCHEMA``: all rows of this date, one champion per target.

    Raises
    ------
    SegmentationError
        A target has no model and the policy is ``never``; a stored champion was tampered with; a
        feature tells the label too well; a label window overlaps the test.
    """
    policy = RetrainPolicy(retrain, int(max_age_days), float(drift_psi))
    asked = [name for name in ALGORITHMS if name in algorithms]
    if unknown := sorted(set(algorithms) - set(ALGORITHMS)):
        raise SegmentationError(
            f"propensity_algorithms names {', '.join(unknown)}; write some of "
            f"{', '.join(ALGORITHMS)}."
        )
    selected = select_features(
        definitions,
        features.columns,
        purpose="propensity",
        sources=sources,
        kinds=("number", "category"),
    )
    selected = with_category_labels(selected, categories)
    stored = stored_rows(memory)
    examples = LabelledRows(features, labels)
    runs = [
        TargetRun(
            target=target,
            examples=examples.of(target),
            features=selected,
            stored=stored[stored["target"] == target.target],
            as_of=pd.Timestamp(as_of).date(),
            seed=int(seed),
            policy=policy,
            algorithms=asked,
            budget=SearchBudget(**(search or {})),
            tastes=_tastes(selected, target, categories),
        )
        for target in load_targets(targets, horizon_days=int(horizon_days), labels=examples.targets)
    ]
    sizes = [len(run.examples.labels["train"]) if run.is_surely_trained else 0 for run in runs]
    rows = [row for part in side_by_side(_rows_of, runs, rows=sizes) for row in part]
    log_run(rows, as_of=pd.Timestamp(as_of).date())
    return pd.DataFrame(rows, columns=list(MODELS_SCHEMA))


def _rows_of(run: TargetRun) -> list[dict[str, Any]]:
    # One thread: the order of a parallel sum is not fixed, and two builds must agree.
    with threadpool_limits(1):
        return run.rows()


def _tastes(
    features: Sequence[Feature], target: Target, categories: pd.DataFrame | None
) -> dict[str, str]:
    """What stands behind taste_1, taste_2, …, the one that a target is about among them.

    With another category it is another feature, and another target.
    """
    if categories is None:
        return {}
    ranked = zip(categories["category_rank"], categories["category"], strict=True)
    read = {*(feature.name for feature in features), f"taste_{target.category_rank}"}
    return {f"taste_{rank}": str(name) for rank, name in ranked if f"taste_{rank}" in read}

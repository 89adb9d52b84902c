"""When a stored segmentation is fitted anew: on demand, by age, by drift, when it wears out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from python_ext.clustering._model import SegmentModel
from python_ext.clustering._views import View
from python_ext.drift import (
    CHANCE,
    compare_counts,
    describe_distribution,
    measure_drift,
)
from python_ext.renewal import check_mode, days_since, settings_changed

# Outliers are a sign when they are twice as many as at the fit, and not merely two instead of one.
OUTLIER_FACTOR, OUTLIER_SHARE = 2.0, 0.05


@dataclass(frozen=True)
class RefitPolicy:
    """The rule, as the vars say it.

    Attributes
    ----------
    refit
        ``auto``: when a reason is found; ``always``; ``never``.
    max_age_days
        A model older than that is fitted anew.
    drift_psi
        PSI of a feature or of the segment sizes over which the customers are others than at the
        fit. It must be more than chance gives as well.
    min_segment_share
        A segment that has fallen under this share, beyond chance, is a reason.
    """

    refit: str = "auto"
    max_age_days: int = 180
    drift_psi: float = 0.25
    min_segment_share: float = 0.02

    def __post_init__(self) -> None:
        check_mode(self.refit, name="segments_refit")


@dataclass(frozen=True)
class Decision:
    """Whether a model is fitted, and why or why not, with figures."""

    is_refit: bool
    reason: str


def describe_fit(
    model: SegmentModel,
    frame: pd.DataFrame,
    view: View,
    *,
    settings: Mapping[str, Any],
    as_of: date,
) -> dict[str, Any]:
    """What later builds are compared with; plain values, for JSON.

    Parameters
    ----------
    frame
        The fitted customers whom the view knows.
    settings
        Everything that decides how the view is segmented.
    """
    return {
        "fitted_on": pd.Timestamp(as_of).date().isoformat(),
        "rows": len(frame),
        "settings": dict(settings),
        "features": describe_distribution(frame, view.features),
        **_state(model, frame),
    }


def _state(model: SegmentModel, frame: pd.DataFrame) -> dict[str, Any]:
    """How many customers each segment holds, by index, and how many of all are outliers."""
    if frame.empty:
        return {"counts": [0] * model.k, "outliers": 0}
    assigned = model.assign(frame)
    sizes = assigned["segment_id"].value_counts()
    return {
        "counts": [int(sizes.get(number, 0)) for number in model.ids],
        "outliers": int(assigned["is_outlier"].sum()),
    }


def describe_settings(view: View, *, seed: int, **options: Any) -> dict[str, Any]:
    """Everything of the analyst's that decides how a view is segmented, in plain values."""
    features = {
        feature.name: {
            name: value
            for name, value in asdict(feature).items()
            if name not in ("name", "label_en", "label_fr", "in_propensity")
        }
        for feature in view.features
    }
    settings = {"features": features, "reduction": view.reduction, "seed": int(seed), **options}
    # As they come back from the artefact.
    return json.loads(json.dumps(settings))


def decide_refit(
    model: SegmentModel,
    frame: pd.DataFrame,
    view: View,
    *,
    policy: RefitPolicy,
    settings: Mapping[str, Any],
    as_of: date,
) -> Decision:
    """Look at a stored model with today's customers.

    Parameters
    ----------
    model
        As it was stored; its ``reference`` is the result of ``describe_fit``.
    frame
        Today's customers whom the view knows.
    settings
        Those of today.
    """
    stored = model.reference or {}
    checks = [
        settings_changed(stored.get("settings", {}), settings),
        _age(stored.get("fitted_on"), as_of, policy),
        _feature_drift(frame, view, stored, policy),
        *_wear(model, frame, stored, policy),
    ]
    reasons = [said for is_reason, said in checks if is_reason]
    findings = [said for _, said in checks if said]
    if policy.refit == "always":
        return Decision(True, "segments_refit is always; " + "; ".join(findings))
    if policy.refit == "never":
        return Decision(False, "segments_refit is never; " + "; ".join(findings))
    if reasons:
        return Decision(True, "; ".join(reasons))
    return Decision(False, "; ".join(findings))


def _age(fitted_on: str | None, as_of: date, policy: RefitPolicy) -> tuple[bool, str]:
    if fitted_on is None:
        return True, "it is not known when the stored model was fitted"
    days = days_since(fitted_on, as_of)
    said = f"fitted {days} days ago, at most {policy.max_age_days} are allowed"
    return days > policy.max_age_days, said


def _feature_drift(
    frame: pd.DataFrame, view: View, stored: Mapping[str, Any], policy: RefitPolicy
) -> tuple[bool, str]:
    drift = measure_drift(frame, view.features, stored.get("features", {}))
    if not drift:
        return False, ""
    moved = [row for row in drift if row["psi"] > max(policy.drift_psi, row["critical"])]
    told = ", ".join(
        f"{row['feature']} {row['psi']:.3f} (chance {row['critical']:.3f})"
        for row in moved[:3] or drift[:1]
    )
    if moved:
        return True, f"PSI over {policy.drift_psi} in {len(moved)} of {len(drift)} features: {told}"
    return False, f"largest PSI of a feature {told}, limit {policy.drift_psi}"


def _wear(
    model: SegmentModel, frame: pd.DataFrame, stored: Mapping[str, Any], policy: RefitPolicy
) -> list[tuple[bool, str]]:
    """Sizes that shifted, a segment that dwindled, outliers that multiplied."""
    before = np.array(stored.get("counts", []), dtype=float)
    if not len(frame) or len(before) != model.k or not before.sum():
        return []
    state = _state(model, frame)
    now, rows = np.array(state["counts"], dtype=float), len(frame)
    sizes = compare_counts(before, now)
    shifted = sizes["psi"] > max(policy.drift_psi, sizes["critical"])
    checks = [
        (
            shifted,
            f"PSI of the segment sizes {sizes['psi']:.3f} (chance {sizes['critical']:.3f}), "
            f"limit {policy.drift_psi}",
        )
    ]
    least = policy.min_segment_share
    # One that was smaller when it was fitted has not dwindled.
    held = before / before.sum() >= least
    if held.any():
        share = float((now / rows)[held].min())
        noise = norm.ppf(1 - CHANCE) * np.sqrt(least * (1 - least) / rows)
        checks.append(
            (
                share < least - noise,
                f"the smallest segment holds {share:.1%}, at least {least:.1%} are asked",
            )
        )
    outliers, usual = state["outliers"] / rows, stored.get("outliers", 0) / before.sum()
    many = outliers > OUTLIER_SHARE and outliers > OUTLIER_FACTOR * usual
    checks.append((many, f"{outliers:.1%} outliers, {usual:.1%} when it was fitted"))
    return checks

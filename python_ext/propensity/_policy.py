"""When the models of a target are trained anew: on demand, by age, by drift, when they decay."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
from scipy.stats import norm

from python_ext.features import CALENDAR, Feature
from python_ext.renewal import check_mode, days_since, settings_changed

# Chance to take noise for a decay. Every target is looked at in every build.
DECAY_CHANCE = 0.01


@dataclass(frozen=True)
class RetrainPolicy:
    """The rule, as the vars say it.

    Attributes
    ----------
    retrain
        ``auto``: when a reason is found; ``always``; ``never``.
    max_age_days
        Models are trained anew when the last attempt is longer ago.
    drift_psi
        PSI of a feature or of the scores over which the customers are others than at the last
        attempt. It must be more than chance gives as well.
    """

    retrain: str = "auto"
    max_age_days: int = 180
    drift_psi: float = 0.25

    def __post_init__(self) -> None:
        check_mode(self.retrain, name="propensity_retrain")


@dataclass(frozen=True)
class Decision:
    """Whether models are trained, and why or why not, with figures."""

    is_trained: bool
    reason: str


def describe_settings(target: Any, features: Sequence[Feature], **options: Any) -> dict[str, Any]:
    """Everything of the analyst's that decides what is learned, in plain values.

    Labels and prices are not among it: they change how a model is read, not what it is.
    """
    unread = ("label_en", "label_fr", "description_en", "description_fr")
    settings = {
        "target": {
            name: value
            for name, value in asdict(target).items()
            if name not in (*unread, "contact_cost", "hit_gain")
        },
        "features": {
            feature.name: {
                name: value
                for name, value in asdict(feature).items()
                if name not in ("name", "in_propensity", "view", *unread)
            }
            | {"is_calendar": feature.view == CALENDAR}
            for feature in features
        },
        **options,
    }
    # As they come back from the memory.
    return json.loads(json.dumps(settings, sort_keys=True))


def decide_retrain(
    reference: Mapping[str, Any],
    *,
    policy: RetrainPolicy,
    settings: Mapping[str, Any],
    as_of: date,
    feature_drift: Sequence[Mapping[str, Any]] = (),
    score_drift: Sequence[Mapping[str, Any]] = (),
    auc: tuple[float, float] | None = None,
    problem: str | None = None,
) -> Decision:
    """Look at a stored champion with the figures of today.

    Parameters
    ----------
    reference
        What was stored when training was last attempted, whether or not it gave a new champion:
        an attempt that was refused does not repeat itself in every build.
    settings
        Those of today.
    feature_drift, score_drift
        What ``drift.measure_drift`` finds between that attempt and today.
    auc
        Of the champion on today's test cutoff, and its standard error.
    problem
        Why nothing can be learned or judged today, if so.
    """
    checks = [
        settings_changed(reference.get("settings", {}), settings),
        _had_a_problem(reference.get("problem")),
        _age(reference.get("attempted_on"), as_of, policy),
        _feature_drift(feature_drift, policy),
        _score_drift(score_drift, policy),
        _decay(reference.get("auc"), auc),
    ]
    reasons = [said for is_reason, said in checks if is_reason]
    findings = "; ".join(said for _, said in checks if said)
    if policy.retrain == "never":
        return Decision(False, f"propensity_retrain is never; {findings}")
    if problem and (reasons or policy.retrain == "always"):
        return Decision(False, f"nothing can be learned today: {problem}; {findings}")
    if policy.retrain == "always":
        return Decision(True, f"propensity_retrain is always; {findings}")
    if reasons:
        return Decision(True, "; ".join(reasons))
    return Decision(False, findings)


def is_too_old(reference: Mapping[str, Any], *, as_of: date, policy: RetrainPolicy) -> bool:
    """Whether models are trained because the last attempt is too long ago.

    Parameters
    ----------
    reference, as_of, policy
        As in ``decide_retrain``.
    """
    return _age(reference.get("attempted_on"), as_of, policy)[0]


def _had_a_problem(problem: str | None) -> tuple[bool, str]:
    """Nothing could be learned then. Whether it can be now decides the caller's ``problem``."""
    return bool(problem), f"nothing was learned so far: {problem}" if problem else ""


def _age(attempted_on: str | None, as_of: date, policy: RetrainPolicy) -> tuple[bool, str]:
    if attempted_on is None:
        return True, "it is not known when training was last attempted"
    days = days_since(attempted_on, as_of)
    said = f"last trained {days} days ago, at most {policy.max_age_days} are allowed"
    return days > policy.max_age_days, said


def _feature_drift(drift: Sequence[Mapping[str, Any]], policy: RetrainPolicy) -> tuple[bool, str]:
    if not drift:
        return False, ""
    moved = [row for row in drift if _has_moved(row, policy)]
    told = ", ".join(f"{row['feature']} {_psi(row)}" for row in moved[:3] or drift[:1])
    if moved:
        return True, (
            f"PSI over {policy.drift_psi} in {len(moved)} of {len(drift)} features: {told}"
        )
    return False, f"largest PSI of a feature {told}, limit {policy.drift_psi}"


def _score_drift(drift: Sequence[Mapping[str, Any]], policy: RetrainPolicy) -> tuple[bool, str]:
    if not drift:
        return False, ""
    row = drift[0]
    if _has_moved(row, policy):
        return True, f"PSI of the scores over {policy.drift_psi}: {_psi(row)}"
    return False, f"PSI of the scores {_psi(row)}, limit {policy.drift_psi}"


def _has_moved(row: Mapping[str, Any], policy: RetrainPolicy) -> bool:
    # As far as it moves anyway is no reason: a new model would be in the same place next month.
    return row["psi"] > max(policy.drift_psi, row["critical"]) and not row.get("is_usual", False)


def _psi(row: Mapping[str, Any]) -> str:
    usual = f", usual {row['usual_psi']:.3f}" if row.get("usual_psi") is not None else ""
    return f"{row['psi']:.3f} (chance {row['critical']:.3f}{usual})"


def _decay(before: Mapping[str, float] | None, now: tuple[float, float] | None) -> tuple[bool, str]:
    """AUC lower than before by more than the noise of both, in a one-sided test."""
    if not before or now is None or not np.isfinite([before["value"], before["error"], *now]).all():
        return False, ""
    fall, noise = before["value"] - now[0], float(np.hypot(before["error"], now[1]))
    limit = float(norm.isf(DECAY_CHANCE)) * noise
    said = (
        f"out-of-time AUC {now[0]:.3f}, {before['value']:.3f} when training was last attempted "
        f"(a fall of {limit:.3f} could be noise)"
    )
    return fall > limit, f"decay: {said}" if fall > limit else said

"""When the two-stage model is trained anew, and which model of value is champion."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from python_ext.renewal import check_mode, days_since


@dataclass(frozen=True)
class RetrainPolicy:
    """The rule, as the vars say it.

    Attributes
    ----------
    retrain
        ``auto``: when there is none, its features changed, or it is too old; ``always``;
        ``never``.
    max_age_days
        A model older than that is trained anew.
    """

    retrain: str = "auto"
    max_age_days: int = 180

    def __post_init__(self) -> None:
        check_mode(self.retrain, name="value_retrain")

    def decide(
        self, stored: Mapping[str, Any] | None, *, as_of: date, features: Sequence[str]
    ) -> tuple[bool, str]:
        """Whether to train, and why or why not.

        Parameters
        ----------
        stored
            Row of the last two-stage model with an artefact; None if there is none.
        as_of
            Date of today's run.
        features
            Names of the features of today.
        """
        if self.retrain == "always":
            return True, "value_retrain is always"
        if stored is None:
            told = "there is no earlier model"
            return self.retrain == "auto", (
                told if self.retrain == "auto" else f"value_retrain is never, and {told}"
            )
        days = days_since(stored["trained_on"], as_of)
        before, now = set(json.loads(stored["features"])), set(features)
        gone = ", ".join(sorted(before - now)[:3])
        if self.retrain == "never" and gone:
            return False, f"value_retrain is never, and features the model needs are gone: {gone}"
        if self.retrain == "never":
            return False, f"value_retrain is never; the model is {days} days old"
        if gone:
            return True, f"features the model needs are gone: {gone}"
        if now - before:
            return True, f"features were added: {', '.join(sorted(now - before)[:3])}"
        if days > self.max_age_days:
            return True, f"the model is {days} days old, more than {self.max_age_days}"
        return False, f"the model is {days} days old, at most {self.max_age_days}, as it was"


def choose_champion(
    gain: tuple[float, float, float] | None, *, problem: str | None = None
) -> tuple[bool, str, str]:
    """Whether the two-stage model replaces the simpler one, and the reason for each.

    Parameters
    ----------
    gain
        How much lower its mean deviance is out of time, with the 95 % interval; None where the
        two could not be compared.
    problem
        Why not.

    Returns
    -------
    tuple of bool, str and str
        Is the two-stage model champion; reason of the simpler model; reason of the two-stage one.
    """
    if gain is None:
        told = problem or "the two could not be compared out of time"
        return False, f"champion: {told}", f"not champion: {told}"
    value, low, high = gain
    figures = f"out-of-time deviance {abs(value):.3f} {{}} (95 % interval {low:.3f} to {high:.3f})"
    if low > 0:
        return (
            True,
            "not champion: " + figures.format("higher than two_stage_boosting"),
            "champion: " + figures.format("lower than the simpler model, beyond noise"),
        )
    if high < 0:
        return (
            False,
            "champion: " + figures.format("lower than two_stage_boosting, beyond noise"),
            "not champion: " + figures.format("higher than the simpler model"),
        )
    less = "lower" if value > 0 else "higher"
    return (
        False,
        "champion: two_stage_boosting is not better beyond noise, and this one is simpler",
        "not champion: " + figures.format(f"{less} than the simpler model, within noise"),
    )


def code_fingerprint() -> str:
    """Hash of the code of this package and of what makes its features."""
    package = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    for file in [*sorted(package.glob("*.py")), package.parent / "features.py"]:
        text = file.read_text(encoding="utf-8").replace("\r\n", "\n")
        digest.update(f"{file.name}\n{text}\n".encode())
    return digest.hexdigest()

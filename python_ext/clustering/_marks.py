"""What of a profile a name may be made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_ext.clustering._wording import Wording, capitalised

MIN_HEAD = 0.45  # standard deviations a feature must differ by to give a segment its name
MIN_DIFFERENCE = 0.05  # share of the mean of reference that the segment's mean must differ by


@dataclass(frozen=True)
class Mark:
    """A feature that marks a segment, in words."""

    feature: str
    sign: int
    size: float
    theme: str
    name: tuple[str, str]
    trait: tuple[str, str]
    can_head: bool

    @property
    def claim(self) -> tuple[str, int]:
        return self.feature, self.sign

    @classmethod
    def of(
        cls, feature: str, sign: int, size: float, theme: str, row: pd.Series, wording: Wording
    ) -> Mark:
        name, trait = (
            tuple(wording.phrase(feature, form, sign, language) for language in ("en", "fr"))
            for form in ("name", "trait")
        )
        # Who spends a little less on a category is not named after it.
        can_head = size >= MIN_HEAD and not (sign < 0 and feature.startswith("taste_"))
        return cls(
            feature, sign, size, theme, tuple(map(capitalised, name)), trait, can_head and all(name)
        )


def claimable(profile: pd.DataFrame, column: str) -> pd.Series:
    """The standardised differences a reader of the means would agree with, the others zero."""
    against = "overall_mean" if column == "z" else "parent_mean"
    difference = (profile["mean"] - profile[against]).astype(float)
    is_seen = difference.abs() >= MIN_DIFFERENCE * profile[against].abs().astype(float)
    agrees = np.sign(difference) == np.sign(profile[column].astype(float))
    return profile[column].where(is_seen & agrees, 0.0).fillna(0.0)

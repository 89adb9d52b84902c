"""What of a profile a name may be made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_ext.clustering._wording import Wording, capitalised

MIN_HEAD = 0.45  # standard deviations a feature must differ by to give a segment its name
MIN_TRAIT = 0.25  # to be said of a name, or of a sub-segment against its siblings
MIN_NUANCE = 0.05  # where nothing else tells two segments apart
MIN_DIFFERENCE = 0.05  # share of the mean of reference that the segment's mean must differ by
AVERAGE = ("Other customers", "Autres clients")


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


def name_choices(
    heads: list[Mark], marks: list[Mark]
) -> Iterator[tuple[tuple[str, str], tuple[tuple[str, int], ...]]]:
    """Names of a segment with what they claim, best first, without end: a head, with a trait."""
    bases = [(head.name, (head,)) for head in heads] or [(AVERAGE, ())]
    for texts, used in bases:
        yield texts, tuple(mark.claim for mark in used)
    for least in (MIN_TRAIT, MIN_NUANCE):
        for texts, used in bases:
            themes = {mark.theme for mark in used}
            for mark in marks:
                if mark.theme not in themes and mark.size >= least:
                    both = tuple(
                        f"{text}, {trait}" for text, trait in zip(texts, mark.trait, strict=True)
                    )
                    yield both, tuple(m.claim for m in (*used, mark))
    texts, used = bases[0]
    place = 2
    while True:
        numbered = tuple(f"{text} ({place})" for text in texts)
        yield numbered, tuple(mark.claim for mark in used)
        place += 1


def trait_choices(
    marks: list[Mark],
) -> Iterator[tuple[tuple[str, str], tuple[tuple[str, int], ...]]]:
    """What sets a part apart from its siblings, with what it claims, best first, without end."""
    plain = [mark for mark in marks if mark.size >= MIN_TRAIT]
    for mark in plain:
        yield mark.trait, (mark.claim,)
    yield ("typical", "typiques"), ()
    for first in plain:
        for second in plain:
            if first.theme < second.theme:
                both = tuple(f"{a}, {b}" for a, b in zip(first.trait, second.trait, strict=True))
                yield both, (first.claim, second.claim)
    for mark in marks:
        if MIN_NUANCE <= mark.size < MIN_TRAIT:
            yield (
                tuple(f"{a} {b}" for a, b in zip(("slightly", "un peu"), mark.trait, strict=True)),
                (mark.claim,),
            )
    place = 2
    while True:
        yield (f"typical ({place})", f"typiques ({place})"), ()
        place += 1

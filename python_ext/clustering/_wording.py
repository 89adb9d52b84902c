"""How features are spoken of: labels, figures with units, short phrases, in two languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from python_ext.features import Feature

_TASTE = re.compile(r"taste_([0-9]+)")
_VOWEL = tuple("aeiouyhàâéèêëîïôûœæ")
DIRECTIONS = {1: "high", -1: "low"}


def _text(value: object) -> str:
    return "" if value is None or value is pd.NA or value != value else str(value).strip()


def capitalised(text: str) -> str:
    """With a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]


@dataclass(frozen=True)
class Wording:
    """Words for features.

    Attributes
    ----------
    words : mapping
        Per feature (``taste`` for every taste_1, taste_2, …) a row of the seed ``feature_words``.
    categories : mapping
        Per taste feature its category: ``label_en``, ``label_fr``, ``fans_en``, ``fans_fr``.
    """

    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    categories: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        *,
        feature_words: pd.DataFrame | None = None,
        categories: pd.DataFrame | None = None,
        category_labels: pd.DataFrame | None = None,
    ) -> Wording:
        """Out of the seeds ``feature_words`` and ``category_labels`` and the ranked categories."""
        words = {}
        if feature_words is not None:
            words = {
                _text(row["feature"]): {name: _text(value) for name, value in row.items()}
                for row in feature_words.to_dict("records")
            }
        labels = {}
        if category_labels is not None:
            labels = {
                _text(row["category"]): {name: _text(value) for name, value in row.items()}
                for row in category_labels.to_dict("records")
            }
        behind = {}
        if categories is not None:
            for rank, name in zip(categories["category_rank"], categories["category"], strict=True):
                known = labels.get(str(name), {})
                behind[f"taste_{rank}"] = {
                    "label_en": known.get("label_en") or str(name),
                    "label_fr": known.get("label_fr") or str(name),
                    "fans_en": known.get("fans_en", ""),
                    "fans_fr": known.get("fans_fr", ""),
                }
        return cls(words, behind)

    def label(self, feature: Feature, language: str) -> str:
        """The feature in words; a share of taste by the name of its category."""
        category = self.categories.get(feature.name)
        if category is None:
            return feature.label_en if language == "en" else feature.label_fr
        name = category[f"label_{language}"]
        return (
            f"Share of spending on {name}" if language == "en" else f"Part des dépenses en {name}"
        )

    def theme(self, feature: str) -> str:
        """What a feature is about; two of one theme say the same thing."""
        return self._row(feature).get("theme") or feature

    def unit(self, feature: str) -> str:
        """percent, days, money, or nothing."""
        return self._row(feature).get("unit", "")

    def is_nameable(self, feature: str) -> bool:
        """Whether there are words for the feature that a name can be made of."""
        row = self._row(feature)
        known = bool(row.get("high_en"))
        return known and (not _TASTE.fullmatch(feature) or feature in self.categories)

    def phrase(self, feature: str, form: str, direction: int, language: str) -> str:
        """A few words on a feature that is high (1) or low (−1).

        ``form`` is ``name`` (a kind of customers: "Frequent buyers") or ``trait`` (a comparison:
        "more frequent purchases"). Empty where the seed has none.
        """
        column = {"name": DIRECTIONS[direction], "trait": {1: "more", -1: "less"}[direction]}[form]
        category = self.categories.get(feature)
        if category and form == "name" and direction == 1 and category[f"fans_{language}"]:
            return category[f"fans_{language}"]
        text = self._row(feature).get(f"{column}_{language}", "")
        if category:
            name = category[f"label_{language}"]
            elided = f"d'{name}" if name.lower().startswith(_VOWEL) else f"de {name}"
            text = text.replace("{de category}", elided).replace("{category}", name)
        return text

    def figure(self, feature: str, value: float, language: str) -> str:
        """A value with its unit, rounded for reading."""
        if self.unit(feature) == "percent":
            text, unit = _number(100 * value, language), "%"
        else:
            text, unit = _number(value, language), ""
        if not unit:
            return text
        return f"{text}%" if language == "en" else f"{text} %"

    def _row(self, feature: str) -> Mapping[str, str]:
        return self.words.get(feature) or (
            self.words.get("taste", {}) if _TASTE.fullmatch(feature) else {}
        )


def rounded(value: float, digits: int = 2) -> float:
    """To so many significant digits."""
    if not np.isfinite(value) or value == 0:
        return float(value)
    return float(f"{value:.{digits - 1}e}")


def _number(value: float, language: str) -> str:
    value = rounded(value, 3)
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    if language == "fr":
        text = text.replace(",", "\u202f").replace(".", ",")
    return text

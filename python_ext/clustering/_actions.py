"""What to do with a segment: the first rule of the seed ``segment_actions`` that fits it."""

from __future__ import annotations

import pandas as pd

from python_ext.clustering._wording import Wording

MIN_DIFFERENCE = 0.40  # standard deviations from which a rule on a feature fits


def suggest_action(
    actions: pd.DataFrame | None,
    *,
    archetype: str | None,
    rfm_segment: str | None,
    z: pd.Series,
    wording: Wording,
) -> tuple[str | None, str | None]:
    """The suggested action in English and French.

    Parameters
    ----------
    actions
        ``rule_number``, ``archetype``, ``rfm_segment``, ``feature`` and ``direction`` (1 or −1),
        ``action_en`` and ``action_fr``. A row with an archetype or an RFM segment fits that one; a
        row with a feature fits a segment in which it differs that way; a row with none fits all.
        ``taste`` stands for the category whose share differs most.
    archetype, rfm_segment
        Of the segment, where it has one.
    z
        Standardised differences of the segment by feature.
    """
    if actions is None:
        return None, None
    shares = z[z.index.str.startswith("taste_") & z.index.isin(list(wording.categories))]
    shares = shares.dropna()
    for row in actions.sort_values("rule_number").to_dict("records"):
        feature = row["feature"]
        if isinstance(row["archetype"], str):
            fits = row["archetype"] == archetype
        elif isinstance(row["rfm_segment"], str):
            fits = row["rfm_segment"] == rfm_segment
        elif feature == "taste":
            fits = len(shares) > 0 and shares.max() >= MIN_DIFFERENCE
            feature = shares.idxmax() if fits else feature
        elif isinstance(feature, str):
            fits = row["direction"] * z.get(feature, 0.0) >= MIN_DIFFERENCE
        else:
            fits = True
        if fits:
            return tuple(
                _filled(row[f"action_{one}"], feature, wording, one) for one in ("en", "fr")
            )
    return None, None


def _filled(text: str, feature: object, wording: Wording, language: str) -> str:
    category = wording.categories.get(feature, {}).get(f"label_{language}", "")
    return text.replace("{category}", category)

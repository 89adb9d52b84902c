"""For whom a probability is good: its figures within groups of customers, against the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from python_ext.errors import SegmentationError
from python_ext.propensity._curves import cost_optimal_threshold, wilson_interval
from python_ext.propensity._resampling import Pooled, checked, pool

EVERYBODY = "all"
UNKNOWN = "(unknown)"
# rows, hits: fewer than so many are not judged (hits and misses alike). The others: what is worth
# acting on, however sure it is. Four fifths is the rule of thumb of the US Equal Employment
# Opportunity Commission (1978).
GROUP_LIMITS = {
    "rows": 100,
    "hits": 10,
    "auc": 0.05,
    "calibration": 0.05,
    "selection_ratio": 0.8,
    "opportunity": 0.1,
    "significance": 0.05,
}
GROUP_COLUMNS = {
    "attribute": "string",
    "group_value": "string",
    "customers": "bigint",
    "hits": "bigint",
    "prevalence": "double",
    "prevalence_ci_low": "double",
    "prevalence_ci_high": "double",
    "predicted": "double",
    "calibration_gap": "double",
    "calibration_gap_ci_low": "double",
    "calibration_gap_ci_high": "double",
    "auc": "double",
    "auc_ci_low": "double",
    "auc_ci_high": "double",
    "auc_promised": "double",
    "selection_rate": "double",
    "selection_rate_ci_low": "double",
    "selection_rate_ci_high": "double",
    "selection_rate_ratio": "double",
    "true_positive_rate": "double",
    "true_positive_rate_ci_low": "double",
    "true_positive_rate_ci_high": "double",
    "equal_opportunity_difference": "double",
    "is_too_small": "boolean",
    "is_ranked_worse": "boolean",
    "is_miscalibrated": "boolean",
    "is_selected_less": "boolean",
    "is_found_less": "boolean",
    "reading_en": "string",
    "reading_fr": "string",
}


def judge_groups(
    frame: pd.DataFrame,
    *,
    attributes: Sequence[str],
    fairness: Sequence[str] = (),
    label: str = "label",
    probability: str = "probability",
    contact_cost: float | None = None,
    hit_gain: float | None = None,
    level: float = 0.95,
    limits: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Figures of each group of each attribute, and what is notably wrong beyond noise.

    Parameters
    ----------
    frame
        One row per customer: ``label``, ``probability`` and a column for each attribute; a group
        is its values as text, unknown ones are the group ``(unknown)``.
    attributes
        Columns to look by.
    fairness
        Those of them by which equal treatment is asked for. Only these are looked at for
        selection and for equal opportunity: segments are made to be treated unlike each other.
    label, probability
        Columns of the outcome and of its probability.
    contact_cost, hit_gain
        As in ``judge``: who is selected. Without both nobody's selection is looked at.
    level
        Of the intervals.
    limits
        What replaces some of ``GROUP_LIMITS``.

    Returns
    -------
    pandas.DataFrame
        Columns of ``GROUP_COLUMNS``; first the row of everybody (``all``, ``all``), then each
        attribute's groups by name. An attribute of which all share one group, such as one that is
        known of nobody, tells nobody from others and has no row. Of a group, against all others:

        prevalence, predicted, calibration_gap
            Actual share, mean probability, and predicted - actual.
        auc, auc_promised
            Its own ranking (interval after DeLong 1988, on the logit), and what its probabilities
            would give if they were right (van Klaveren 2016): a group of people much alike is
            hard to rank for any model, which is no fault of this one. NaN with too few hits or
            misses.
        selection_rate, selection_rate_ratio
            Share selected, and how many times the share of the others.
        true_positive_rate, equal_opportunity_difference
            Share selected of those for whom it happened, less that of the others. NaN with too few
            hits.
        is_too_small
            Not judged: all flags are false.
        is_ranked_worse, is_miscalibrated, is_selected_less, is_found_less
            The difference is at least as large as the limit, and beyond noise: Holm-corrected over
            all groups judged (z tests; for shares Fisher's exact test).
        reading_en, reading_fr
            The same in words.
    """
    used = {**GROUP_LIMITS, **(limits or {})}
    unknown = sorted(set(used) - set(GROUP_LIMITS))
    if unknown:
        raise SegmentationError(f"limits {unknown} are none of {sorted(GROUP_LIMITS)}")
    missing = [name for name in (label, probability, *attributes) if name not in frame.columns]
    if missing:
        raise SegmentationError(f"columns {missing} to judge groups by are not in the table")
    happened, chance = checked(frame[label].to_numpy(), frame[probability].to_numpy())
    threshold = cost_optimal_threshold(contact_cost=contact_cost, hit_gain=hit_gain)
    selected = None if threshold is None else chance > threshold
    everybody = np.ones(len(frame), dtype=bool)
    found = [_group(EVERYBODY, EVERYBODY, everybody, happened, chance, selected, level, used)]
    for attribute in attributes:
        column = frame[attribute]
        names = column.astype(object).where(column.notna(), UNKNOWN).astype(str).to_numpy()
        different = np.unique(names)
        # A group that is everybody is no group: it would say again what the first row says.
        for name in different if len(different) > 1 else ():
            inside = names == name
            found.append(_group(attribute, name, inside, happened, chance, selected, level, used))
    table = pd.DataFrame(found)
    if not len(frame):
        table = table.iloc[:0]
    judged = ~table["is_too_small"].astype(bool)
    fair = table["attribute"].isin(list(fairness))
    for flag, asked, large in (
        (
            "is_ranked_worse",
            judged,
            table["auc_promised"] - table["auc"] >= used["auc"],
        ),
        ("is_miscalibrated", judged, table["calibration_gap"].abs() >= used["calibration"]),
        (
            "is_selected_less",
            judged & fair,
            table["selection_rate_ratio"] <= used["selection_ratio"],
        ),
        (
            "is_found_less",
            judged & fair,
            table["equal_opportunity_difference"] <= -used["opportunity"],
        ),
    ):
        chance_of = table[f"p_{flag}"].astype(float).where(asked)
        whole = table["attribute"] == EVERYBODY
        # The row of everybody is one look of its own, and no group among the groups.
        p_value = chance_of.where(whole, _holm(chance_of.mask(whole).to_numpy()))
        table[flag] = (p_value < used["significance"]) & large
    words = [_read(row, used) for row in table.to_dict("records")]
    table[["reading_en", "reading_fr"]] = pd.DataFrame(
        words, columns=["reading_en", "reading_fr"], index=table.index
    )
    return table[list(GROUP_COLUMNS)]


def _holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's corrected p-values (1979); NaN is no test and stays NaN."""
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    steps = p_values[order] * (len(known) - np.arange(len(known)))
    corrected = np.full(len(p_values), np.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected


def _delong(pooled: Pooled) -> tuple[float, float]:
    """AUC and its standard error (DeLong, DeLong and Clarke-Pearson 1988)."""
    hits, misses = pooled.hits[0], pooled.misses[0]
    all_hits, all_misses = hits.sum(), misses.sum()
    of_hit = (np.cumsum(misses) - misses / 2) / all_misses
    of_miss = 1 - (np.cumsum(hits) - hits / 2) / all_hits
    auc = float((hits * of_hit).sum() / all_hits)
    variance = (hits * (of_hit - auc) ** 2).sum() / (all_hits - 1) / all_hits
    variance += (misses * (of_miss - auc) ** 2).sum() / (all_misses - 1) / all_misses
    return auc, float(np.sqrt(variance))


def _promised_auc(pooled: Pooled) -> float:
    """The AUC to be expected if every probability were right; NaN if no pair is."""
    p, rows = pooled.probability, (pooled.hits + pooled.misses)[0]
    hits, misses = rows * p, rows * (1 - p)
    # A row is no pair with itself.
    own = (rows * p * (1 - p)).sum()
    pairs = hits.sum() * misses.sum() - own
    below = np.cumsum(misses) - misses / 2
    return float(((hits * below).sum() - own / 2) / pairs) if pairs > 0 else np.nan


def _group(
    attribute: str,
    name: str,
    inside: np.ndarray,
    label: np.ndarray,
    probability: np.ndarray,
    selected: np.ndarray | None,
    level: float,
    limits: Mapping[str, float],
) -> dict[str, object]:
    """The figures of one group, and the p-value of each difference."""
    own, p = label[inside], probability[inside]
    rows, hits = int(inside.sum()), int(own.sum())
    z = stats.norm.ppf((1 + level) / 2)
    share = hits / rows if rows else np.nan
    low, high = (float(end) for end in wilson_interval(hits, rows, level=level))
    gap = float((p - own).mean()) if rows else np.nan
    # The spread of the gap, whether or not the probabilities are right; for the test, if they are.
    spread = float((p - own).std(ddof=1) / np.sqrt(rows)) if rows > 1 else np.nan
    by_chance = float(np.sqrt((p * (1 - p)).sum()) / rows) if rows else np.nan
    figures: dict[str, object] = {
        "attribute": attribute,
        "group_value": name,
        "customers": rows,
        "hits": hits,
        "prevalence": share,
        "prevalence_ci_low": low,
        "prevalence_ci_high": high,
        "predicted": float(p.mean()) if rows else np.nan,
        "calibration_gap": gap,
        "calibration_gap_ci_low": gap - z * spread,
        "calibration_gap_ci_high": gap + z * spread,
        "p_is_miscalibrated": 2 * stats.norm.sf(abs(gap) / by_chance) if by_chance else np.nan,
        "is_too_small": rows < limits["rows"] or min(hits, rows - hits) < limits["hits"],
    }
    figures.update(_ranking(own, p, z=z, least=max(limits["hits"], 2)))
    figures.update(_treatment(inside, label, selected, level=level, least=limits["hits"]))
    return figures


def _ranking(
    label: np.ndarray, probability: np.ndarray, *, z: float, least: float
) -> dict[str, float]:
    names = ("auc", "auc_ci_low", "auc_ci_high", "auc_promised", "p_is_ranked_worse")
    if min(label.sum(), (~label).sum()) < least:
        return dict.fromkeys(names, np.nan)
    pooled = pool(label, probability)
    auc, error = _delong(pooled)
    promised = _promised_auc(pooled)
    if error == 0:  # a constant, or a ranking without a fault: no spread to be had
        return dict(zip(names, (auc, np.nan, np.nan, promised, np.nan), strict=True))
    odds, half = np.log(auc / (1 - auc)), z * error / (auc * (1 - auc))
    low, high = (float(1 / (1 + np.exp(-end))) for end in (odds - half, odds + half))
    p_value = float(stats.norm.sf((promised - auc) / error))
    return dict(zip(names, (auc, low, high, promised, p_value), strict=True))


def _treatment(
    inside: np.ndarray,
    label: np.ndarray,
    selected: np.ndarray | None,
    *,
    level: float,
    least: float,
) -> dict[str, float]:
    """Who is selected, of all and of those for whom it happens, against the others."""
    figures: dict[str, float] = {}
    for name, flag, among, compared in (
        ("selection_rate", "is_selected_less", np.ones(len(label), dtype=bool), "ratio"),
        ("true_positive_rate", "is_found_less", label, "difference"),
    ):
        mine, rest = int((inside & among).sum()), int((~inside & among).sum())
        told = selected is not None and mine > 0 and (name == "selection_rate" or mine >= least)
        taken = int((selected & inside & among).sum()) if told else np.nan
        others = int((selected & ~inside & among).sum()) if told else np.nan
        rate = taken / mine if told else np.nan
        other_rate = others / rest if told and rest else np.nan
        low, high = wilson_interval(taken, mine if told else np.nan, level=level)
        figures |= {name: rate, f"{name}_ci_low": float(low), f"{name}_ci_high": float(high)}
        if compared == "ratio":
            figures["selection_rate_ratio"] = rate / other_rate if other_rate else np.nan
        else:
            figures["equal_opportunity_difference"] = rate - other_rate
            figures["other_true_positive_rate"] = other_rate
        figures[f"p_{flag}"] = (
            float(stats.hypergeom.cdf(taken, mine + rest, taken + others, mine))
            if told and rest
            else np.nan
        )
    return figures


def _read(row: Mapping[str, object], limits: Mapping[str, float]) -> tuple[str, str]:
    """The flags of a group in words, English and French."""
    if row["is_too_small"]:
        few, each = int(limits["rows"]), int(limits["hits"])
        return (
            f"Too few to judge: under {few} customers, or under {each} for whom it happened or "
            "did not.",
            f"Trop peu nombreux pour juger : moins de {few} clients, ou moins de {each} pour qui "
            "cela s'est produit ou non.",
        )
    said = []
    if row["is_miscalibrated"]:
        much = row["calibration_gap"] > 0
        predicted, actual = (f"{100 * row[name]:.0f} %" for name in ("predicted", "prevalence"))
        said.append(
            (
                f"Promises too {'much' if much else 'little'}: predicted {predicted}, "
                f"happened {actual}.",
                f"Promet trop {'' if much else 'peu '}: prévu {predicted}, arrivé {actual}.",
            )
        )
    if row["is_ranked_worse"]:
        auc, promised = (row["auc"], row["auc_promised"])
        said.append(
            (
                f"Tells these customers apart worse than it claims: AUC {auc:.2f}, by its own "
                f"probabilities {promised:.2f}.",
                "Distingue ces clients moins bien qu'il ne le prétend : AUC "
                f"{_comma(auc)}, selon ses propres probabilités {_comma(promised)}.",
            )
        )
    if row["is_selected_less"]:
        ratio = row["selection_rate_ratio"]
        said.append(
            (
                f"Selected {ratio:.2f} times as often as the others.",
                f"Retenu {_comma(ratio)} fois aussi souvent que les autres.",
            )
        )
    if row["is_found_less"]:
        mine, others = (
            f"{100 * row[name]:.0f} %"
            for name in ("true_positive_rate", "other_true_positive_rate")
        )
        said.append(
            (
                f"Of those for whom it happens {mine} are selected, {others} of the others.",
                f"De ceux pour qui cela se produit {mine} sont retenus, {others} des autres.",
            )
        )
    if not said:
        return "Nothing notable beyond chance.", "Rien de notable au-delà du hasard."
    return " ".join(english for english, _ in said), " ".join(french for _, french in said)


def _comma(value: float) -> str:
    return f"{value:.2f}".replace(".", ",")

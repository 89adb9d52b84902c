"""Whether two ways of dividing the customers have to do with each other, and how much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, combinations, product

import numpy as np
import pandas as pd
from scipy import stats

from python_ext.clustering._profiles import CUSTOMER_KEY, holm
from python_ext.frames import Schema

RARE = 20  # customers below which a value of an attribute is counted as "other"
OTHER = "(other)"
LEAST_KNOWN = 100  # customers below which a pair is not read
ASSOCIATION_LIMITS = {"weak": 0.05, "moderate": 0.15, "strong": 0.30}  # of Cramér's V
SIGNIFICANCE = 0.05

ASSOCIATIONS_SCHEMA = Schema(
    {
        "left_attribute": "string",
        "right_attribute": "string",
        "left_label_en": "string",
        "left_label_fr": "string",
        "right_label_en": "string",
        "right_label_fr": "string",
        "customers": "bigint",
        "customers_unknown": "bigint",
        "left_values": "bigint",
        "right_values": "bigint",
        "values_joined": "bigint",
        "chi_squared": "double",
        "degrees_of_freedom": "bigint",
        "p_value": "double",
        "cramers_v": "double",
        "smallest_expected": "double",
        "is_expected_small": "boolean",
        "is_circular": "boolean",
        "strength": "string",
        "reading_en": "string",
        "reading_fr": "string",
        "top_segment_id": "bigint",
        "top_value": "string",
        "top_customers": "bigint",
        "top_index": "double",
    },
    key=("left_attribute", "right_attribute"),
)

_READINGS = {
    "unknown": (
        "Too few customers are known to tell.",
        "Trop peu de clients sont connus pour conclure.",
    ),
    "chance": (
        "No difference beyond chance.",
        "Aucune différence au-delà du hasard.",
    ),
    "negligible": (
        "A real difference, but too small to be worth acting on.",
        "Une différence réelle, mais trop faible pour agir.",
    ),
    "weak": (
        "A weak link: a nuance, no reason to treat people differently.",
        "Un lien faible : une nuance, pas une raison de traiter les gens autrement.",
    ),
    "moderate": ("A clear link.", "Un lien net."),
    "strong": ("A strong link.", "Un lien fort."),
}
_CIRCULAR = (
    " Both are made from the same conduct, so a link is no discovery.",
    " Les deux reposent sur les mêmes comportements : un lien n'est pas une découverte.",
)
_THIN = (
    " Some combinations are rare: the p-value is approximate.",
    " Certaines combinaisons sont rares : la valeur p est approximative.",
)


def chi_squared(observed: np.ndarray) -> dict[str, float]:
    """Pearson's χ² of a table of counts without empty rows or columns.

    Returns
    -------
    dict
        ``statistic``, ``degrees``, ``p_value``, ``v`` (Cramér's V with Bergsma's bias correction,
        2013) and ``smallest`` (expected count); NaN where the table has one row or column.
    """
    rows, columns = observed.shape
    n = observed.sum()
    expected = expected_counts(observed)
    degrees = (rows - 1) * (columns - 1)
    if degrees == 0 or n < 2:
        smallest = float(expected.min()) if expected.size else np.nan
        return {
            "statistic": np.nan,
            "degrees": degrees,
            "p_value": np.nan,
            "v": np.nan,
            "smallest": smallest,
        }
    statistic = float(((observed - expected) ** 2 / expected).sum())
    phi_squared = max(0.0, statistic / n - degrees / (n - 1))
    narrow = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return {
        "statistic": statistic,
        "degrees": degrees,
        "p_value": float(stats.chi2.sf(statistic, degrees)),
        "v": float(min(1.0, np.sqrt(phi_squared / narrow))) if narrow > 0 else np.nan,
        "smallest": float(expected.min()),
    }


def expected_counts(observed: np.ndarray) -> np.ndarray:
    """Counts of independence: product of the margins over the whole."""
    n = observed.sum()
    return np.outer(observed.sum(axis=1), observed.sum(axis=0)) / n if n else observed * np.nan


def associate_segments(
    clusters: pd.DataFrame | Iterable[pd.DataFrame],
    attributes: pd.DataFrame,
    described: pd.DataFrame,
    views: pd.DataFrame,
    view_features: pd.DataFrame,
    definitions: pd.DataFrame,
    *,
    main_view: str = "all",
    least_customers: int = 10,
    limits: Mapping[str, float] | None = None,
    significance: float = SIGNIFICANCE,
) -> pd.DataFrame:
    """Test the segments of each view against attributes of customers and against each other.

    Parameters
    ----------
    clusters
        ``view``, ``customer_key`` and ``segment_id``; one table or several.
    attributes
        ``customer_key`` and a text column for each attribute; null means unknown.
    described
        The seed ``segment_attributes``: ``attribute``, ``label_en``, ``label_fr`` and ``sources``
        (what conduct it is made of, as ``shop web``; empty for what is told of a person). Only
        these are tested.
    views
        The seed ``segmentation_views``: ``view``, ``label_en``, ``label_fr``.
    view_features, definitions
        The seeds ``segmentation_features`` and ``feature_definitions``: of what sources the
        segments of a view are made. A pair with a common source is circular.
    main_view
        Its segments are the attribute ``segment``, those of another view ``<view>_segment``.
    least_customers
        The combination that stands out most is named only when at least so many are behind it.
    limits
        Least Cramér's V of a weak, a moderate and a strong link; None for 0.05, 0.15, 0.30.
    significance
        Level of the Holm-corrected p-value.

    Returns
    -------
    pandas.DataFrame
        Columns of ``ASSOCIATIONS_SCHEMA``, one row per pair. A pair is over the customers of whom
        both are known; ``customers_unknown`` counts the others who have the left one. Values of
        fewer than ``RARE`` customers are joined into one. ``p_value`` is corrected over all pairs.
    """
    tables = [clusters] if isinstance(clusters, pd.DataFrame) else clusters
    held = attributes.set_index(CUSTOMER_KEY)
    held = held[[name for name in described["attribute"] if name in held.columns]]
    labels = {
        row["attribute"]: (row["label_en"], row["label_fr"]) for _, row in described.iterrows()
    }
    sources = {
        row["attribute"]: set(row["sources"].split()) if isinstance(row["sources"], str) else set()
        for _, row in described.iterrows()
    }
    used = view_features.merge(definitions[["feature", "source_table"]], on="feature")
    used["source"] = used["source_table"].astype(str).str.split(r"[.]").str[0]
    view_labels = {row["view"]: (row["label_en"], row["label_fr"]) for _, row in views.iterrows()}
    parts: dict[str, pd.Series] = {}
    for view, part in chain.from_iterable(table.groupby("view") for table in tables):
        name = "segment" if view == main_view else f"{view}_segment"
        parts[name] = part.set_index(CUSTOMER_KEY)["segment_id"].astype(str)
        sources[name] = set(used.loc[used["view"] == view, "source"])
        english, french = view_labels.get(view, (view, view))
        labels[name] = (f"Segments: {english}", f"Segments : {french}")
    # Customers and values are numbered once: a million texts are not compared for every pair.
    customers = held.index
    for part in parts.values():
        customers = customers.union(part.index, sort=False)
    segments = {name: _Numbered.of(part, customers) for name, part in parts.items()}
    told = {name: _Numbered.of(held[name], customers) for name in held.columns}
    ordered = sorted(segments, key=lambda name: (name != "segment", name))
    pairs = [*combinations(ordered, 2), *product(ordered, held.columns)]
    records = []
    for left, right in pairs:
        other = segments[right] if right in segments else told[right]
        records.append(
            {
                "left_attribute": left,
                "right_attribute": right,
                "left_label_en": labels[left][0],
                "left_label_fr": labels[left][1],
                "right_label_en": labels[right][0],
                "right_label_fr": labels[right][1],
                "is_circular": bool(sources[left] & sources[right]),
                **_tested(segments[left], other, least_customers),
            }
        )
    table = pd.DataFrame(
        records, columns=[c for c in ASSOCIATIONS_SCHEMA if c not in ("strength", *_WORDS)]
    )
    table["p_value"] = holm(table["p_value"].to_numpy(dtype=float))
    read = [
        _read(row, limits or ASSOCIATION_LIMITS, significance) for row in table.to_dict("records")
    ]
    table[["strength", *_WORDS]] = pd.DataFrame(read, columns=["strength", *_WORDS])
    return table[list(ASSOCIATIONS_SCHEMA)]


_WORDS = ("reading_en", "reading_fr")


@dataclass(frozen=True)
class _Numbered:
    """One attribute: the number of each customer's value, -1 where unknown, and the values."""

    codes: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, values: pd.Series, customers: pd.Index) -> _Numbered:
        known = values.dropna().astype(str)
        codes, names = pd.factorize(known.to_numpy(dtype=object))
        numbered = np.full(len(customers), -1)
        numbered[customers.get_indexer(known.index)] = codes
        return cls(numbered, names)


def _counted(left: _Numbered, right: _Numbered, known: np.ndarray) -> pd.DataFrame:
    """Customers by both values."""
    cells = left.codes[known] * len(right.values) + right.codes[known]
    shape = len(left.values), len(right.values)
    counts = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
    return pd.DataFrame(counts, index=left.values, columns=right.values)


def _without_rare(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Rows in order, those of nobody left out, those of fewer than ``RARE`` joined; how many."""
    table = table[table.sum(axis=1) > 0]
    rare = (table.sum(axis=1) < RARE).to_numpy()
    if rare.sum() < 2:
        return table.sort_index(), 0
    return table.groupby(np.where(rare, OTHER, table.index)).sum(), int(rare.sum())


def _tested(left: _Numbered, right: _Numbered, least_customers: int) -> dict[str, object]:
    has_left = left.codes >= 0
    known = has_left & (right.codes >= 0)
    table, joined_left = _without_rare(_counted(left, right, known))
    turned, joined_right = _without_rare(table.T)
    table, joined = turned.T, joined_left + joined_right
    observed = table.to_numpy(dtype=float)
    found = chi_squared(observed) if observed.size else chi_squared(np.zeros((1, 1)))
    expected = expected_counts(observed)
    # Cochran's rule (1954): no expected count under 1 and at most a fifth of them under 5.
    small = bool(observed.size and ((expected < 5).mean() > 0.2 or expected.min() < 1))
    top = _top_cell(table, expected, least_customers) if found["degrees"] > 0 else {}
    return {
        "customers": int(known.sum()),
        "customers_unknown": int((has_left & ~known).sum()),
        "left_values": table.shape[0],
        "right_values": table.shape[1],
        "values_joined": joined,
        "chi_squared": found["statistic"],
        "degrees_of_freedom": found["degrees"],
        "p_value": found["p_value"],
        "cramers_v": found["v"],
        "smallest_expected": found["smallest"],
        "is_expected_small": small,
        "top_segment_id": top.get("segment_id"),
        "top_value": top.get("value"),
        "top_customers": top.get("customers"),
        "top_index": top.get("index"),
    }


def _top_cell(table: pd.DataFrame, expected: np.ndarray, least_customers: int) -> dict[str, object]:
    """The combination that is most over-represented, by its adjusted residual."""
    observed = table.to_numpy(dtype=float)
    n = observed.sum()
    rows, columns = observed.sum(axis=1, keepdims=True), observed.sum(axis=0, keepdims=True)
    deviation = np.sqrt(expected * (1 - rows / n) * (1 - columns / n))
    residual = np.divide(
        observed - expected, deviation, out=np.zeros_like(observed), where=deviation > 0
    )
    sayable = (observed >= least_customers) & (expected >= 5)
    sayable &= (table.index != OTHER)[:, None] & (table.columns != OTHER)[None, :]
    residual = np.where(sayable, residual, 0.0)
    if residual.max(initial=0.0) <= 0:
        return {}
    row, column = np.unravel_index(np.argmax(residual), residual.shape)
    return {
        "segment_id": int(table.index[row]),
        "value": str(table.columns[column]),
        "customers": int(observed[row, column]),
        "index": float(100 * observed[row, column] / expected[row, column]),
    }


def _read(
    row: Mapping[str, object], limits: Mapping[str, float], significance: float
) -> tuple[str, str, str]:
    """Strength of a pair, and what it says in plain words."""
    v, p_value = row["cramers_v"], row["p_value"]
    if row["customers"] < LEAST_KNOWN or p_value != p_value or v != v:
        strength = "unknown"
    elif p_value >= significance:
        strength = "chance"
    else:
        reached = [name for name in ("weak", "moderate", "strong") if v >= limits[name]]
        strength = reached[-1] if reached else "negligible"
    english, french = _READINGS[strength]
    if strength in ("weak", "moderate", "strong") and row["is_circular"]:
        english, french = english + _CIRCULAR[0], french + _CIRCULAR[1]
    if strength != "unknown" and row["is_expected_small"]:
        english, french = english + _THIN[0], french + _THIN[1]
    return strength, english, french

"""Which features learn, and how raw columns become numbers; shared by all learners."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from python_ext.imputation import STRATEGIES
from python_ext.settings import is_on

TRANSFORMS = ("none", "log", "sqrt", "share")
PURPOSES = ("propensity",)
KINDS = ("number", "category")
SCORES_ONLY = "scores"  # group of the features that describe no segment
CALENDAR = "calendar"  # group of the quarter of the year: the same for everybody at a cutoff
QUARTERS = frozenset({"q1", "q2", "q3", "q4"})


@dataclass(frozen=True)
class Feature:
    """One column that may learn, as the seed ``feature_definitions`` describes it."""

    name: str
    view: str
    transform: str
    label_en: str
    label_fr: str
    in_propensity: bool = False
    imputation: str = "median"
    kind: str = "number"
    description_en: str = ""


def of_customers(features: Iterable[Feature]) -> list[Feature]:
    """Those that differ between the customers of a cutoff: all but the calendar's."""
    return [feature for feature in features if feature.view != CALENDAR]


def parse_sources(sources: Mapping[str, bool] | str | None) -> dict[str, bool]:
    """Switches of sources and tables, from a mapping, its JSON text, or nothing (all on)."""
    parsed = json.loads(sources) if isinstance(sources, str) and sources.strip() else sources or {}
    if not isinstance(parsed, Mapping):
        raise ValueError(f"sources must be a mapping of names to true or false, not {sources!r}")
    return {str(name): is_true(value) for name, value in parsed.items()}


def is_true(value: Any) -> bool:
    """A flag of a seed or a setting; an empty one is false."""
    if isinstance(value, str):
        text = value.strip().lower()
        if text not in ("true", "false", "t", "f", "1", "0"):
            raise ValueError(f"{value!r} is neither true nor false")
        return text in ("true", "t", "1")
    return False if pd.isna(value) else bool(value)


def text_or(value: Any, default: str) -> str:
    """The text of a seed's cell, or the default where it is empty."""
    return default if value is None or value is pd.NA or value != value else str(value)


def select_features(
    definitions: pd.DataFrame,
    columns: Iterable[str],
    *,
    purpose: str | None = None,
    sources: Mapping[str, bool] | str | None = None,
    kinds: Iterable[str] = ("number",),
) -> list[Feature]:
    """Features that may be used: asked for by the seed and fed by a source that is on.

    Parameters
    ----------
    definitions
        The seed ``feature_definitions``, one row per feature.
    columns
        Columns of the feature table.
    purpose
        ``propensity``: only features the seed gives to that learner. All features if not given.
        What a segmentation is made from says the seed ``segmentation_features``.
    sources
        Switches as in ``parse_sources``. A feature whose table or whole source is off is dropped,
        never filled with zeros. ``source_table`` may name several tables joined by ``+``; the
        feature goes only when all of them are off.
    kinds
        Kinds of features wanted: ``number``, ``category``. Numbers alone if not given, for
        learners that know no categories.

    Returns
    -------
    list of Feature
        Sorted by name, so that the order of the seed changes nothing.

    Raises
    ------
    ValueError
        If the seed repeats a feature, names an unknown kind, transform or imputation, or asks for
        a column that the table does not have.
    """
    if purpose is not None and purpose not in PURPOSES:
        raise ValueError(f"purpose {purpose!r} is none of {PURPOSES}")
    switches, present, kinds = parse_sources(sources), set(columns), set(kinds)
    seen: set[str] = set()
    selected: dict[str, Feature] = {}
    for row in definitions.to_dict("records"):
        name = row["feature"]
        tables = [part.strip() for part in text_or(row.get("source_table"), "").split("+")]
        feature = Feature(
            name=name,
            view=text_or(row.get("view"), "other"),
            transform=text_or(row.get("transform"), "none"),
            label_en=text_or(row.get("label_en"), name.replace("_", " ")),
            label_fr=text_or(row.get("label_fr"), name.replace("_", " ")),
            in_propensity=is_true(row.get("in_propensity")),
            imputation=text_or(row.get("imputation"), "median"),
            kind=text_or(row.get("kind"), "number"),
            description_en=text_or(row.get("description_en"), ""),
        )
        if name in seen:
            raise ValueError(f"feature_definitions repeats the feature {name}")
        seen.add(name)
        if feature.kind not in KINDS:
            raise ValueError(f"feature {name} has the kind {feature.kind!r}; known are {KINDS}")
        if feature.transform not in TRANSFORMS:
            raise ValueError(
                f"feature {name} has the transform {feature.transform!r}; known are {TRANSFORMS}"
            )
        if feature.imputation not in STRATEGIES:
            raise ValueError(
                f"feature {name} has the imputation {feature.imputation!r}; known are {STRATEGIES}"
            )
        wanted = purpose is None or getattr(feature, f"in_{purpose}")
        if wanted and feature.kind in kinds and any(is_on(table, switches) for table in tables):
            selected[name] = feature
    absent = sorted(set(selected) - present)
    if absent:
        raise ValueError(
            f"feature_definitions names {absent}, which the feature table does not have"
        )
    return [selected[name] for name in sorted(selected)]


def with_category_labels(features: list[Feature], categories: pd.DataFrame | None) -> list[Feature]:
    """Call taste_1, taste_2, … by the category that stands behind them.

    Parameters
    ----------
    categories
        ``category_rank`` and ``category``; None leaves the seed's labels.
    """
    if categories is None:
        return features
    behind = {
        f"taste_{rank}": str(name)
        for rank, name in zip(categories["category_rank"], categories["category"], strict=True)
    }
    return [
        replace(
            feature,
            label_en=f"Share of spending on {behind[feature.name]}",
            label_fr=f"Part des dépenses en {behind[feature.name]}",
        )
        if feature.name in behind
        else feature
        for feature in features
    ]


def transformed(values: np.ndarray, transform: str) -> np.ndarray:
    """The values on the scale of a transform.

    ``log`` and ``sqrt`` keep the sign: ``log(1 + |x|)``, ``sqrt(|x|)``. ``share`` is the arcsine
    square root of a share of 0 to 1, whose sampling variance does not depend on the share.
    ``none`` leaves them as they are.
    """
    if transform == "log":
        return np.sign(values) * np.log1p(np.abs(values))
    if transform == "sqrt":
        return np.sign(values) * np.sqrt(np.abs(values))
    if transform == "share":
        return np.arcsin(np.sqrt(np.clip(values, 0.0, 1.0)))
    return values


def untransformed(values: np.ndarray, transform: str) -> np.ndarray:
    """The inverse of ``transformed``."""
    if transform == "log":
        return np.sign(values) * np.expm1(np.abs(values))
    if transform == "sqrt":
        return np.sign(values) * np.square(values)
    if transform == "share":
        return np.square(np.sin(values))
    return values


def feature_matrix(
    frame: pd.DataFrame, features: Iterable[Feature], *, transform: bool = True
) -> np.ndarray:
    """Columns as float64, shape (rows, features).

    Infinite values are unknown values here: null, ±inf and NaN all become NaN. With ``transform``
    the seed's transform is applied; it has no fitted parameter, so it cannot leak.
    """
    columns = []
    for feature in features:
        values = frame[feature.name].to_numpy(dtype=float, na_value=np.nan)
        values = np.where(np.isfinite(values), values, np.nan)
        columns.append(transformed(values, feature.transform) if transform else values)
    return np.column_stack(columns) if columns else np.empty((len(frame), 0))


def feature_frame(frame: pd.DataFrame, features: Iterable[Feature]) -> pd.DataFrame:
    """The columns a pipeline reads, in the order of the features.

    Numbers come as ``feature_matrix`` gives them: float64 on the scale of their transform, NaN
    where unknown. Categories come as text, None where unknown or empty. Nothing is fitted here,
    so nothing can leak.
    """
    features = list(features)
    columns: dict[str, Any] = {}
    for feature in features:
        if feature.kind == "category":
            columns[feature.name] = _as_text(frame[feature.name])
        else:
            columns[feature.name] = feature_matrix(frame, [feature])[:, 0]
    return pd.DataFrame(columns, index=frame.index, columns=[f.name for f in features])


def _as_text(values: pd.Series) -> pd.Series:
    code, levels = pd.factorize(values)
    texts = np.array([*(str(level).strip() or None for level in levels), None], dtype=object)
    return pd.Series(texts[code], index=values.index, dtype=object)

"""A small decision tree that retells a segmentation as rules a marketer can read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from python_ext.clustering._profiles import CUSTOMER_KEY
from python_ext.clustering._wording import Wording, capitalised, rounded
from python_ext.features import Feature, feature_matrix, select_features
from python_ext.frames import Schema

DEPTHS = (3, 4)
WORTH_A_LEVEL = 0.02  # accuracy on held-out customers that a deeper tree must add
HELD_OUT = 0.3
MOVED = 0.005  # share of the customers that rounding a threshold may move
LEAST_LEAF = 0.01  # share of the customers fitted on that a leaf must have

_POSITION = "_position"

RULES_SCHEMA = Schema(
    {
        "view": "string",
        "leaf": "bigint",
        "segment_id": "bigint",
        "rule_en": "string",
        "rule_fr": "string",
        "conditions": "bigint",
        "customers": "bigint",
        "customer_share": "double",
        "customers_of_segment": "bigint",
        "precision": "double",
        "recall": "double",
        "fidelity": "double",
        "majority_share": "double",
        "depth": "bigint",
        "fitted_customers": "bigint",
        "held_out_customers": "bigint",
    },
    key=("view", "leaf"),
)


@dataclass(frozen=True)
class Interval:
    """What a rule asks of one feature: above ``low``, at most ``high``, unknown values or not.

    A tree may split off the unknown values alone: then ``low`` is infinite, and nothing is above.
    """

    feature: int
    low: float = -np.inf
    high: float = np.inf
    takes_unknown: bool = True

    def holds(self, values: np.ndarray) -> np.ndarray:
        """Which values meet it; NaN is an unknown value."""
        unknown = np.isnan(values)
        inside = (np.where(unknown, 0.0, values) > self.low) & (
            np.where(unknown, 0.0, values) <= self.high
        )
        return np.where(unknown, self.takes_unknown, inside)


@dataclass(frozen=True)
class Rule:
    """Conditions that all have to hold, and the class of whom they hold for."""

    label: int
    intervals: Mapping[int, Interval] = field(default_factory=dict)

    def holds(self, values: np.ndarray) -> np.ndarray:
        """Which rows of ``values`` (rows, features) meet every condition."""
        met = np.ones(len(values), dtype=bool)
        for interval in self.intervals.values():
            met &= interval.holds(values[:, interval.feature])
        return met


def explain_segments(
    clusters: pd.DataFrame | Iterable[pd.DataFrame],
    frame: pd.DataFrame,
    definitions: pd.DataFrame,
    view_features: pd.DataFrame,
    *,
    sources: Mapping[str, bool] | str | None = None,
    categories: pd.DataFrame | None = None,
    category_labels: pd.DataFrame | None = None,
    feature_words: pd.DataFrame | None = None,
    sample_rows: int = 50_000,
    seed: int = 42,
) -> pd.DataFrame:
    """Retell the segments of each view by a decision tree over its features, in their own units.

    Parameters
    ----------
    clusters
        ``view``, ``customer_key`` and ``segment_id``; one table or several.
    frame
        ``customer_key`` and feature columns.
    definitions, view_features, sources, categories, category_labels
        As in ``profile_segments``.
    feature_words
        The seed of that name, for units.
    sample_rows
        Most customers the tree is fitted on and judged by, those with the smallest hash.
    seed
        Of the tree, for features that split equally well.

    Returns
    -------
    pandas.DataFrame
        Columns of ``RULES_SCHEMA``, one row per view and leaf. Thresholds are rounded first and
        every figure is that of the rounded rule. ``fidelity`` is the share of held-out customers
        (three in ten, by hash, that no tree saw) whom the rules put into their segment;
        ``majority_share`` what putting everybody into the largest segment would reach.
        ``precision`` and ``recall`` are over the held-out customers too; ``customers`` and
        ``customer_share`` over all.
    """
    wording = Wording.of(
        feature_words=feature_words, categories=categories, category_labels=category_labels
    )
    features = {f.name: f for f in select_features(definitions, frame.columns, sources=sources)}
    features = {
        name: replace(f, label_en=wording.label(f, "en"), label_fr=wording.label(f, "fr"))
        for name, f in features.items()
    }
    # A wide frame of all customers is gigabytes, and sorting and joining copy it.
    read = sorted({*view_features["feature"]} & {*features})
    frame = frame[[CUSTOMER_KEY, *read]].sort_values(CUSTOMER_KEY, kind="stable")
    frame[_POSITION] = _position(frame[CUSTOMER_KEY])
    tables = [clusters] if isinstance(clusters, pd.DataFrame) else clusters
    found = []
    for table in tables:
        for view, part in table.groupby("view", sort=True):
            names = view_features.loc[view_features["view"] == view, "feature"]
            chosen = [features[name] for name in sorted(names) if name in features]
            columns = [CUSTOMER_KEY, _POSITION, *(feature.name for feature in chosen)]
            joined = frame[columns].merge(part[[CUSTOMER_KEY, "segment_id"]], on=CUSTOMER_KEY)
            rows = _explain_view(joined, chosen, wording, sample_rows, seed)
            found.append(rows.assign(view=view))
    found = [rows for rows in found if len(rows)]
    if not found:
        return pd.DataFrame(columns=list(RULES_SCHEMA))
    return pd.concat(found, ignore_index=True)[list(RULES_SCHEMA)]


def _explain_view(
    joined: pd.DataFrame,
    features: list[Feature],
    wording: Wording,
    sample_rows: int,
    seed: int,
) -> pd.DataFrame:
    segment = joined["segment_id"].to_numpy(dtype=np.int64)
    values = feature_matrix(joined, features, transform=False)
    kept = [j for j in range(len(features)) if (~np.isnan(values[:, j])).any()]
    features, values = [features[j] for j in kept], values[:, kept]
    if len(np.unique(segment)) < 2 or not features:
        return pd.DataFrame(columns=list(RULES_SCHEMA))
    drawn = np.argsort(joined[_POSITION].to_numpy(), kind="stable")[:sample_rows]
    # The order of the hash has nothing to do with anything: three of each ten rows are held out.
    held = drawn[np.arange(len(drawn)) % 10 < round(10 * HELD_OUT)]
    fitted = np.setdiff1d(drawn, held)
    if len(held) < 10 or len(np.unique(segment[fitted])) < 2:
        return pd.DataFrame(columns=list(RULES_SCHEMA))
    best, depth, fidelity = None, 0, -1.0
    for candidate in DEPTHS:
        rules = _rules(values[fitted], segment[fitted], candidate, seed)
        accuracy = _accuracy(rules, values[held], segment[held])
        if best is None or accuracy >= fidelity + WORTH_A_LEVEL:
            best, depth, fidelity = rules, candidate, accuracy
    majority = np.bincount(segment[fitted]).argmax()
    records = []
    for number, rule in enumerate(best, start=1):
        inside = rule.holds(values)
        of_held = segment[held][inside[held]]
        right = int((of_held == rule.label).sum())
        records.append(
            {
                "leaf": number,
                "segment_id": rule.label,
                "rule_en": _sentence(rule, features, values, wording, "en"),
                "rule_fr": _sentence(rule, features, values, wording, "fr"),
                "conditions": len(rule.intervals),
                "customers": int(inside.sum()),
                "customer_share": float(inside.mean()),
                "customers_of_segment": int((segment[inside] == rule.label).sum()),
                "precision": right / len(of_held) if len(of_held) else np.nan,
                "recall": right / max(1, int((segment[held] == rule.label).sum())),
                "fidelity": fidelity,
                "majority_share": float((segment[held] == majority).mean()),
                "depth": depth,
                "fitted_customers": len(fitted),
                "held_out_customers": len(held),
            }
        )
    return pd.DataFrame(records)


def _position(keys: pd.Series) -> np.ndarray:
    """A number per customer that has nothing to do with anything else, from its key alone."""
    return np.array(
        [
            int.from_bytes(
                hashlib.md5(f"surrogate|{key}".encode(), usedforsecurity=False).digest()[:7], "big"
            )
            for key in keys
        ],
        dtype=np.int64,
    )


def _readable(threshold: float, values: np.ndarray) -> float:
    """The threshold in as few digits as move hardly anybody; whole where all values are."""
    known = values[~np.isnan(values)]
    if (known == np.round(known)).all():
        threshold = float(np.floor(threshold))
    for digits in (1, 2):
        near = rounded(threshold, digits)
        low, high = min(near, threshold), max(near, threshold)
        if ((known > low) & (known <= high)).mean() <= MOVED:
            return near
    return rounded(threshold, 3)


def _rules(values: np.ndarray, segment: np.ndarray, depth: int, seed: int) -> list[Rule]:
    """Leaves of a fitted tree as rules with rounded thresholds; equal siblings are one."""
    least = max(2, int(np.ceil(LEAST_LEAF * len(segment))))
    tree = DecisionTreeClassifier(max_depth=depth, min_samples_leaf=least, random_state=seed)
    tree.fit(values, segment)
    return list(_leaves(tree, 0, Rule(0), values))


def _label(tree: DecisionTreeClassifier, node: int) -> int:
    return int(tree.classes_[np.argmax(tree.tree_.value[node][0])])


def _leaves(
    tree: DecisionTreeClassifier, node: int, path: Rule, values: np.ndarray
) -> Iterator[Rule]:
    inner = tree.tree_
    labels = {_label(tree, leaf) for leaf in _leaf_nodes(inner, node)}
    if len(labels) == 1:
        yield replace(path, label=labels.pop())
        return
    feature = int(inner.feature[node])
    threshold = _readable(float(inner.threshold[node]), values[:, feature])
    unknown_left = bool(inner.missing_go_to_left[node])
    left, right = inner.children_left[node], inner.children_right[node]
    below = _narrowed(path, feature, -np.inf, threshold, unknown_left)
    above = _narrowed(path, feature, threshold, np.inf, not unknown_left)
    yield from _leaves(tree, left, below, values)
    yield from _leaves(tree, right, above, values)


def _leaf_nodes(inner: object, node: int) -> Iterator[int]:
    if inner.children_left[node] == -1:
        yield node
        return
    yield from _leaf_nodes(inner, inner.children_left[node])
    yield from _leaf_nodes(inner, inner.children_right[node])


def _narrowed(path: Rule, feature: int, low: float, high: float, takes_unknown: bool) -> Rule:
    before = path.intervals.get(feature, Interval(feature))
    interval = Interval(
        feature,
        max(before.low, low),
        min(before.high, high),
        before.takes_unknown and takes_unknown,
    )
    return replace(path, intervals={**path.intervals, feature: interval})


def _accuracy(rules: list[Rule], values: np.ndarray, segment: np.ndarray) -> float:
    """Share of rows that the rules put into their segment."""
    return float(sum(((segment == r.label) & r.holds(values)).sum() for r in rules) / len(segment))


def _sentence(
    rule: Rule, features: list[Feature], values: np.ndarray, wording: Wording, language: str
) -> str:
    parts = []
    for interval in rule.intervals.values():
        feature, column = features[interval.feature], values[:, interval.feature]
        low, high = (
            wording.figure(feature.name, bound, language) if np.isfinite(bound) else ""
            for bound in (interval.low, interval.high)
        )
        if interval.low >= interval.high:
            said = {"en": "unknown", "fr": "inconnu"}[language]
        elif not low and not high:
            if interval.takes_unknown:
                continue
            said = {"en": "known", "fr": "connu"}[language]
        else:
            said = _comparison(low, high, language)
            if interval.takes_unknown and np.isnan(column).any():
                said += {"en": " (or unknown)", "fr": " (ou inconnu)"}[language]
        text = f"{feature.label_en} {said}" if language == "en" else f"{feature.label_fr} : {said}"
        parts.append(
            text if text[1:2].isupper() or text[1:2] == "-" else text[:1].lower() + text[1:]
        )
    if language == "fr":
        return capitalised(" ; ".join(parts) or "tout le monde")
    return capitalised(
        " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]])) or "everybody"
    )


def _comparison(low: str, high: str, language: str) -> str:
    if low and high:
        return (
            f"over {low} up to {high}" if language == "en" else f"plus de {low} et au plus {high}"
        )
    if low:
        return f"over {low}" if language == "en" else f"plus de {low}"
    return f"at most {high}" if language == "en" else f"au plus {high}"

"""The views of the customer base, as the seeds say: which feature, how prepared, at what weight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd

from python_ext.errors import SegmentationError
from python_ext.features import TRANSFORMS, Feature, is_true, select_features, text_or

REDUCTIONS = ("none", "pca", "factor")
SCALINGS = ("z", "min_max", "robust")
LEAST_FEATURES = 2
FEATURES_SEED = "seeds/reference/segmentation_features.csv"
VIEWS_SEED = "seeds/reference/segmentation_views.csv"


@dataclass(frozen=True)
class ViewFeature(Feature):
    """A feature as one view of the customer base uses it.

    Attributes
    ----------
    view
        Its group (``view`` of ``feature_definitions``); within a view of customers, features of
        one group are balanced against those of another.
    scaling
        ``z``, ``min_max`` or ``robust``.
    winsor_lower, winsor_upper
        Share of the customers clipped at each end.
    weight
        Factor of the coordinate, 1 for none.
    """

    scaling: str = "z"
    winsor_lower: float = 0.01
    winsor_upper: float = 0.01
    weight: float = 1.0


@dataclass(frozen=True)
class View:
    """One way to look at the customers: the features that segments are made from.

    Attributes
    ----------
    reduction
        ``none``, ``pca`` or ``factor``: whether components or factors stand in for the features.
    features
        Those fed by a source that is on, sorted by name.
    """

    name: str
    label_en: str
    label_fr: str
    reduction: str
    features: tuple[ViewFeature, ...]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Columns of the feature table it reads."""
        return tuple(feature.name for feature in self.features)


def load_views(
    views: pd.DataFrame,
    view_features: pd.DataFrame,
    definitions: pd.DataFrame,
    columns: Iterable[str],
    *,
    sources: Mapping[str, bool] | str | None = None,
) -> list[View]:
    """The active views that the switched-on sources feed.

    Parameters
    ----------
    views, view_features, definitions
        The seeds ``segmentation_views``, ``segmentation_features`` and ``feature_definitions``.
    columns
        Columns of the feature table.
    sources
        Switches of sources, see ``features.parse_sources``. A feature whose source is off is
        dropped, never filled with zeros.

    Returns
    -------
    list of View
        Sorted by name. A view with fewer than ``LEAST_FEATURES`` fed features is left out;
        ``views_left_out`` says why.

    Raises
    ------
    SegmentationError
        If a seed repeats itself or names a view, a feature, a transform, a scaling or a reduction
        that does not exist, or a winsor limit or a weight is out of range.
    """
    asked = _asked_views(views, view_features, definitions, columns, sources)
    return [view for view in asked if len(view.features) >= LEAST_FEATURES]


def views_left_out(
    views: pd.DataFrame,
    view_features: pd.DataFrame,
    definitions: pd.DataFrame,
    columns: Iterable[str],
    *,
    sources: Mapping[str, bool] | str | None = None,
) -> dict[str, str]:
    """Active views that ``load_views`` leaves out, each with the reason in words."""
    asked = _asked_views(views, view_features, definitions, columns, sources)
    listed = view_features.groupby("view")["feature"].count()
    return {
        view.name: f"{len(view.features)} of its {listed.get(view.name, 0)} features are fed by a "
        f"source that is on, at least {LEAST_FEATURES} are needed"
        for view in asked
        if len(view.features) < LEAST_FEATURES
    }


def _asked_views(
    views: pd.DataFrame,
    view_features: pd.DataFrame,
    definitions: pd.DataFrame,
    columns: Iterable[str],
    sources: Mapping[str, bool] | str | None,
) -> list[View]:
    known = {f.name: f for f in select_features(definitions, definitions["feature"])}
    fed = {f.name for f in select_features(definitions, columns, sources=sources)}
    rows = views.to_dict("records")
    names = [row["view"] for row in rows]
    _refuse_repeats(names, "view", VIEWS_SEED)
    features: dict[str, list[ViewFeature]] = {name: [] for name in names}
    listed = view_features.to_dict("records")
    _refuse_repeats([f"{r['view']}, {r['feature']}" for r in listed], "row", FEATURES_SEED)
    for row in listed:
        feature = _view_feature(row, names, known)
        if feature.name in fed:
            features[row["view"]].append(feature)
    asked = [_view(row, features[row["view"]]) for row in rows if is_true(row["is_active"])]
    return sorted(asked, key=lambda view: view.name)


def _view(row: Mapping[str, Any], features: list[ViewFeature]) -> View:
    reduction = text_or(row.get("reduction"), "none")
    if reduction not in REDUCTIONS:
        raise SegmentationError(
            f"{VIEWS_SEED}: view {row['view']} has the reduction {reduction!r}. "
            f"Write one of {', '.join(REDUCTIONS)}."
        )
    weighted = [feature.name for feature in features if feature.weight != 1]
    if reduction != "none" and weighted:
        raise SegmentationError(
            f"{FEATURES_SEED}: view {row['view']} is reduced by {reduction}, which finds its own "
            f"weights, yet {', '.join(weighted)} has one. Write 1, or the reduction none."
        )
    return View(
        name=row["view"],
        label_en=text_or(row.get("label_en"), row["view"]),
        label_fr=text_or(row.get("label_fr"), row["view"]),
        reduction=reduction,
        features=tuple(sorted(features, key=lambda feature: feature.name)),
    )


def _view_feature(
    row: Mapping[str, Any], views: list[str], known: Mapping[str, Feature]
) -> ViewFeature:
    view, name = row["view"], row["feature"]
    place = f"{FEATURES_SEED}: feature {name} of view {view}"
    if view not in views:
        raise SegmentationError(f"{place}: there is no such view. Add it to {VIEWS_SEED}.")
    if name not in known:
        raise SegmentationError(
            f"{place}: there is no such feature. Features stand in "
            "seeds/reference/feature_definitions.csv."
        )
    definition = known[name]
    transform = text_or(row.get("transform"), definition.transform)
    scaling = text_or(row.get("scaling"), "z")
    for kind, value, allowed in (
        ("transform", transform, TRANSFORMS),
        ("scaling", scaling, SCALINGS),
    ):
        if value not in allowed:
            raise SegmentationError(
                f"{place} has the {kind} {value!r}. Write one of {', '.join(allowed)}."
            )
    limits = [_number(row, column, place) for column in ("winsor_lower", "winsor_upper")]
    if not all(0 <= limit < 0.5 for limit in limits):
        raise SegmentationError(
            f"{place} clips the shares {limits[0]:g} and {limits[1]:g} of the customers. Each "
            "must be at least 0 and under 0.5."
        )
    weight = _number(row, "weight", place)
    if not 0 < weight < float("inf"):
        raise SegmentationError(
            f"{place} has the weight {weight:g}. It must be over 0; delete the row to leave the "
            "feature out."
        )
    described = asdict(replace(definition, transform=transform))
    return ViewFeature(
        **described, scaling=scaling, winsor_lower=limits[0], winsor_upper=limits[1], weight=weight
    )


def _number(row: Mapping[str, Any], column: str, place: str) -> float:
    try:
        number = float(row[column])
    except (KeyError, TypeError, ValueError):
        number = float("nan")
    if number != number:
        raise SegmentationError(f"{place}: {column} must be a number, not {row.get(column)!r}.")
    return number


def _refuse_repeats(names: list[str], what: str, seed: str) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise SegmentationError(f"{seed} repeats the {what} {'; '.join(repeated)}.")

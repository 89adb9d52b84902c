"""The stability of kept models on today's customers, measure by measure, as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.cluster import HDBSCAN, AgglomerativeClustering
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from python_ext.clustering import _indices
from python_ext.clustering._model import CUSTOMER_KEY, SegmentModel
from python_ext.clustering._nesting import MICRO, SUB
from python_ext.clustering._preparation import ViewPreparation
from python_ext.clustering._splits import Split
from python_ext.clustering._stability import (
    RESAMPLES,
    STARTS,
    Refit,
    agreement,
    leave_out,
    movement,
    rate_jaccard,
    rate_rand,
    resample,
    seed_to_seed,
)
from python_ext.clustering._views import LEAST_FEATURES, View
from python_ext.frames import Schema

SAMPLE_ROWS = 1500
SEGMENT = "segment"

STABILITY_SCHEMA = Schema(
    {
        "view": "string",
        "level": "string",
        "segment_id": "bigint",
        "measure": "string",
        "left_out": "string",
        "value": "double",
        "label": "string",
        "basis": "string",
        "customers": "bigint",
    },
    key=("view", "level", "segment_id", "measure", "left_out"),
)


def measure_stability(
    models: Mapping[str, SegmentModel],
    today: pd.DataFrame,
    earlier: pd.DataFrame | None = None,
    *,
    main_view: str = "all",
    seed: int = 42,
    sample_rows: int = SAMPLE_ROWS,
) -> pd.DataFrame:
    """Judge each view's model on today's customers.

    Every view: ``bootstrap_jaccard`` of each segment, ``bootstrap_rand`` and ``seed_rand`` of the
    whole. The main view besides: ``bootstrap_jaccard`` of each sub- and micro-segment among its
    siblings, and ``division_agreement`` of each group that was divided, when it was fitted (see
    ``_replication``); ``without_feature`` and ``without_group``, the agreement with a fit that
    lacks one feature or one group of features; and between the cutoffs ``customers_stay`` and
    ``customers_rand`` (the same model on both: how customers move), ``refit_jaccard`` and
    ``refit_rand`` (a fit of the earlier cutoff, both on today's customers: how the solution
    moves). A view in which RFM segments stand in has no rows: rules need no refit.

    Parameters
    ----------
    models
        View → the model that holds today.
    today, earlier
        Feature tables, one row per ``customer_key``; without ``earlier`` nothing is said of time.
    main_view
        The view that is looked at from every side.
    sample_rows
        Most customers that fits are repeated on.

    Returns
    -------
    pandas.DataFrame
        Columns of ``STABILITY_SCHEMA``. ``segment_id`` 0 is the whole level; ``left_out`` is an
        empty text where nothing was left out; ``customers`` are those of the group among the rows
        given, of the whole level where it is 0. Jaccard indices are rated by Hennig's limits,
        Rand indices of solutions by Steinley's; how customers move is no property of the
        solution, and has no label.
    """
    rows: list[dict[str, Any]] = []
    # One thread: the order of a parallel sum is not fixed, and two builds must agree.
    with threadpool_limits(1):
        for name, model in sorted(models.items()):
            if model.is_fallback or model.k < 2:
                continue
            view = _ViewStability(model, _sorted(today), seed=seed, sample_rows=sample_rows)
            rows += view.basic()
            if name == main_view:
                rows += view.nested()
                rows += view.without()
                if earlier is not None and len(earlier):
                    rows += view.over_time(_sorted(earlier))
    return pd.DataFrame(rows, columns=list(STABILITY_SCHEMA)).dropna(subset="value")


def refit_of(model: SegmentModel, *, smallest: float | None = None) -> Refit:
    """The algorithm of a model with its number of segments, ready to fit other points.

    k-means with two starts; a mixture of the same covariance type; Ward and average linkage
    as they are. Density has no number of segments: HDBSCAN with half of the smallest segment's
    share as least size.
    """
    k, algorithm = model.k, model.algorithm
    share = smallest or float(model.shares.min())

    def refit(points: np.ndarray, seed: int) -> np.ndarray:
        groups = min(k, len(points))
        if algorithm == "gmm":
            kind = getattr(model.assigner, "covariance_type", "full")
            return GaussianMixture(
                groups, covariance_type=kind, reg_covar=1e-4, random_state=seed
            ).fit_predict(points)
        if algorithm in ("ward", "average"):
            return AgglomerativeClustering(groups, linkage=algorithm).fit_predict(points)
        if algorithm in ("dbscan", "hdbscan"):
            least = max(5, int(share * len(points) / 2))
            return HDBSCAN(min_cluster_size=least, min_samples=5, copy=True).fit_predict(points)
        return _indices.fit_kmeans(points, groups, seed=seed, n_init=2).labels_

    return refit


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(CUSTOMER_KEY, kind="stable").reset_index(drop=True)


@dataclass
class _ViewStability:
    """One view: its model, and a sample of today's customers it knows."""

    model: SegmentModel
    today: pd.DataFrame
    seed: int
    sample_rows: int

    def __post_init__(self) -> None:
        self.known = self.today[self.model.known(self.today)].reset_index(drop=True)
        self.all_points = self.model.preparation.transform(self.known)
        self.all_labels = self.model.labels(self.all_points)
        drawn = _indices.draw_rows(len(self.known), self.sample_rows, seed=self.seed)
        self.frame = self.known.iloc[drawn].reset_index(drop=True)
        self.points, self.labels = self.all_points[drawn], self.all_labels[drawn]
        self.refit = refit_of(self.model)
        self.view = View(
            name=self.model.view,
            label_en=self.model.view,
            label_fr=self.model.view,
            reduction=self.model.preparation.reduction,
            features=tuple(self.model.preparation.features),
        )

    def row(
        self,
        measure: str,
        value: float,
        basis: str,
        *,
        rate: Callable[[float], str | None] | None,
        level: str = SEGMENT,
        segment_id: int = 0,
        left_out: str = "",
        customers: int | None = None,
    ) -> dict[str, Any]:
        """One row of ``STABILITY_SCHEMA``."""
        return {
            "view": self.model.view,
            "level": level,
            "segment_id": segment_id,
            "measure": measure,
            "left_out": left_out,
            "value": float(value),
            "label": rate(float(value)) if rate else None,
            "basis": basis,
            "customers": len(self.known) if customers is None else int(customers),
        }

    def jaccards(
        self,
        measure: str,
        values: np.ndarray,
        ids: Sequence[int],
        held: np.ndarray,
        basis: str,
        *,
        level: str = SEGMENT,
    ) -> Iterator[dict[str, Any]]:
        """A row for each group that has a value, and their mean for the level."""
        found = np.flatnonzero(~np.isnan(values))
        for i in found:
            yield self.row(
                measure,
                values[i],
                basis,
                rate=rate_jaccard,
                level=level,
                segment_id=ids[i],
                customers=held[i],
            )
        if len(found):
            said = f"mean over {len(found)} groups; {basis}"
            yield self.row(measure, values[found].mean(), said, rate=rate_jaccard, level=level)

    @property
    def held(self) -> np.ndarray:
        """Customers of each segment."""
        return np.bincount(self.all_labels, minlength=self.model.k)

    def basic(self) -> list[dict[str, Any]]:
        """Bootstrap and seeds."""
        found = resample(self.points, self.labels, self.model.k, self.refit, seed=self.seed)
        basis = f"{RESAMPLES} bootstrap samples of {len(self.points)} customers"
        rows = self.jaccards("bootstrap_jaccard", found.jaccard, self.model.ids, self.held, basis)
        rand = seed_to_seed(self.points, self.refit, seed=self.seed)
        return [
            *rows,
            self.row(
                "bootstrap_rand",
                found.rand.mean(),
                f"{basis}; lowest {found.rand.min():.2f}",
                rate=rate_rand,
            ),
            self.row(
                "seed_rand",
                rand.mean(),
                f"{len(rand)} pairs of {STARTS} fits of {len(self.points)} customers from "
                f"different seeds; lowest {rand.min():.2f}",
                rate=rate_rand,
            ),
        ]

    def nested(self) -> list[dict[str, Any]]:
        """Each sub-segment among those of its segment, each micro-segment likewise."""
        nesting = self.model.nesting
        if nesting is None:
            return []
        points, labels = self.all_points, self.all_labels
        subs, micros = nesting.indices(points, labels)
        rows: list[dict[str, Any]] = []
        for level, parent, child, of, ids in (
            (SUB, labels, subs, nesting.sub_segments, nesting.sub_ids),
            (MICRO, subs, micros, nesting.micro_subs, nesting.micro_ids),
        ):
            values = np.full(len(ids), np.nan)
            for group in sorted(set(of)):
                parts = np.flatnonzero(np.array(of) == group)
                if len(parts) > 1:
                    inside = np.flatnonzero(parent == group)
                    values[parts] = self._siblings(points[inside], child[inside], parts)
            basis = f"{RESAMPLES} bootstrap samples, each group against its siblings"
            held = np.bincount(child, minlength=len(ids))
            rows += self.jaccards("bootstrap_jaccard", values, ids, held, basis, level=level)
        for level, splits, ids, of in (
            (SEGMENT, nesting.segment_splits, self.model.ids, labels),
            (SUB, nesting.sub_splits, nesting.sub_ids, subs),
        ):
            rows += self._divisions(level, splits, ids, np.bincount(of, minlength=len(ids)))
        return rows

    def _divisions(
        self, level: str, splits: Sequence[Split], ids: Sequence[int], held: np.ndarray
    ) -> Iterator[dict[str, Any]]:
        """How surely each group that was divided would be divided again, and alike."""
        for split, number, customers in zip(splits, ids, held, strict=True):
            if split.groups > 1 and split.agreement is not None:
                basis = (
                    f"adjusted Rand index of the divisions of {split.looks} random halves with "
                    f"this one, {split.looks_alike} of them into {split.groups}, when it was fitted"
                )
                yield self.row(
                    "division_agreement",
                    split.agreement,
                    basis,
                    rate=rate_rand,
                    level=level,
                    segment_id=number,
                    customers=customers,
                )

    def _siblings(self, points: np.ndarray, child: np.ndarray, parts: np.ndarray) -> np.ndarray:
        drawn = _indices.draw_rows(len(points), self.sample_rows, seed=self.seed)
        labels = np.searchsorted(parts, child[drawn])
        if len(np.unique(labels)) < 2:
            return np.full(len(parts), np.nan)

        def refit(rows: np.ndarray, seed: int) -> np.ndarray:
            return _indices.fit_kmeans(rows, len(parts), seed=seed, n_init=2).labels_

        return resample(points[drawn], labels, len(parts), refit, seed=self.seed).jaccard

    def without(self) -> list[dict[str, Any]]:
        """Without each feature, without each group of features."""

        def refit_without(names: Sequence[str]) -> np.ndarray | None:
            left = tuple(f for f in self.view.features if f.name not in names)
            if len(left) < LEAST_FEATURES:
                return None
            preparation = ViewPreparation.fit(
                self.frame, replace(self.view, features=left), seed=self.seed
            )
            if preparation.width == 0:
                return None
            return self.refit(preparation.transform(self.frame), self.seed)

        groups: dict[str, list[str]] = {}
        for feature in self.view.features:
            groups.setdefault(feature.view, []).append(feature.name)
        rows: list[dict[str, Any]] = []
        for measure, parts in (
            ("without_feature", {name: [name] for name in self.view.feature_names}),
            ("without_group", groups if len(groups) > 1 else {}),
        ):
            found = leave_out(self.labels, parts, refit_without)
            if not found:
                continue
            basis = f"a fit of {len(self.frame)} customers that lacks it"
            rows += [
                self.row(measure, value, basis, rate=rate_rand, left_out=name)
                for name, value in found.items()
            ]
            worst = min(found, key=lambda name: (found[name], name))
            rows.append(
                self.row(
                    f"{measure}_lowest",
                    found[worst],
                    f"the lowest of {len(found)}, without {worst}",
                    rate=rate_rand,
                )
            )
        return rows

    def over_time(self, earlier: pd.DataFrame) -> list[dict[str, Any]]:
        """Customers known at both cutoffs, and the solution of the earlier one."""
        earlier = earlier[self.model.known(earlier)].reset_index(drop=True)
        rows = self._customers(earlier)
        drawn = _indices.draw_rows(len(earlier), self.sample_rows, seed=self.seed)
        frame = earlier.iloc[drawn].reset_index(drop=True)
        if len(frame) < 10 * self.model.k:
            return rows
        preparation = ViewPreparation.fit(frame, self.view, seed=self.seed)
        points = preparation.transform(frame)
        found = self.refit(points, self.seed)
        groups = np.unique(found[found >= 0])
        if preparation.width == 0 or not len(groups):
            return rows
        centres = np.array([points[found == group].mean(axis=0) for group in groups])
        other = cdist(preparation.transform(self.frame), centres, "sqeuclidean").argmin(axis=1)
        jaccard, rand = agreement(self.labels, other, self.model.k)
        basis = (
            f"a fit of {len(frame)} customers as they were at the earlier cutoff, against today's "
            f"segments of {len(self.frame)} customers"
        )
        rows += self.jaccards("refit_jaccard", jaccard, self.model.ids, self.held, basis)
        return [*rows, self.row("refit_rand", rand, basis, rate=rate_rand)]

    def _customers(self, earlier: pd.DataFrame) -> list[dict[str, Any]]:
        both = np.intersect1d(self.known[CUSTOMER_KEY], earlier[CUSTOMER_KEY])
        if not len(both):
            return []

        def labels_of(frame: pd.DataFrame) -> np.ndarray:
            frame = frame[frame[CUSTOMER_KEY].isin(both)]
            return self.model.labels(self.model.preparation.transform(frame))

        before = labels_of(earlier)
        held = np.bincount(before, minlength=self.model.k)
        found = movement(before, labels_of(self.known), self.model.k)
        basis = f"today's model on {len(both)} customers at both cutoffs"
        rows = [
            self.row("customers_stay", share, basis, rate=None, segment_id=number, customers=n)
            for number, share, n in zip(self.model.ids, found.shares, held, strict=True)
        ]
        return [
            *rows,
            self.row("customers_stay", found.share, basis, rate=None, customers=len(both)),
            self.row("customers_rand", found.rand, basis, rate=None, customers=len(both)),
        ]

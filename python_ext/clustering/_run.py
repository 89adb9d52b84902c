"""One run of the segmentation: per view keep or fit, match to the last run, store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score
from threadpoolctl import threadpool_limits

from python_ext.clustering._artefact import ArtefactError
from python_ext.clustering._candidates import MODELS_SCHEMA
from python_ext.clustering._choice import choose_segments
from python_ext.clustering._continuity import Members, continue_ids
from python_ext.clustering._division import nest
from python_ext.clustering._memory import (
    issued_ids,
    last_run,
    read_model,
    run_on,
    with_sound_artefacts,
)
from python_ext.clustering._model import CUSTOMER_KEY, SegmentModel
from python_ext.clustering._refit import (
    Decision,
    RefitPolicy,
    decide_refit,
    describe_fit,
    describe_settings,
)
from python_ext.clustering._views import View
from python_ext.errors import SegmentationError
from python_ext.renewal import data_fingerprint
from python_ext.side_by_side import side_by_side

SILHOUETTE_ROWS = 2000


def run_segmentation(
    frame: pd.DataFrame,
    views: list[View],
    memory: pd.DataFrame | None,
    *,
    as_of: date,
    main_view: str = "all",
    seed: int = 42,
    refit: str = "auto",
    max_age_days: int = 180,
    drift_psi: float = 0.25,
    choosing: Mapping[str, Any] | None = None,
    nesting: Mapping[str, Any] | None = None,
    categories: pd.DataFrame | None = None,
    clusters: Callable[[], pd.DataFrame | None] = lambda: None,
) -> pd.DataFrame:
    """Keep or fit the segmentation of every view.

    A view is fitted when there is no model of it that can be read, or when ``decide_refit`` finds
    a reason. Fitted segments are matched to those of the last run before ``as_of`` and keep their
    ids; a run of a later date is not looked at, except that no id it gave is given again. A run
    of the same date with the same settings and the same customers stays as it is, unless the
    policy is ``always``; a file may have been mended since.

    A stored model that cannot be read is fitted anew: from the same customers that gives the very
    same model, which is told by its hash; else its segments are found again by their members.

    Parameters
    ----------
    frame
        One row per ``customer_key`` with the feature columns, as of the date.
    views
        Result of ``load_views``.
    memory
        What ``ml_segment_models`` holds; None for nothing.
    as_of
        Date of the run.
    main_view
        The view that is divided further.
    refit, max_age_days, drift_psi
        When to fit, see ``RefitPolicy``.
    choosing, nesting
        Options of ``choose_segments`` and of ``nest``.
    categories
        ``category_rank`` and ``category``: what taste_1, taste_2, … stand for; where that has
        changed, the stored model speaks of something else.
    clusters
        Gives ``ml_customer_clusters`` of the last build, or None; asked only for a lost model.

    Returns
    -------
    pandas.DataFrame
        Columns of ``MODELS_SCHEMA``: all rows of this date.

    Raises
    ------
    SegmentationError
        There is no view, or no model and the policy is ``never``.
    """
    if not views:
        raise SegmentationError(
            "No view of the customers can be segmented: of none are two features fed by a source "
            "that is on. See seeds/reference/segmentation_views.csv and segmentation_features.csv."
        )
    if main_view not in [view.name for view in views]:
        raise SegmentationError(
            f"segmentation_view is {main_view!r}, which is no active view with two features that "
            f"are fed; write one of {', '.join(view.name for view in views)}."
        )
    policy = RefitPolicy(
        refit,
        int(max_age_days),
        float(drift_psi),
        float((choosing or {}).get("min_segment_share", RefitPolicy.min_segment_share)),
    )
    frame = frame.sort_values(CUSTOMER_KEY, kind="stable").reset_index(drop=True)
    if memory is None or not set(MODELS_SCHEMA) <= set(memory.columns):
        memory = pd.DataFrame(columns=list(MODELS_SCHEMA))
    memory = with_sound_artefacts(memory)
    stored = {view.name: memory[memory["view"] == view.name] for view in views}
    is_lost = any(_has_lost_model(rows, as_of) for rows in stored.values())
    runs = [
        _ViewRun(
            frame=frame,
            view=view,
            stored=stored[view.name],
            as_of=as_of,
            seed=seed,
            policy=policy,
            choosing=dict(choosing or {}),
            nesting=dict(nesting or {}),
            is_main=view.name == main_view,
            categories=_categories(categories, view),
            clusters=clusters if is_lost else None,
        )
        for view in views
    ]
    # Rows that are surely fitted; a model that is kept is soon looked at again. What a session
    # gives can be asked for in this process only.
    sizes = [
        len(frame) if not is_lost and (run.stored.empty or refit == "always") else 0 for run in runs
    ]
    rows = [row for part in side_by_side(_rows_of, runs, rows=sizes) for row in part]
    return pd.DataFrame(rows, columns=list(MODELS_SCHEMA))


def _rows_of(run: _ViewRun) -> list[dict[str, Any]]:
    # One thread: the order of a parallel sum is not fixed, and two builds must agree.
    with threadpool_limits(1):
        return run.rows()


def _categories(categories: pd.DataFrame | None, view: View) -> dict[str, str]:
    if categories is None:
        return {}
    behind = {
        f"taste_{rank}": str(name)
        for rank, name in zip(categories["category_rank"], categories["category"], strict=True)
    }
    return {name: behind[name] for name in view.feature_names if name in behind}


@dataclass(frozen=True)
class _ViewRun:
    """The run of one view; attributes as in ``run_segmentation``."""

    frame: pd.DataFrame
    view: View
    stored: pd.DataFrame
    as_of: date
    seed: int
    policy: RefitPolicy
    choosing: dict[str, Any]
    nesting: dict[str, Any]
    is_main: bool
    categories: dict[str, str]
    clusters: Callable[[], pd.DataFrame | None] | None

    def rows(self) -> list[dict[str, Any]]:
        """Rows of ``MODELS_SCHEMA``."""
        settings = describe_settings(
            self.view,
            seed=self.seed,
            categories=self.categories,
            nesting=self.nesting if self.is_main else None,
            **self.choosing,
        )
        before = last_run(self.stored, before=self.as_of)
        model, objection = _try_to_read(before)
        today = run_on(self.stored, self.as_of)
        chosen = next((row for row in today if row["is_chosen"]), None)
        todays, is_lost = _try_to_read(chosen)
        if todays and self._stands(chosen, todays, settings):
            return today
        decision = self._decide(model, objection, settings)
        if not decision.is_refit:
            return [self._kept(before, model, decision)]
        return self._fitted(
            decision,
            settings,
            earlier=Members.of(self.clusters(), before) if objection else model,
            replaced=todays,
            lost=today if is_lost else [],
        )

    def _stands(
        self, chosen: Mapping[str, Any], todays: SegmentModel, settings: Mapping[str, Any]
    ) -> bool:
        """Whether the stored run of today is the answer.

        One that kept its model may be of a smaller run, which must keep it: it is decided anew.
        """
        if self.policy.refit != "auto":
            return self.policy.refit == "never"
        learned = todays.reference or {}
        # A model of an older version does not tell its data.
        is_same = learned.get("data", self._data) == self._data
        return chosen["decision"] != "kept" and learned.get("settings") == settings and is_same

    @cached_property
    def _data(self) -> str:
        return data_fingerprint(self.frame[[CUSTOMER_KEY, *self.view.feature_names]])

    def _decide(
        self, model: SegmentModel | None, objection: str | None, settings: Mapping[str, Any]
    ) -> Decision:
        if model is not None:
            known = self.frame[model.known(self.frame)]
            return decide_refit(
                model, known, self.view, policy=self.policy, settings=settings, as_of=self.as_of
            )
        said = objection or "no model of an earlier date is stored"
        if self.policy.refit == "never":
            raise SegmentationError(
                f"segments_refit is never, and there is no model of the view {self.view.name} to "
                f"keep: {said}. Build once with segments_refit auto."
            )
        return Decision(True, said)

    def _kept(
        self, before: Mapping[str, Any], model: SegmentModel, decision: Decision
    ) -> dict[str, Any]:
        """The stored row again, with the figures of today's customers."""
        kept = {
            name: before[name]
            for name in (
                *("view", "candidate", "algorithm", "k", "is_admissible", "is_chosen"),
                *("reason", "given_up", "fitted_rows", "model_id", "artefact"),
            )
        }
        known = self.frame[model.known(self.frame)]
        return {
            **dict.fromkeys(MODELS_SCHEMA),
            **kept,
            **_figures(model, known, seed=self.seed),
            "as_of_date": self.as_of,
            "decision": "kept",
            "decision_reason": decision.reason,
        }

    def _fitted(
        self,
        decision: Decision,
        settings: Mapping[str, Any],
        *,
        earlier: SegmentModel | Members | None,
        replaced: SegmentModel | None,
        lost: list[dict[str, Any]],
    ) -> list[dict[str, Any]]:
        """Candidates of a new fit, the chosen one under the ids it continues.

        ``lost`` is the run of this date where its model cannot be read: given back as it was
        when the fit is that model.
        """
        choice = choose_segments(
            self.frame, self.view, seed=self.seed, is_main=self.is_main, **self.choosing
        )
        model = choice.model
        known = self.frame[model.known(self.frame)]
        if self.is_main and not model.is_fallback:
            points = model.preparation.transform(known)
            labels = model.labels(points)
            nested = nest(points, labels, k=model.k, seed=self.seed, **self.nesting)
            model = model.with_nesting(nested)

        def continued(
            replaced: SegmentModel | Members | None, stored: pd.DataFrame
        ) -> SegmentModel:
            ids = {"earlier": earlier, "replaced": replaced, "issued": issued_ids(stored)}
            found, events = continue_ids(model, self.frame, **ids)
            fit = describe_fit(found, known, self.view, settings=settings, as_of=self.as_of)
            return found.with_reference({**fit, "events": events, "data": self._data})

        row = next((row for row in lost if row["is_chosen"]), None)
        if row is not None:
            others = pd.to_datetime(self.stored["as_of_date"]) != pd.Timestamp(self.as_of)
            again = continued(None, self.stored[others])
            if again.model_id == row["model_id"]:
                return [{**r, "artefact": again.to_bytes()} if r is row else r for r in lost]
            replaced = Members.of(self.clusters(), row)
        rows = choice.rows(
            as_of=self.as_of,
            model=continued(replaced, self.stored),
            decision="fitted",
            decision_reason=decision.reason,
        )
        return rows.to_dict("records")


def _has_lost_model(stored: pd.DataFrame, as_of: date) -> bool:
    """Whether the last model before this date, or the one of this date, cannot be read."""
    today = [row for row in run_on(stored, as_of) if row["is_chosen"]]
    return any(_try_to_read(row)[1] for row in [last_run(stored, before=as_of), *today])


def _try_to_read(row: Mapping[str, Any] | None) -> tuple[SegmentModel | None, str | None]:
    """The model of a row, or why there is none."""
    if row is None:
        return None, None
    try:
        return read_model(row), None
    except ArtefactError as error:
        return None, f"the stored model cannot be used: {error}"


def _figures(model: SegmentModel, frame: pd.DataFrame, *, seed: int) -> dict[str, float]:
    """How well a kept model divides the customers of today."""
    points = model.preparation.transform(frame)
    place = {number: index for index, number in enumerate(model.ids)}
    labels = np.array([place[number] for number in model.segment_ids(frame)], dtype=np.int64)
    sizes = np.bincount(labels, minlength=model.k)
    figures = {"smallest_share": float(sizes.min() / max(len(frame), 1))}
    if not points.size:
        return figures
    present, place = np.unique(labels, return_inverse=True)
    means = np.array([points[labels == label].mean(axis=0) for label in present])
    figures["inertia"] = float(((points - means[place]) ** 2).sum())
    if not 1 < len(present) < min(len(points), SILHOUETTE_ROWS):
        return figures
    with threadpool_limits(1):
        figures["calinski_harabasz"] = float(calinski_harabasz_score(points, labels))
        figures["davies_bouldin"] = float(davies_bouldin_score(points, labels))
        rows = np.random.default_rng(seed).permutation(len(points))[:SILHOUETTE_ROWS]
        if len(np.unique(labels[rows])) > 1:
            figures["silhouette"] = float(silhouette_score(points[rows], labels[rows]))
    return figures

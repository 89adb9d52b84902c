"""The kept models of all views out of their table, and all customers through all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from python_ext.clustering._model import CLUSTERS_SCHEMA, ArtefactError, SegmentModel


def load_chosen(
    models: pd.DataFrame, *, view: str = "all", as_of: date | None = None
) -> SegmentModel:
    """The chosen model of a view out of the rows of ``ml_segment_models``.

    Parameters
    ----------
    view
        Name of the view.
    as_of
        Runs of a later date are not looked at; the latest run of all if not given.

    Raises
    ------
    ArtefactError
        If there is not exactly one chosen row in the run, or its artefact is refused.
    """
    rows = _runs(models, as_of)
    rows = rows[rows["view"] == view]
    rows = rows[rows["as_of_date"] == rows["as_of_date"].max()]
    return _read(rows, view)


def _runs(models: pd.DataFrame, as_of: date | None) -> pd.DataFrame:
    dates = pd.to_datetime(models["as_of_date"])
    models = models.assign(as_of_date=dates)
    return models if as_of is None else models[dates <= pd.Timestamp(as_of)]


def _read(rows: pd.DataFrame, view: str) -> SegmentModel:
    chosen = rows[rows["is_chosen"].astype(bool)]
    if len(chosen) != 1:
        raise ArtefactError(
            f"view {view} has {len(chosen)} chosen models in its last run, expected one. "
            "Rebuild ml_segment_models."
        )
    row = chosen.iloc[0]
    return SegmentModel.from_bytes(row["artefact"], model_id=row["model_id"])


@dataclass(frozen=True)
class Segmentation:
    """The model of each view today, and the one that was kept before this run.

    Attributes
    ----------
    models
        View → model.
    previous
        View → model of the run before; a view whose model was kept or is new is not in it.
    kept
        Views whose model was kept in this run.
    """

    models: Mapping[str, SegmentModel]
    previous: Mapping[str, SegmentModel]
    kept: frozenset[str]

    @classmethod
    def load(cls, models: pd.DataFrame, *, as_of: date | None = None) -> Segmentation:
        """Out of the rows of ``ml_segment_models``.

        Parameters
        ----------
        as_of
            Runs of a later date are not looked at. A view that has no row in the last run left
            (its source was switched off) has no segments any more.
        """
        rows = _runs(models, as_of)
        rows = rows[rows["is_chosen"].astype(bool)]
        last = rows["as_of_date"].max()
        today, earlier = rows[rows["as_of_date"] == last], rows[rows["as_of_date"] < last]
        views = sorted(today["view"].unique())
        read = {view: _read(today[today["view"] == view], view) for view in views}
        decisions = today.set_index("view")["decision"]
        kept = frozenset(view for view in views if decisions[view] == "kept")
        previous = {}
        for view in views:
            rows = earlier[earlier["view"] == view]
            if len(rows) and view not in kept:
                previous[view] = _read(rows[rows["as_of_date"] == rows["as_of_date"].max()], view)
        return cls(read, previous, kept)

    def assign(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Segments of the customers in every view in which they are known.

        Returns
        -------
        pandas.DataFrame
            Columns of ``CLUSTERS_SCHEMA``, one row per view and customer.
        """
        found = [self._assign_view(view, frame) for view in self.models]
        if not found:
            return pd.DataFrame(columns=list(CLUSTERS_SCHEMA))
        return pd.concat(found, ignore_index=True)

    def _assign_view(self, view: str, frame: pd.DataFrame) -> pd.DataFrame:
        model = self.models[view]
        rows = model.assign(frame)
        if view in self.kept:
            return rows.assign(previous_model_segment_id=rows["segment_id"])
        if view not in self.previous:
            return rows
        known = model.known(frame)
        before = self.previous[view].segment_ids(frame if known.all() else frame[known])
        return rows.assign(previous_model_segment_id=np.asarray(before))

"""The kept models of all views out of their table, and all customers through all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from python_ext.clustering._artefact import ArtefactError
from python_ext.clustering._memory import current_models, last_date, previous_models
from python_ext.clustering._model import CLUSTERS_SCHEMA, SegmentModel


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
        If the last run has no model of the view, or its artefact is refused.
    """
    found = current_models(models, as_of=as_of)
    if view not in found:
        raise ArtefactError(
            f"the last run has no segments of the view {view}, only of {', '.join(found)}. Check "
            "the var segmentation_view and rebuild ml_segment_models."
        )
    return found[view]


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
            (its source was switched off) has no segments any more. An earlier model that this
            version cannot read is passed over, as if the view were new.
        """
        read = current_models(models, as_of=as_of)
        last = last_date(models, as_of=as_of)
        today = models[pd.to_datetime(models["as_of_date"]) == pd.Timestamp(last)]
        kept = frozenset(today.loc[today["decision"] == "kept", "view"])
        before = previous_models(models, as_of=last)
        previous = {view: before[view] for view in read if view in before and view not in kept}
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

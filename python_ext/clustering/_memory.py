"""The stored runs of the segmentation, and the models read back from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from python_ext.clustering._artefact import ArtefactError
from python_ext.clustering._model import SegmentModel
from python_ext.frames import Schema

LEVELS = ("segment", "sub_segment", "micro_segment")

EVENTS_SCHEMA = Schema(
    {
        "view": "string",
        "as_of_date": "date",
        "level": "string",
        "segment_id": "bigint",
        "event": "string",
        "other_segment_id": "bigint",
        "overlap": "double",
        "customers": "bigint",
        "shared_customers": "bigint",
    },
    key=("view", "as_of_date", "level", "segment_id", "event", "other_segment_id"),
)


def current_models(rows: pd.DataFrame, *, as_of: date | None = None) -> dict[str, SegmentModel]:
    """The model of each view that holds on a date.

    Parameters
    ----------
    rows
        ``ml_segment_models``.
    as_of
        Runs of later dates are not looked at; the latest run counts if not given. A view that
        the last run has not is not there any more.

    Returns
    -------
    dict of str to SegmentModel
        By view, in the order of their names.

    Raises
    ------
    ArtefactError
        An artefact cannot be read, or no run is stored.
    """
    chosen = _chosen(rows)
    last = chosen[chosen["as_of_date"] == pd.Timestamp(last_date(rows, as_of=as_of))]
    if last["view"].duplicated().any():
        raise ArtefactError(
            f"the run of {last['as_of_date'].iloc[0]:%Y-%m-%d} has several chosen models of one "
            "view. Rebuild ml_segment_models."
        )
    return {row["view"]: read_model(row) for row in last.sort_values("view").to_dict("records")}


def last_date(rows: pd.DataFrame, *, as_of: date | None = None) -> date:
    """Date of the last run, or of the last that is not after a date.

    Raises
    ------
    ArtefactError
        No run is stored.
    """
    dates = _chosen(rows)["as_of_date"]
    dates = dates if as_of is None else dates[dates <= pd.Timestamp(as_of)]
    if dates.empty:
        raise ArtefactError("no segmentation is stored. Build ml_segment_models.")
    return dates.max().date()


def previous_models(rows: pd.DataFrame, *, as_of: date) -> dict[str, SegmentModel]:
    """The model of each view that was kept before the run of a date.

    A view without an earlier run, or whose earlier model this version cannot read, is left out.
    """
    found = {}
    for view, stored in with_sound_artefacts(rows).groupby("view", sort=True):
        row = last_run(stored, before=as_of)
        try:
            found |= {} if row is None else {str(view): read_model(row)}
        except ArtefactError:
            continue
    return found


def last_run(rows: pd.DataFrame, *, before: date) -> dict[str, Any] | None:
    """The chosen row of the last run of one view before a date; None if there is none."""
    chosen = _chosen(rows)
    chosen = chosen[chosen["as_of_date"] < pd.Timestamp(before)].sort_values("as_of_date")
    return chosen.iloc[-1].to_dict() if len(chosen) else None


def run_on(rows: pd.DataFrame, as_of: date) -> list[dict[str, Any]]:
    """The stored rows of a date."""
    return rows[pd.to_datetime(rows["as_of_date"]) == pd.Timestamp(as_of)].to_dict("records")


def read_model(row: Mapping[str, Any]) -> SegmentModel:
    """The model of a chosen row.

    Raises
    ------
    ArtefactError
        The artefact is missing, altered, or of a format of another version.
    """
    if not isinstance(row["artefact"], (bytes, bytearray, memoryview)):
        raise ArtefactError(
            f"the chosen model of the view {row['view']} has no artefact; build again"
        )
    return SegmentModel.from_bytes(bytes(row["artefact"]), model_id=row["model_id"])


def with_sound_artefacts(rows: pd.DataFrame) -> pd.DataFrame:
    """The runs with each artefact that was damaged taken from another run that kept the model."""
    copies = {
        model_id: artefact
        for artefact, model_id in zip(rows["artefact"], rows["model_id"], strict=True)
        if isinstance(artefact, (bytes, bytearray, memoryview))
        and hashlib.sha256(artefact).hexdigest().startswith(model_id)
    }
    known = zip(rows["artefact"], rows["model_id"], strict=True)
    return rows.assign(artefact=[copies.get(model_id, artefact) for artefact, model_id in known])


def _chosen(rows: pd.DataFrame) -> pd.DataFrame:
    chosen = rows[rows["is_chosen"].astype(bool)]
    return chosen.assign(as_of_date=pd.to_datetime(chosen["as_of_date"]))


def has_earlier_run(rows: pd.DataFrame, *, as_of: date, view: str) -> bool:
    """Whether a run of the view before this date is stored."""
    return last_run(rows[rows["view"] == view], before=as_of) is not None


def issued_ids(rows: pd.DataFrame) -> dict[str, int]:
    """Highest id ever given at each level of one view, by all its stored runs.

    An artefact that cannot be read any more gave at most as many segments as its row says; of the
    lower levels, whose number no row says, more than a tree of that size has.
    """
    issued = dict.fromkeys(LEVELS, 0)
    for row in rows[rows["is_chosen"].astype(bool)].to_dict("records"):
        told = _issued_of(row["artefact"])
        if told is None:
            k = int(row["k"])
            told = {"segment": k, "sub_segment": 100 * k, "micro_segment": 1000 * k}
            told = {level: issued[level] + count for level, count in told.items()}
        issued = {level: max(issued[level], told.get(level, 0)) for level in LEVELS}
    return issued


def _issued_of(artefact: object) -> dict[str, int] | None:
    try:
        told = json.loads(bytes(artefact))["issued"]
        return {level: int(told.get(level, 0)) for level in LEVELS}
    except (TypeError, ValueError, KeyError, AttributeError):
        return None


def read_events(rows: pd.DataFrame) -> pd.DataFrame:
    """What became of the segments in every run that fitted a model.

    Parameters
    ----------
    rows
        ``ml_segment_models``.

    Returns
    -------
    pandas.DataFrame
        Columns of ``EVENTS_SCHEMA``.
    """
    rows = with_sound_artefacts(rows)
    fitted = rows[rows["is_chosen"].astype(bool) & (rows["decision"] == "fitted")]
    events = []
    for row in fitted.to_dict("records"):
        try:
            stored = read_model(row).reference or {}
        except ArtefactError:
            continue
        for event in stored.get("events", []):
            events.append({"view": row["view"], "as_of_date": row["as_of_date"], **event})
    found = pd.DataFrame(events, columns=list(EVENTS_SCHEMA))
    found["as_of_date"] = pd.to_datetime(found["as_of_date"]).dt.date
    for column in ("other_segment_id", "shared_customers"):
        found[column] = found[column].astype("Int64")
    return found

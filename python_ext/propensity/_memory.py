"""The stored runs of the propensity models, and the champions read back from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from python_ext.frames import Schema
from python_ext.propensity._artefact import ArtefactError, PropensityModel, read_artefact

# retired: was champion until this run. withdrawn: taken back by hand, never promoted by itself.
ROLES = ("champion", "challenger", "candidate", "baseline", "retired", "withdrawn")

MODELS_SCHEMA = Schema(
    {
        "as_of_date": "date",
        "target": "string",
        "model_id": "string",
        "algorithm": "string",
        "role": "string",
        "is_champion": "boolean",
        "decision": "string",
        "decision_reason": "string",
        "reason": "string",
        "trained_on": "date",
        "promoted_on": "date",
        "retired_on": "date",
        "trained_rows": "bigint",
        "test_rows": "bigint",
        "auc": "double",
        "auc_low": "double",
        "auc_high": "double",
        "log_loss": "double",
        "data_fingerprint": "string",
        "code_fingerprint": "string",
        "features": "string",
        "parameters": "string",
        "search": "string",
        "metrics": "string",
        "reference": "string",
        "artefact": "binary",
        "artefact_sha256": "string",
    },
    key=("as_of_date", "target", "model_id"),
)


def stored_rows(memory: pd.DataFrame | None) -> pd.DataFrame:
    """The memory with dates as timestamps; empty for none, or for one of another version."""
    if memory is None or not set(MODELS_SCHEMA) <= set(memory.columns):
        memory = pd.DataFrame(columns=list(MODELS_SCHEMA))
    return memory.assign(
        as_of_date=pd.to_datetime(memory["as_of_date"]),
        is_champion=memory["is_champion"].astype(bool),
    )


def last_run(rows: pd.DataFrame, *, as_of: date | None = None) -> pd.DataFrame:
    """Rows of the latest run that is not after a date.

    Parameters
    ----------
    rows
        ``ml_propensity_models``.
    as_of
        Runs of later dates are not looked at; the latest run counts if not given.
    """
    rows = stored_rows(rows)
    if as_of is not None:
        rows = rows[rows["as_of_date"] <= pd.Timestamp(as_of)]
    return rows[rows["as_of_date"] == rows["as_of_date"].max()].reset_index(drop=True)


def champion_rows(rows: pd.DataFrame, *, as_of: date | None = None) -> pd.DataFrame:
    """The champion's row of each target, of the latest run that is not after a date.

    Raises
    ------
    ArtefactError
        If a target has more than one champion.
    """
    chosen = last_run(rows, as_of=as_of)
    chosen = chosen[chosen["is_champion"]].sort_values("target", kind="stable")
    twice = chosen.loc[chosen["target"].duplicated(), "target"]
    if len(twice):
        raise ArtefactError(
            f"target {twice.iloc[0]} has more than one champion in the run of "
            f"{chosen['as_of_date'].iloc[0]:%Y-%m-%d}. Rebuild ml_propensity_models."
        )
    return chosen.reset_index(drop=True)


def champion_before(rows: pd.DataFrame, *, before: date) -> dict[str, Any] | None:
    """The champion's row of the last run of one target before a date; None if there is none."""
    chosen = rows[rows["is_champion"] & (rows["as_of_date"] < pd.Timestamp(before))]
    chosen = chosen.sort_values(["as_of_date", "model_id"], kind="stable")
    return chosen.iloc[-1].to_dict() if len(chosen) else None


def run_on(rows: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """The stored rows of a date."""
    return rows[rows["as_of_date"] == pd.Timestamp(as_of)]


def withdrawn_models(rows: pd.DataFrame) -> dict[str, date]:
    """Models of one target that were taken back, and when; one that was restored later is not.

    Parameters
    ----------
    rows
        Of all dates: a mark made by hand holds for every run.
    """
    marks = rows[(rows["role"] == "withdrawn") | rows["is_champion"]]
    marks = marks.sort_values(["as_of_date", "model_id"], kind="stable")
    last = marks.drop_duplicates("model_id", keep="last")
    last = last[last["role"] == "withdrawn"]
    return {row["model_id"]: row["as_of_date"].date() for row in last.to_dict("records")}


def read_champion(row: Mapping[str, Any]) -> PropensityModel:
    """The model of a stored row.

    Raises
    ------
    TamperedError
        The bytes are not the ones once written, or those of another model.
    ArtefactError
        The artefact is missing, or of a format of another version.
    """
    named = f"the model {row['model_id']} of the target {row['target']}"
    if not isinstance(row["artefact"], (bytes, bytearray, memoryview)):
        raise ArtefactError(f"{named} has no artefact")
    artefact = bytes(row["artefact"])
    if hashlib.sha256(artefact).hexdigest() != row["artefact_sha256"]:
        raise TamperedError(named, "its artefact was altered after it was written", row["target"])
    try:
        model = read_artefact(artefact, sha256=row["artefact_sha256"])
    except ArtefactError as error:
        raise ArtefactError(f"{named}: {error}") from error
    except (TypeError, KeyError, ValueError, AttributeError, IndexError) as error:
        raise ArtefactError(
            f"{named} is of a kind that this version cannot read ({type(error).__name__}: {error})"
        ) from error
    if (model.model_id, model.target) != (row["model_id"], row["target"]):
        said = f"its artefact is of the model {model.model_id} of the target {model.target}"
        raise TamperedError(named, said, row["target"])
    return model


def read_reference(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a stored model's later runs are compared with; empty where nothing is stored."""
    stored = row["reference"]
    return json.loads(stored) if isinstance(stored, str) and stored else {}


class TamperedError(ArtefactError):
    """A stored model is not the one that was written; nothing goes on with it."""

    def __init__(self, model: str, said: str, target: str) -> None:
        super().__init__(
            f"{model} is refused: {said}. Go back to the champion before it with "
            f"dbt run-operation rollback_model --args '{{target: {target}}}', or remove the run "
            "with `segmentation models repair`, then build again."
        )

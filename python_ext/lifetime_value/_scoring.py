"""Expected revenue of the horizon, by each model and by the champion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from python_ext.frames import Schema
from python_ext.lifetime_value._boosting import TwoStageModel
from python_ext.lifetime_value._run import BOOSTING, COMBINED, last_value_run

CUSTOMER_VALUE_SCHEMA = Schema(
    {
        "customer_key": "string",
        "expected_value": "double",
        "expected_value_lifetimes": "double",
        "expected_value_boosting": "double",
        "model_id": "string",
    }
)


@dataclass(frozen=True)
class ValueChampion:
    """The models of the last run, ready to score.

    Attributes
    ----------
    model_id : str
        Identifier of the champion.
    boosting : TwoStageModel or None
        The two-stage model, where there is one.
    boosting_is_champion : bool
        Whether its predictions count.
    """

    model_id: str
    boosting: TwoStageModel | None
    boosting_is_champion: bool

    @classmethod
    def load(cls, models: pd.DataFrame, *, as_of: date | None = None) -> ValueChampion:
        """From rows of ``VALUE_MODELS_SCHEMA``.

        Raises
        ------
        ArtefactError
            The stored two-stage model was altered, or is of another version.
        """
        rows = last_value_run(models, as_of=as_of).set_index("model")
        stored = rows.loc[BOOSTING]
        boosting = None
        if isinstance(stored["artefact"], (bytes, bytearray, memoryview)):
            boosting = TwoStageModel.from_bytes(
                bytes(stored["artefact"]), sha256=stored["artefact_sha256"]
            )
        replaced = bool(stored["is_champion"])
        return cls(rows.loc[BOOSTING if replaced else COMBINED, "model_id"], boosting, replaced)

    def score(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Score rows of the feature table that carry ``expected_revenue`` of the lifetimes."""
        simple = customers["expected_revenue"].to_numpy(dtype=float)
        if self.boosting is None:
            rich = np.full(len(customers), np.nan)
        else:
            rich = self.boosting.predict(customers)
        return customers[["customer_key"]].assign(
            expected_value=rich if self.boosting_is_champion else simple,
            expected_value_lifetimes=simple,
            expected_value_boosting=rich,
            model_id=self.model_id,
        )

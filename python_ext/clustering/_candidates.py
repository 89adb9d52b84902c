"""What ``ml_segment_models`` holds of each candidate, and the rows of a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from python_ext.clustering._model import SegmentModel
from python_ext.frames import Schema

FIGURES = (
    "inertia",
    "elbow",
    "silhouette",
    "silhouette_lower",
    "silhouette_upper",
    "calinski_harabasz",
    "davies_bouldin",
    "connectivity",
    "gap",
    "gap_se",
    "bic",
    "silhouette_excess",
    "calinski_harabasz_excess",
    "davies_bouldin_excess",
    "connectivity_excess",
    "stability_mean",
    "stability_min",
    "smallest_share",
    "noise_share",
    "agreement",
)

MODELS_SCHEMA = Schema(
    {
        "view": "string",
        "as_of_date": "date",
        "candidate": "string",
        "algorithm": "string",
        "k": "bigint",
        **dict.fromkeys(FIGURES, "double"),
        "votes": "bigint",
        "is_admissible": "boolean",
        "is_chosen": "boolean",
        "decision": "string",
        "decision_reason": "string",
        "reason": "string",
        "given_up": "string",
        "judged_rows": "bigint",
        "fitted_rows": "bigint",
        "model_id": "string",
        "artefact": "binary",
    },
    key=("view", "as_of_date", "candidate"),
)
OF_THE_RUN = ("as_of_date", "decision", "decision_reason", "model_id", "artefact")


@dataclass(frozen=True)
class Choice:
    """What was tried in a view, and the model that was chosen.

    Attributes
    ----------
    candidates
        One row per candidate, exactly one chosen: columns of ``MODELS_SCHEMA`` without those of
        the run (``as_of_date``, ``decision``, ``decision_reason``, ``model_id``, ``artefact``).
    model
        The chosen one, fitted on all rows given.
    """

    candidates: pd.DataFrame
    model: SegmentModel

    def rows(
        self,
        *,
        as_of: date,
        model: SegmentModel | None = None,
        decision: str = "fitted",
        decision_reason: str = "",
    ) -> pd.DataFrame:
        """Rows of ``MODELS_SCHEMA`` for a run.

        Parameters
        ----------
        as_of
            Date of the run.
        model
            The chosen model with what was added to it since (ids, nesting, reference).
        decision, decision_reason
            ``fitted`` or ``kept``, and why.
        """
        model = model or self.model
        chosen = self.candidates["is_chosen"].astype(bool)
        return self.candidates.assign(
            as_of_date=as_of,
            decision=decision,
            decision_reason=decision_reason,
            model_id=[model.model_id if is_it else None for is_it in chosen],
            artefact=[model.to_bytes() if is_it else None for is_it in chosen],
        )[list(MODELS_SCHEMA)]

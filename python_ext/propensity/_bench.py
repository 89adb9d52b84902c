"""The rows of one target on which every model of a run is judged, each only once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from python_ext.propensity._artefact import PropensityModel
from python_ext.propensity._examples import Rows
from python_ext.propensity._metrics import judge, row_log_loss
from python_ext.propensity._promotion import PREVALENCE, Contender
from python_ext.propensity._targets import Target


class TestBench:
    """Figures of models on the same out-of-time rows.

    Parameters
    ----------
    target
        Its prices decide the figures of money.
    rows
        Of the test cutoff.
    train
        Of the train cutoffs.
    seed
        Of the intervals.
    """

    __test__ = False  # of pytest's collection

    def __init__(self, target: Target, rows: Rows, train: Rows, *, seed: int) -> None:
        self._target, self._rows, self._train, self._seed = target, rows, train, seed
        self._probabilities: dict[str, np.ndarray] = {}
        self._figures: dict[str, pd.DataFrame] = {}

    def loss(self, model: PropensityModel) -> np.ndarray:
        """Log loss of each row."""
        return row_log_loss(self._rows.label, self._probability(model))

    def contender(self, model: PropensityModel, out_of_fold: np.ndarray | None = None) -> Contender:
        """The model as it stands for election.

        Parameters
        ----------
        model
            Of this run, or the champion so far.
        out_of_fold
            Its probability of each training row, by models that never saw its customer. The
            constant of a prevalence needs none; no other model is judged on training rows without.
        """
        known = out_of_fold
        if known is None and model.algorithm == PREVALENCE:
            known = model.score(self._train.frame)
        loss = np.empty(0) if known is None else row_log_loss(self._train.label, known)
        return Contender(model.model_id, model.algorithm, self.loss(model), loss)

    @property
    def customers(self) -> np.ndarray:
        """Whose each test row is, and then each training row."""
        parts = (self._rows, self._train)
        return np.concatenate([part.frame["customer_key"].to_numpy() for part in parts])

    def figures(self, model: PropensityModel) -> pd.DataFrame:
        """As ``judge`` gives them."""
        if model.model_id not in self._figures:
            probability = self._probability(model)
            self._figures[model.model_id] = self.judge(self._rows.label, probability)
        return self._figures[model.model_id]

    def auc(self, model: PropensityModel) -> dict[str, float] | None:
        """The AUC with the standard error its interval tells; None where there is none."""
        found = self.figures(model).set_index("metric")
        if "auc" not in found.index or found.loc["auc"].isna().any():
            return None
        auc = found.loc["auc"]
        error = (auc["ci_high"] - auc["ci_low"]) / (2 * norm.isf(0.025))
        return {"value": float(auc["value"]), "error": float(error)}

    def judge(self, label: np.ndarray, probability: np.ndarray, **options: Any) -> pd.DataFrame:
        """Figures of any predictions, with the prices of the target."""
        return judge(
            label,
            probability,
            contact_cost=self._target.contact_cost,
            hit_gain=self._target.hit_gain,
            seed=self._seed,
            **options,
        )

    def _probability(self, model: PropensityModel) -> np.ndarray:
        if model.model_id not in self._probabilities:
            self._probabilities[model.model_id] = model.score(self._rows.frame)
        return self._probabilities[model.model_id]

"""Rows of the registry: a model, its figures on today's test rows, and how it came about."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from python_ext.features import Feature
from python_ext.propensity._artefact import PropensityModel
from python_ext.propensity._bench import TestBench
from python_ext.propensity._examples import Examples
from python_ext.propensity._fingerprints import code_fingerprint, data_fingerprint
from python_ext.propensity._fitting import FittedCandidate
from python_ext.propensity._memory import MODELS_SCHEMA
from python_ext.propensity._promotion import Contender, paired_gain
from python_ext.propensity._targets import Target

OUT_OF_TIME, RANDOM_SPLIT = "out_of_time", "random_split"
WITH_ARTEFACT = ("champion", "challenger", "retired", "withdrawn")
BASELINES = ("prevalence", "recency_alone")


@dataclass(frozen=True)
class RowBuilder:
    """Makes rows of ``MODELS_SCHEMA`` for one target and run.

    ``contenders`` are what was judged on the same test rows, by algorithm: the baselines are
    looked up there.
    """

    target: Target
    examples: Examples
    bench: TestBench
    features: Sequence[Feature]
    as_of: date
    seed: int
    contenders: Mapping[str, Contender] = field(default_factory=dict)
    decision: str = ""
    why: str = ""

    def beside(self, contenders: Mapping[str, Contender], *, decision: str, why: str) -> RowBuilder:
        """The same, for rows judged beside these and decided so."""
        return replace(self, contenders=contenders, decision=decision, why=why)

    def new(
        self,
        fitted: FittedCandidate,
        *,
        role: str,
        reason: str | None = None,
        reference: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The row of a model trained in this run."""
        model, train = fitted.model, self.examples.train
        # Making the file costs more than many a fit: only for models that can be used again.
        artefact = model.to_bytes() if role in WITH_ARTEFACT else None
        random = self.bench.judge(
            train.label, fitted.out_of_fold, group=train.frame["customer_key"].to_numpy()
        )
        figures = [*self._out_of_time(model), *_listed(RANDOM_SPLIT, random)]
        parameters = {**fitted.parameters, "seed": self.seed, "dropped": fitted.dropped}
        if fitted.note:
            parameters["note"] = fitted.note
        return self._row(
            model_id=model.model_id,
            algorithm=fitted.algorithm,
            role=role,
            reason=reason or self._baseline_reason(fitted.algorithm),
            trained_on=self.as_of,
            promoted_on=self.as_of if role == "champion" else None,
            trained_rows=len(train.label),
            data_fingerprint=self.data_fingerprint,
            code_fingerprint=code_fingerprint(),
            features=_json([asdict(feature) for feature in model.features]),
            parameters=_json(parameters),
            search=_json(fitted.search),
            figures=figures,
            reference=reference,
            artefact=artefact,
            artefact_sha256=None if artefact is None else hashlib.sha256(artefact).hexdigest(),
        )

    def again(
        self,
        before: Mapping[str, Any],
        model: PropensityModel | None,
        *,
        role: str,
        reason: str,
        reference: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        """The row of a stored model, with the figures of today; without any if it cannot score."""
        kept = (
            *("model_id", "algorithm", "trained_on", "promoted_on", "trained_rows"),
            *("data_fingerprint", "code_fingerprint", "features", "parameters", "search"),
            *("artefact", "artefact_sha256"),
        )
        stored = [f for f in json.loads(before["metrics"]) if f["split"] == RANDOM_SPLIT]
        return self._row(
            **{name: before[name] for name in kept},
            role=role,
            reason=reason,
            retired_on=self.as_of if role == "retired" else None,
            figures=[*(self._out_of_time(model) if model is not None else []), *stored],
            reference=reference,
        )

    def _row(
        self,
        *,
        role: str,
        figures: list[dict[str, Any]],
        reference: Mapping[str, Any] | None,
        **columns: Any,
    ) -> dict[str, Any]:
        main = {f["metric"]: f for f in figures if f["split"] == OUT_OF_TIME}
        auc = main.get("auc", {})
        return {
            **dict.fromkeys(MODELS_SCHEMA),
            **columns,
            "as_of_date": self.as_of,
            "target": self.target.target,
            "role": role,
            "is_champion": role == "champion",
            "decision": self.decision,
            "decision_reason": self.why,
            "test_rows": len(self.examples.test.label),
            "auc": auc.get("value"),
            "auc_low": auc.get("ci_low"),
            "auc_high": auc.get("ci_high"),
            "log_loss": main.get("log_loss", {}).get("value"),
            "metrics": _json(figures),
            "reference": None if reference is None else _json(reference),
        }

    def made(self, run: pd.DataFrame) -> bool:
        """Whether a stored run is of these very rows. A file may have been mended since.

        A champion that was kept tells of older ones, its baselines of these.
        """
        return bool((run["data_fingerprint"] == self.data_fingerprint).any())

    @cached_property
    def data_fingerprint(self) -> str:
        """Of the rows it is trained and judged on."""
        columns = ["customer_key", "cutoff_name", "label", *(f.name for f in self.features)]
        parts = (self.examples.train.labelled, self.examples.test.labelled)
        return data_fingerprint(*parts, columns=columns)

    def _baseline_reason(self, algorithm: str) -> str:
        return f"baseline: out-of-time log loss {self.contenders[algorithm].mean:.4f}"

    def _out_of_time(self, model: PropensityModel) -> list[dict[str, Any]]:
        """Figures on the test cutoff, with what is gained over each baseline on the same rows."""
        figures = self.bench.figures(model)
        if not len(self.examples.train.label):
            # Without training rows the rate is the test rows' own: it may not judge itself.
            figures = figures[figures["metric"].isin(("rows", "prevalence"))]
        listed = _listed(OUT_OF_TIME, figures)
        loss = self.bench.loss(model)
        for name in BASELINES:
            baseline = self.contenders.get(name)
            if baseline is not None and baseline.model_id != model.model_id and len(loss):
                gain, error = paired_gain(baseline.loss, loss)
                half = float(norm.isf(0.025)) * error
                listed += _listed(
                    OUT_OF_TIME,
                    pd.DataFrame(
                        {
                            "metric": [f"gain_over_{name}"],
                            "value": [gain],
                            "ci_low": [gain - half],
                            "ci_high": [gain + half],
                        }
                    ),
                )
        return listed


def _listed(split: str, figures: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {"split": split, "metric": row["metric"], **{name: _known(row[name]) for name in _FIGURES}}
        for row in figures.to_dict("records")
    ]


_FIGURES = ("value", "ci_low", "ci_high")


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)

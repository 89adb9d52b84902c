"""What follows from the figures of a model, in no language yet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from python_ext.report._read import Row

OUT_OF_TIME, RANDOM_SPLIT = "out_of_time", "random_split"
RECENCY, PREVALENCE = "recency_alone", "prevalence"
# first: the first model of a target. refused: models were trained, and the champion stays.
DECISIONS = ("kept", "first", "promoted", "refused", "rolled_back", "not_trained")
FLAGS = ("is_ranked_worse", "is_miscalibrated", "is_selected_less", "is_found_less")
COMBINED, BOOSTING = "bg_nbd_gamma_gamma", "two_stage_boosting"


def run_decision(champion: Row, others: Sequence[Row]) -> str:
    """What the latest run decided about a target, one of ``DECISIONS``.

    Parameters
    ----------
    champion
        Its row of ``model_registry``.
    others
        All rows of the target.
    """
    decision, run = champion["last_decision"], champion["last_run_on"]
    if decision != "trained":
        return decision if decision in ("kept", "rolled_back") else "not_trained"
    if champion["promoted_on"] is None or champion["promoted_on"] < run:
        return "refused"
    given_up = any(
        row["retired_on"] == run for row in others if row["model_id"] != champion["model_id"]
    )
    return "promoted" if given_up else "first"


@dataclass(frozen=True)
class TargetFacts:
    """A target and everything the marts say of it.

    Attributes
    ----------
    row
        Of ``model_targets``.
    champion
        Of ``model_registry``; None where nothing scores.
    scored
        Customers scored and their mean probability; None where there are none, or too few.
    tables
        Rows of every other mart about it; of ``feature_drift`` the latest steps of the features
        the champion uses and of its score.
    """

    row: Row
    champion: Row | None
    scored: tuple[int, float] | None
    tables: dict[str, list[Row]]

    @property
    def name(self) -> str:
        """Code of the target."""
        return self.row["target"]

    @property
    def is_learned(self) -> bool:
        """Whether a model scores, and not the prevalence for want of one."""
        return self.champion is not None and self.champion["algorithm"] != PREVALENCE

    @property
    def decision(self) -> str | None:
        """What the latest run decided."""
        if self.champion is None:
            return None
        return run_decision(self.champion, self.tables["model_registry"])

    @property
    def challenger(self) -> Row | None:
        """The best of the others in the run the champion last stood in."""
        if self.champion is None:
            return None
        run = self.champion["last_run_on"]
        found = [
            row
            for row in self.tables["model_registry"]
            if row["last_run_on"] == run and row["role"] in ("challenger", "retired")
        ]
        return min(found, key=lambda row: (row["role"], row["model_id"]), default=None)

    def metric(self, metric: str, who: str = "champion", split: str = OUT_OF_TIME) -> Row | None:
        """A figure of the champion, the challenger or a baseline (by its algorithm)."""
        if who == "challenger":
            other = self.challenger
            wanted = ("model_id", other["model_id"] if other else None)
        else:
            wanted = ("is_champion", True) if who == "champion" else ("algorithm", who)
        return next(
            (
                row
                for row in self.tables["model_metrics"]
                if row[wanted[0]] == wanted[1]
                and (row["split"], row["metric"]) == (split, metric)
                and row["value"] is not None
            ),
            None,
        )

    def value(self, metric: str, who: str = "champion", split: str = OUT_OF_TIME) -> float | None:
        """The same figure as a number."""
        row = self.metric(metric, who, split)
        return row["value"] if row else None

    @property
    def threshold(self) -> float | None:
        """The probability over which a contact pays."""
        cost, gain = self.row.get("contact_cost"), self.row.get("hit_gain")
        return cost / gain if cost is not None and gain and gain > 0 else None

    @property
    def used(self) -> list[Row]:
        """Features the champion uses, the most important first."""
        found = [row for row in self.tables["model_features"] if row["is_used"]]
        return sorted(
            found, key=lambda row: (row["importance_rank"] or len(found) + 1, row["feature"])
        )

    @property
    def off(self) -> list[Row]:
        """Bins whose probabilities did not come true."""
        return [row for row in self.tables["model_reliability"] if row["is_off"]]

    @property
    def everybody(self) -> Row | None:
        """The row of all customers judged."""
        return next((r for r in self.tables["model_groups"] if r["attribute"] == "all"), None)

    @property
    def groups(self) -> list[Row]:
        """Groups that were large enough to judge."""
        return [
            row
            for row in self.tables["model_groups"]
            if row["attribute"] != "all" and not row["is_too_small"]
        ]

    @property
    def unfair(self) -> list[Row]:
        """Groups for whom something is notably wrong beyond noise."""
        return [row for row in self.groups if any(row.get(flag) for flag in FLAGS)]

    @property
    def drifted(self) -> list[Row]:
        """What drifted, the worst first."""
        found = [row for row in self.tables["feature_drift"] if row["alarm"] != "none"]
        return sorted(found, key=lambda row: (row["alarm"] != "major", -(row["psi"] or 0)))

    @property
    def decayed(self) -> list[Row]:
        """Figures of the champion that got worse than at its promotion, beyond noise."""
        return [row for row in self.tables["model_decay"] if row["is_alarm"] and row["is_latest"]]

    @property
    def alarms(self) -> list[tuple[str, int]]:
        """What a reader must know first: its kind, and how many there are."""
        major = sum(row["alarm"] == "major" for row in self.drifted)
        counted = {
            "decay": len(self.decayed),
            "drift_major": major,
            "drift_moderate": len(self.drifted) - major,
            "calibration": len(self.off),
            "groups": len(self.unfair),
        }
        return [(kind, count) for kind, count in counted.items() if count]


@dataclass(frozen=True)
class ValueFacts:
    """The models of customer value in their last run.

    Attributes
    ----------
    models
        Rows of ``value_models`` by model.
    calibration
        Rows of ``value_calibration`` that may be shown.
    customers, expected
        Customers with an expected value, and its total; None where they are too few.
    """

    models: dict[str, Row]
    calibration: list[Row]
    customers: int | None
    expected: float | None

    @property
    def champion(self) -> Row | None:
        """The model that gives the expected value."""
        return next((row for row in self.models.values() if row["is_champion"]), None)

    def read(self, model: str, column: str) -> Any:
        """A column of JSON; empty where there is none."""
        text = self.models.get(model, {}).get(column)
        return json.loads(text) if text else {}

    def metric(self, model: str, metric: str) -> Row | None:
        """A figure on the test cutoff."""
        return next((row for row in self.read(model, "metrics") if row["metric"] == metric), None)

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """What the fits warn of: model and sentence, each sentence once."""
        found: dict[str, str] = {}
        for model in self.models:
            for sentence in self.read(model, "warnings"):
                found.setdefault(sentence, model)
        return [(model, sentence) for sentence, model in found.items()]


@dataclass(frozen=True)
class Cards:
    """Everything the page says."""

    about: Row
    targets: list[TargetFacts]
    value: ValueFacts = field(default_factory=lambda: ValueFacts({}, [], None, None))

    @property
    def floor(self) -> int:
        """Customers that a group must have to be shown."""
        return int(self.about.get("k_anonymity") or 1)

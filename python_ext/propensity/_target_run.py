"""The run of one target: keep or train, judge, promote or refuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import pandas as pd

from python_ext.errors import SegmentationError
from python_ext.features import CALENDAR, QUARTERS, Feature, feature_frame
from python_ext.propensity._artefact import ArtefactError, PropensityModel
from python_ext.propensity._bench import TestBench
from python_ext.propensity._examples import Examples
from python_ext.propensity._fitting import BASELINE, MIN_CLASS_ROWS, FittedCandidate, fit_candidates
from python_ext.propensity._memory import (
    TamperedError,
    champion_before,
    read_champion,
    read_reference,
    run_on,
    withdrawn_models,
)
from python_ext.propensity._policy import (
    Decision,
    RetrainPolicy,
    decide_retrain,
    describe_settings,
    is_too_old,
)
from python_ext.propensity._promotion import PREVALENCE, Contender, Verdict, choose_champion
from python_ext.propensity._reference import Reference, compare, describe
from python_ext.propensity._rows import RowBuilder
from python_ext.propensity._search import SearchBudget
from python_ext.propensity._targets import Target

TRIED_ROWS = 10
RECENCY = "recency_alone"


@dataclass(frozen=True)
class TargetRun:
    """The run of one target.

    Attributes
    ----------
    target, examples, features
        What is predicted, from what.
    stored
        Rows of the memory, of this target.
    as_of, seed, policy, algorithms, budget
        As in ``run_propensity``.
    tastes
        What stands behind taste_1, taste_2, ….
    """

    target: Target
    examples: Examples
    features: list[Feature]
    stored: pd.DataFrame
    as_of: date
    seed: int
    policy: RetrainPolicy
    algorithms: list[str]
    budget: SearchBudget
    tastes: dict[str, str]

    @property
    def is_surely_trained(self) -> bool:
        """Whether dates alone say that models are trained; a champion that is kept takes seconds.

        Drift, decay and changed settings are found later, from the customers of today.
        """
        if self.policy.retrain != "auto":
            return self.policy.retrain == "always"
        if len(run_on(self.stored, self.as_of)):
            return False
        before = champion_before(self.stored, before=self.as_of)
        return before is None or is_too_old(
            self._last_attempt(before), as_of=self.as_of, policy=self.policy
        )

    def rows(self) -> list[dict[str, Any]]:
        """Rows of ``MODELS_SCHEMA``."""
        today = run_on(self.stored, self.as_of)
        todays = next(iter(today[today["is_champion"]].to_dict("records")), None)
        model, objection = self._read(todays)
        if model is not None and self._stands(todays, today):
            if todays["decision"] != "rolled_back":
                return today.to_dict("records")
            return self._judged_again(today, todays, model)
        before = champion_before(self.stored, before=self.as_of)
        if todays is not None and todays["decision"] == "rolled_back":
            before = todays
        model, objection = self._read(before)
        reference = None if model is None else self._reference(before, model)
        decision = self._decide(model, objection, reference)
        rows = (
            self._trained(decision, before, model, objection)
            if decision.is_trained
            else self._kept(decision, before, model, reference)
        )
        # What was taken back today stays marked, even where the run is made anew.
        made = {row["model_id"] for row in rows}
        marked = today[(today["role"] == "withdrawn") & ~today["model_id"].isin(made)]
        return rows + marked.to_dict("records")

    # What there is

    @property
    def _settings(self) -> dict[str, Any]:
        return describe_settings(
            self.target,
            self.features,
            algorithms=self.algorithms,
            search={name: n for name, n in vars(self.budget).items() if name != "max_seconds"},
            seed=self.seed,
            categories=self.tastes,
        )

    def _read(self, row: Mapping[str, Any] | None) -> tuple[PropensityModel | None, str | None]:
        """The model of a champion's row, or why it cannot be used; neither without a row."""
        if row is None:
            return None, None
        try:
            model = read_champion(row)
        except TamperedError:
            raise
        except ArtefactError as error:
            return None, f"cannot be used any more: {error}"
        kinds = {feature.name: feature.kind for feature in self.features}
        gone = [f.name for f in model.features if kinds.get(f.name) != f.kind]
        if gone:
            more = f" and {len(gone) - 3} more" if len(gone) > 3 else ""
            return None, (
                f"cannot be used any more: model {model.model_id} needs {', '.join(gone[:3])}"
                f"{more}, which is no feature any more or whose source is off"
            )
        learned = (self._last_attempt(row).get("settings") or {}).get("categories", {})
        read = [*(f.name for f in model.features), f"taste_{self.target.category_rank}"]
        if moved := [name for name in read if learned.get(name) != self.tastes.get(name)]:
            return None, (
                f"cannot be used any more: to model {model.model_id} {moved[0]} is "
                f"{learned.get(moved[0])}, which is {self.tastes.get(moved[0])} now"
            )
        try:
            model.score(self.examples.score.head(TRIED_ROWS))
        except (TypeError, KeyError, ValueError, AttributeError, IndexError) as error:
            # Read back, but not by the version of the library that wrote it.
            return None, (
                f"cannot be used any more: model {model.model_id} does not score "
                f"({type(error).__name__}: {error})"
            )
        return model, None

    def _stands(self, todays: Mapping[str, Any], today: pd.DataFrame) -> bool:
        """Whether the stored run of today is the answer."""
        if self.policy.retrain == "always":
            return False
        if self.policy.retrain == "never":
            return True
        is_same = todays["decision"] == "rolled_back" or self._builder.made(today)
        return is_same and self._last_attempt(todays).get("settings") == self._settings

    def _last_attempt(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The reference that counts. After a rollback it is that of the training before it."""
        own = read_reference(row)
        if row["decision"] != "rolled_back":
            return own
        past = self.stored[self.stored["as_of_date"] <= pd.Timestamp(self.as_of)]
        known = [read_reference(r) for r in past.to_dict("records")]
        dated = [r for r in known if r.get("attempted_on")]
        return max(dated, key=lambda r: r["attempted_on"], default=own)

    def _reference(self, row: Mapping[str, Any], model: PropensityModel) -> dict[str, Any]:
        """What today is compared with."""
        stored = self._last_attempt(row)
        if row["decision"] != "rolled_back":
            return stored
        # Scores and AUC of the model that was taken back say nothing of the one restored.
        return {**stored, **self._described(model)}

    def _described(self, model: PropensityModel) -> Reference:
        return describe(self.examples.score, self.features, model, auc=self._bench.auc(model))

    @property
    def _problem(self) -> str | None:
        """Why nothing can be learned or judged, if so."""
        parts = (("training", self.examples.train), ("the test cutoff", self.examples.test))
        for name, part in parts:
            yes, no = int(part.label.sum()), int((~part.label).sum())
            if min(yes, no) < MIN_CLASS_ROWS:
                return (
                    f"{name} has {yes} positive and {no} negative rows, {MIN_CLASS_ROWS} are needed"
                )
        return None

    @cached_property
    def _bench(self) -> TestBench:
        return TestBench(self.target, self.examples.test, self.examples.train, seed=self.seed)

    @property
    def _builder(self) -> RowBuilder:
        return RowBuilder(
            self.target,
            self.examples,
            self._bench,
            self.features,
            as_of=self.as_of,
            seed=self.seed,
        )

    # What to do

    def _decide(
        self,
        model: PropensityModel | None,
        objection: str | None,
        reference: dict[str, Any] | None,
    ) -> Decision:
        if model is None:
            said = (
                f"the champion before {objection}" if objection else "no model of an earlier date"
            )
            if self.policy.retrain == "never":
                raise SegmentationError(
                    f"propensity_retrain is never, and there is no model of the target "
                    f"{self.target.target} to keep: {said}. Build once with propensity_retrain "
                    "auto."
                )
            return Decision(True, said if objection else f"{said} is stored")
        stored = reference or {}
        attempted_on = pd.Timestamp(stored.get("attempted_on") or self.as_of)
        feature_drift, score_drift = compare(
            self.examples.score,
            self.features,
            model,
            stored,
            past=self.examples.past,
            days=(pd.Timestamp(self.as_of) - attempted_on).days,
        )
        now = self._bench.auc(model)
        return decide_retrain(
            reference or {},
            policy=self.policy,
            settings=self._settings,
            as_of=self.as_of,
            feature_drift=feature_drift,
            score_drift=score_drift,
            auc=None if now is None else (now["value"], now["error"]),
            problem=self._problem,
        )

    # What comes of it

    @property
    def _left_out(self) -> dict[str, str]:
        """Features of the calendar, where training has not seen the whole year, and what it lacks.

        A model is kept for months, and a quarter it never saw it would take for any other.
        """
        found = {}
        for feature in self.features:
            if feature.view == CALENDAR:
                known = feature_frame(self.examples.train.frame, [feature])[feature.name]
                unseen = sorted(QUARTERS - set(known))
                if unseen:
                    found[feature.name] = f"training has not seen {', '.join(unseen)}"
        return found

    def _fit(self, *, train: bool) -> list[FittedCandidate]:
        """Candidates and baselines; the baselines alone for a run that keeps its champion."""
        problem = self._problem
        alone = [feature for feature in self.features if feature.name == BASELINE]
        return fit_candidates(
            self.examples.train.labelled,
            self.features if train and not problem else alone,
            target=self.target.target,
            algorithms=self.algorithms if train and not problem else (),
            baseline=None if problem else BASELINE,
            left_out=self._left_out,
            settings=self.budget,
            seed=self.seed,
        )

    def _contenders(self, fitted: Sequence[FittedCandidate]) -> dict[str, Contender]:
        contender = self._bench.contender
        return {each.algorithm: contender(each.model, each.out_of_fold) for each in fitted}

    def _trained(
        self,
        decision: Decision,
        before: Mapping[str, Any] | None,
        model: PropensityModel | None,
        objection: str | None,
    ) -> list[dict[str, Any]]:
        fitted = self._fit(train=True)
        contenders = self._contenders(fitted)
        notes = "; ".join(dict.fromkeys(each.note for each in fitted if each.note))
        problem = self._problem or notes
        incumbent = None if model is None else self._bench.contender(model)
        withdrawn = withdrawn_models(self.stored)
        verdict = choose_champion(
            [contenders[name] for name in self.algorithms if name in contenders],
            contenders[PREVALENCE],
            recency=contenders.get(RECENCY),
            incumbent=incumbent,
            objection=objection,
            problem=problem,
            withdrawn=withdrawn,
            customers=self._bench.customers,
        )
        if problem:
            decision = Decision(True, f"{decision.reason}; {problem}")
        builder = self._builder.beside(contenders, decision="trained", why=decision.reason)
        rows = [
            builder.new(
                each,
                role=_role(each, verdict, withdrawn),
                reason=verdict.reasons[each.model.model_id],
                reference=self._new_reference(each.model, verdict),
            )
            for each in fitted
            if incumbent is None or each.model.model_id != incumbent.model_id
        ]
        if before is None:
            return rows
        stays = verdict.champion == before["model_id"]
        reason = verdict.reasons.get(before["model_id"]) or f"retired: it {objection}"
        rows.append(
            builder.again(
                before,
                model,
                role="champion" if stays else "retired",
                reason=reason,
                reference=self._new_reference(model, verdict) if model is not None else None,
            )
        )
        return rows

    def _kept(
        self,
        decision: Decision,
        before: Mapping[str, Any],
        model: PropensityModel,
        reference: dict[str, Any],
    ) -> list[dict[str, Any]]:
        """The stored champion again, judged on today's test cutoff beside the baselines."""
        fitted = [each for each in self._fit(train=False) if each.model.model_id != model.model_id]
        builder = self._builder.beside(
            self._contenders(fitted), decision="kept", why=decision.reason
        )
        champion = builder.again(
            before, model, role="champion", reason=before["reason"], reference=reference
        )
        return [champion, *(builder.new(each, role="baseline") for each in fitted)]

    def _judged_again(
        self, today: pd.DataFrame, todays: Mapping[str, Any], model: PropensityModel
    ) -> list[dict[str, Any]]:
        """Today's rows after a rollback, the restored model with its figures of today."""
        others = today[today["model_id"] != todays["model_id"]].to_dict("records")
        baselines = [row for row in others if row["algorithm"] in (PREVALENCE, RECENCY)]
        losses = self._contenders(self._fit(train=False)) if baselines else {}
        builder = self._builder.beside(
            losses, decision="rolled_back", why=todays["decision_reason"]
        )
        champion = builder.again(
            todays,
            model,
            role="champion",
            reason=todays["reason"],
            reference=self._reference(todays, model),
        )
        return [champion, *others]

    def _new_reference(self, model: PropensityModel, verdict: Verdict) -> Reference | None:
        """What later runs are compared with; of the champion and the best of the others."""
        if model.model_id not in (verdict.champion, verdict.challenger):
            return None
        return {
            "attempted_on": self.as_of.isoformat(),
            "problem": self._problem,
            "settings": self._settings,
            **self._described(model),
        }


def _role(each: FittedCandidate, verdict: Verdict, withdrawn: Mapping[str, date]) -> str:
    model_id = each.model.model_id
    if model_id == verdict.champion:
        return "champion"
    if model_id in withdrawn:
        return "withdrawn"
    if model_id == verdict.challenger:
        return "challenger"
    return "baseline" if each.algorithm in (PREVALENCE, RECENCY) else "candidate"

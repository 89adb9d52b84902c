"""Candidates of one target: selected, searched, fitted and calibrated inside the training rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from python_ext.errors import SegmentationError
from python_ext.features import Feature, feature_frame
from python_ext.propensity._artefact import PropensityModel
from python_ext.propensity._calibration import choose_calibration, fit_calibrator
from python_ext.propensity._candidates import (
    ALGORITHMS,
    CATALOGUE,
    Settings,
    fit_at_lengths,
    fit_estimator,
)
from python_ext.propensity._fitted import FittedCandidate, fingerprint, named, typical_values
from python_ext.propensity._folds import (
    Folds,
    check_folds,
    fold_numbers,
    group_ranks,
    grouped_folds,
)
from python_ext.propensity._leakage import IMPLAUSIBLE_AUC, JUDGED_ROWS, check_features
from python_ext.propensity._metrics import row_log_loss
from python_ext.propensity._preparation import Prepared
from python_ext.propensity._search import Guard, Search, SearchBudget, SearchFold, halve
from python_ext.propensity._selection import usable_features, useful_features, without_duplicates

MIN_CLASS_ROWS = 50
BASELINE = "recency_days"


def fit_candidates(
    train: pd.DataFrame,
    features: Iterable[Feature],
    *,
    label: str = "label",
    group: str | None = "customer_key",
    target: str = "",
    algorithms: Sequence[str] = ALGORITHMS,
    settings: SearchBudget | None = None,
    baseline: str | None = BASELINE,
    select: bool = True,
    left_out: Mapping[str, str] | None = None,
    implausible_auc: float = IMPLAUSIBLE_AUC,
    allowed: Iterable[str] = (),
    seed: int = 42,
) -> list[FittedCandidate]:
    """Fit every algorithm and the baselines of one target.

    What stands in for unknown values, scaling, the encoding of categories, which features help,
    the setting and the calibration all come from the training rows, and within a fold from the
    other folds alone. No group stands on both sides of a fold.

    Parameters
    ----------
    train
        Training rows with the feature columns. Every row needs a label.
    features
        What may be learned from, numbers and categories.
    label, group
        Columns of what happened (boolean) and of whom; each row is its own group if None.
    target
        Name that the models carry.
    algorithms
        Of ``ALGORITHMS``.
    settings
        How much is tried.
    baseline
        Number feature that is judged on its own as ``recency_alone``; None for no such baseline.
    select
        Whether features that do not help are dropped.
    left_out
        Features that must not be used, and why.
    implausible_auc, allowed
        As in ``_leakage.check_features``.
    seed
        Of folds, draws and learners. The same rows in the same order give the same bytes.

    Returns
    -------
    list of FittedCandidate
        In the order of ``algorithms``, then the baselines. The prevalence alone, with a note, where
        nothing can be learned.

    Raises
    ------
    LeakageError
        If a feature tells the label too well to have been known before it.
    SegmentationError
        If an algorithm is unknown or a label is missing.
    """
    features, budget = list(features), settings or SearchBudget()
    unknown = sorted(set(algorithms) - set(ALGORITHMS))
    if unknown:
        raise SegmentationError(f"algorithms {unknown} are unknown; known are {list(ALGORITHMS)}")
    if train[label].isna().any():
        raise SegmentationError(
            f"{int(train[label].isna().sum())} training rows have no {label}: leave them out"
        )
    with threadpool_limits(1):
        # One thread: the order of a parallel sum is not fixed, and two builds must agree.
        fitter = _Fitter.begin(train, features, label, group, target, budget, seed)
        left_out = dict(left_out or {})
        return fitter.run(algorithms, baseline, select, left_out, implausible_auc, tuple(allowed))


@dataclass(frozen=True)
class _Part:
    """One training part: of a fold, or all rows."""

    prepared: Prepared
    inside: np.ndarray
    dropped: dict[str, str]


@dataclass(frozen=True)
class _Fitter:
    """The training rows of one target and what is made of them."""

    raw: pd.DataFrame
    frame: pd.DataFrame
    features: list[Feature]
    label: np.ndarray
    group: np.ndarray
    folds: Folds
    target: str
    budget: SearchBudget
    seed: int
    guard: Guard

    @classmethod
    def begin(
        cls,
        train: pd.DataFrame,
        features: list[Feature],
        label: str,
        group: str | None,
        target: str,
        budget: SearchBudget,
        seed: int,
    ) -> _Fitter:
        happened = train[label].astype(bool).to_numpy()
        owner = np.arange(len(train)) if group is None else train[group].to_numpy()
        folds = grouped_folds(happened, owner, seed=seed)
        check_folds(folds, owner)
        return cls(
            train,
            feature_frame(train, features).reset_index(drop=True),
            features,
            happened,
            owner,
            folds,
            target,
            budget,
            seed,
            Guard(budget.max_seconds),
        )

    def run(
        self,
        algorithms: Sequence[str],
        baseline: str | None,
        select: bool,
        left_out: dict[str, str],
        implausible_auc: float,
        allowed: tuple[str, ...],
    ) -> list[FittedCandidate]:
        """All candidates."""
        stand = [feature for feature in self.features if feature.name not in left_out]
        usable = usable_features(self.frame, stand, self.folds)
        problem = self._problem(usable.kept)
        if problem:
            return [self._prevalence(f"{problem}: every customer gets the prevalence")]
        self._check_features(usable.kept, implausible_auc, allowed)
        parts = [self._part(inside, usable.kept, select) for inside, _ in self.folds]
        whole = self._part(np.arange(len(self.label)), usable.kept, select)
        dropped = {**left_out, **usable.dropped, **whole.dropped}
        search_folds = self._search_folds(parts)
        fitted = []
        for algorithm in algorithms:
            found = halve(
                algorithm,
                search_folds[CATALOGUE[algorithm].reads],
                budget=self.budget,
                seed=self.seed,
                guard=self.guard,
            )
            fitted.append(self._candidate(algorithm, algorithm, found, parts, whole, dropped))
        alone = [f for f in usable.kept if f.name == baseline and f.kind == "number"]
        if alone:
            parts = [self._part(inside, alone, False) for inside, _ in self.folds]
            whole = self._part(np.arange(len(self.label)), alone, False)
            found = Search(
                dict(CATALOGUE["logistic_regression"].default), [], np.empty(0), np.empty(0)
            )
            fitted.append(
                self._candidate("recency_alone", "logistic_regression", found, parts, whole, {})
            )
        return [*fitted, self._prevalence("")]

    def _problem(self, usable: list[Feature]) -> str | None:
        """Why nothing can be learned, if so."""
        yes, no = int(self.label.sum()), int((~self.label).sum())
        if min(yes, no) < MIN_CLASS_ROWS:
            return (
                f"training has {yes} positive and {no} negative rows, {MIN_CLASS_ROWS} are needed"
            )
        if not all(len(out) and 0 < self.label[ins].mean() < 1 for ins, out in self.folds):
            return "too few customers of both kinds to divide them into folds"
        if not usable:
            return "no feature has a value that differs"
        return None

    def _check_features(
        self, usable: list[Feature], highest: float, allowed: tuple[str, ...]
    ) -> None:
        drawn = self._drawn(JUDGED_ROWS)
        place = np.cumsum(drawn) - 1
        folds = [(place[ins[drawn[ins]]], place[out[drawn[out]]]) for ins, out in self.folds]
        check_features(
            self.raw.loc[drawn],
            usable,
            label=self.label[drawn],
            folds=folds,
            highest=highest,
            allowed=allowed,
        )

    @cached_property
    def _rank(self) -> np.ndarray:
        """Drawing order of the customers, of each row."""
        return group_ranks(self.group, seed=self.seed)

    def _drawn(self, rows: int) -> np.ndarray:
        """Rows of customers drawn by hash, about ``rows`` of them; all if there are no more."""
        return self._rank < rows / max(len(self.group), 1)

    def _part(self, inside: np.ndarray, features: list[Feature], select: bool) -> _Part:
        """Select and prepare inside these rows alone."""
        frame, label, group = self.frame.iloc[inside], self.label[inside], self.group[inside]
        dropped: dict[str, str] = {}
        if select:
            single = without_duplicates(frame, features, label=label)
            helpful = useful_features(frame, single.kept, label=label, group=group, seed=self.seed)
            features, dropped = helpful.kept, {**single.dropped, **helpful.dropped}
        return _Part(Prepared.fit(frame, features, label=label, group=group), inside, dropped)

    def _search_folds(self, parts: list[_Part]) -> dict[str, list[SearchFold]]:
        """The rows the search looks at, per way of reading them."""
        rank = self._rank
        highest = min(1.0, self.budget.rows / max(len(self.group), 1))
        found: dict[str, list[SearchFold]] = {"scaled": [], "filled": [], "open": []}
        for part, (inside, outside) in zip(parts, self.folds, strict=True):
            looked, judged = rank[inside] < highest, outside[rank[outside] < highest]
            for reads, folds in found.items():
                folds.append(
                    SearchFold(
                        part.prepared.matrix(reads, looked),
                        self.label[inside][looked],
                        rank[inside][looked] / highest,
                        part.prepared.transform(self.frame.iloc[judged], reads),
                        self.label[judged],
                        rank[judged] / highest,
                        judged,
                    )
                )
        return found

    def _fit_rows(self, algorithm: str, inside: np.ndarray) -> np.ndarray:
        """Places within a training part that the algorithm is fitted on."""
        most = CATALOGUE[algorithm].cap * self.budget.capped_rows
        if not most or len(inside) <= most:
            return np.arange(len(inside))
        rank = group_ranks(self.group[inside], seed=self.seed + 1)
        return np.flatnonzero(rank < most / len(inside))

    def _across_folds(
        self, algorithm: str, settings: Settings, parts: list[_Part]
    ) -> tuple[np.ndarray, Settings]:
        """Out-of-fold probabilities of all rows, and the settings with the best length."""
        known = CATALOGUE[algorithm]
        found = {length: np.empty(len(self.label)) for length in known.lengths or (0,)}
        for part, (inside, outside) in zip(parts, self.folds, strict=True):
            rows = self._fit_rows(algorithm, inside)
            stages = fit_at_lengths(
                algorithm,
                settings,
                part.prepared.matrix(known.reads, rows),
                self.label[inside][rows],
                part.prepared.transform(self.frame.iloc[outside], known.reads),
                seed=self.seed,
            )
            for length, probability in stages.items():
                found[length][outside] = probability
        loss = {n: row_log_loss(self.label, p).mean() for n, p in found.items()}
        length = min(loss, key=lambda n: (loss[n], n))
        return found[length], {**settings, known.length_name: length} if known.lengths else settings

    def _candidate(
        self,
        name: str,
        algorithm: str,
        found: Search,
        parts: list[_Part],
        whole: _Part,
        dropped: dict[str, str],
    ) -> FittedCandidate:
        known, settings = CATALOGUE[algorithm], found.settings
        if len(found.judged) == len(self.label):
            raw = np.empty(len(self.label))
            raw[found.judged] = found.predicted
        else:
            raw, settings = self._across_folds(algorithm, settings, parts)
        fold = fold_numbers(self.folds, len(self.label))
        method, out_of_fold = choose_calibration(raw, self.label, fold)
        rows = self._fit_rows(algorithm, whole.inside)
        estimator = fit_estimator(
            algorithm,
            settings,
            whole.prepared.matrix(known.reads, rows),
            self.label[rows],
            seed=self.seed,
        )
        steps = [*whole.prepared.steps(known.reads), estimator]
        parameters = {**settings, "calibration": method, "fitted_rows": len(rows)}
        model = PropensityModel(
            target=self.target,
            algorithm=name,
            model_id="",
            features=whole.prepared.features,
            pipeline=Pipeline([(type(step).__name__.lower(), step) for step in steps]),
            calibrator=fit_calibrator(raw, self.label, method=method),
            prevalence=self._rate,
            typical=typical_values(self.raw, whole.prepared.features),
        )
        return FittedCandidate(
            name,
            self._named(model, parameters),
            out_of_fold,
            parameters,
            found.tried,
            dropped,
            found.note,
        )

    @cached_property
    def _fingerprint(self) -> str:
        return fingerprint(self.frame, self.features, label=self.label, group=self.group)

    @property
    def _rate(self) -> float:
        """(positives + 1) / (rows + 2): never exactly 0 or 1. NaN without any row."""
        rows = len(self.label)
        return float((self.label.sum() + 1) / (rows + 2)) if rows else float("nan")

    def _prevalence(self, note: str) -> FittedCandidate:
        parameters = {"probability": self._rate if len(self.label) else None}
        model = PropensityModel(self.target, "prevalence", "", [], None, None, self._rate)
        constant = np.full(len(self.label), self._rate)
        return FittedCandidate(
            "prevalence",
            self._named(model, parameters),
            constant,
            parameters,
            [],
            {},
            note,
        )

    def _named(self, model: PropensityModel, parameters: dict[str, Any]) -> PropensityModel:
        return named(model, parameters, seed=self.seed, fingerprint=self._fingerprint)

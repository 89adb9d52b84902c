"""Which model gives the scores: the champion, or a challenger that is better beyond noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
from scipy.stats import norm

# Chance that the best of the candidates is taken for better when none is.
CHANCE = 0.05
PREVALENCE = "prevalence"


@dataclass(frozen=True)
class Contender:
    """A model, and its log loss of rows it was not fitted on, in the order of all others'.

    Attributes
    ----------
    model_id, algorithm
        Which model.
    loss
        Of each row of the test cutoff.
    out_of_fold
        Of each training row, by models that never saw its customer; empty where there is none.
    """

    model_id: str
    algorithm: str
    loss: np.ndarray
    out_of_fold: np.ndarray = field(default_factory=lambda: np.empty(0))

    @property
    def mean(self) -> float:
        """Out-of-time log loss."""
        return float(self.loss.mean()) if len(self.loss) else float("nan")


@dataclass(frozen=True)
class Verdict:
    """Who is champion, who came next, and why; reasons by model_id."""

    champion: str
    challenger: str | None
    reasons: dict[str, str]
    is_promoted: bool


def paired_gain(
    other: np.ndarray, own: np.ndarray, group: np.ndarray | None = None
) -> tuple[float, float]:
    """How much less the own log loss is on the same rows, and the standard error of that.

    Parameters
    ----------
    other, own
        Log loss of each row.
    group
        Whose the row is: rows of one group count together, for they are alike (Liang and Zeger
        1986). Each row on its own if None, as for customers at one cutoff.

    Returns
    -------
    tuple of float
        Mean and standard error; NaN with fewer than two groups.
    """
    difference = other - own
    code = np.arange(len(difference)) if group is None else pd.factorize(group)[0]
    groups = int(code.max()) + 1 if len(code) else 0
    if groups < 2:
        return float("nan"), float("nan")
    mean = float(difference.mean())
    summed = np.bincount(code, weights=difference - mean)
    error = np.sqrt(groups / (groups - 1) * (summed**2).sum()) / len(difference)
    return mean, float(error)


def asked_errors(candidates: int) -> float:
    """Standard errors by which the best of so many must be better (Bonferroni, one-sided)."""
    return float(norm.isf(CHANCE / max(candidates, 1)))


def beats_prevalence(
    prevalence: Sequence[np.ndarray],
    own: Sequence[np.ndarray],
    *,
    group: np.ndarray | None,
    candidates: int,
) -> tuple[bool, float, float]:
    """Whether a model is better than the same probability for everybody.

    Nobody is scored by the prevalence yet, so that all rows no model was fitted on may speak:
    those out of time and, of the training rows, what was told of each out of fold. All together
    must show a gain beyond noise. Each part alone must show one too, however uncertain: what was
    true only in the past, or only by chance in the test rows, is not enough.

    Parameters
    ----------
    prevalence, own
        Log loss of each row, part by part.
    group
        Whose each row of all parts is, one part after the other.
    candidates
        The model is the best of so many.

    Returns
    -------
    tuple of bool and float
        Whether it is, the mean gain of all rows, and its standard error.
    """
    gain, error = paired_gain(np.concatenate(prevalence), np.concatenate(own), group)
    agree = all(other.mean() > loss.mean() for other, loss in zip(prevalence, own, strict=True))
    return bool(agree and gain > asked_errors(candidates) * error), gain, error


def simplest_of_the_best(candidates: Sequence[Contender]) -> Contender:
    """The simplest one whose log loss is within one standard error of the lowest.

    Breiman et al. (1984): what is not told apart from the best is chosen by simplicity.

    Parameters
    ----------
    candidates
        Simplest first.
    """
    lowest = min(candidates, key=lambda contender: contender.mean)
    for candidate in candidates:
        more, error = paired_gain(candidate.loss, lowest.loss)
        if candidate is lowest or more <= error:
            return candidate
    raise AssertionError("the lowest is among the candidates")


def choose_champion(
    candidates: Sequence[Contender],
    prevalence: Contender,
    *,
    recency: Contender | None = None,
    incumbent: Contender | None = None,
    objection: str | None = None,
    problem: str | None = None,
    withdrawn: Mapping[str, date] | None = None,
    customers: np.ndarray | None = None,
) -> Verdict:
    """Promote or refuse, by log loss on the same rows.

    The best candidate is the simplest within one standard error of the lowest log loss out of
    time. It is a challenger only where it beats the prevalence beyond noise, out of time and out
    of fold (``beats_prevalence``); otherwise the prevalence is. A champion that is a model gives
    way only to a challenger that is better beyond noise out of time alone: training rows of today
    may be among those it was fitted on. As the challenger is the best of k on these very rows,
    noise is a one-sided test at ``CHANCE`` / k (Bonferroni).

    Parameters
    ----------
    candidates
        Trained in this run, simplest first.
    prevalence, recency
        The baselines of this run.
    incumbent
        The champion so far, judged on the same rows; None if there is none that can be used.
    objection
        Why the champion so far cannot be used.
    problem
        Why there is no candidate, if so.
    withdrawn
        Models taken back by hand, and when: they are not promoted.
    customers
        Whose each test row is, and then each training row; each its own if None.
    """
    withdrawn = withdrawn or {}
    able = [c for c in candidates if c.model_id not in withdrawn]
    if incumbent is not None:
        able = [c for c in able if c.model_id != incumbent.model_id]
    scale = _Scale(max(len(able), 1), customers)
    best = simplest_of_the_best(able) if able else None
    reasons = {
        c.model_id: f"not promoted: it was withdrawn on {withdrawn[c.model_id]}, and only "
        "rollback_model with its model_id brings it back"
        for c in candidates
        if c.model_id in withdrawn
    }
    if best is not None:
        reasons |= {c.model_id: _behind(c, best) for c in able if c is not best}
    for baseline in filter(None, (recency, prevalence)):
        reasons[baseline.model_id] = f"baseline: {_loss(baseline)}"
    beats, against = _is_better(best, prevalence, scale, "the prevalence")
    challenger = best if beats else prevalence
    if best is not None and not beats:
        reasons[best.model_id] = f"refused, does not beat the prevalence beyond noise: {against}"
    if best is None:
        stands = f"everybody gets the prevalence: {problem or 'no candidate stood'}"
    else:
        stands = _standing(challenger, best, able, against, recency)
    if incumbent is None:
        why = f"the champion before it {objection}; " if objection else ""
        reasons[challenger.model_id] = f"champion: {why}{stands}"
        return Verdict(challenger.model_id, _runner_up(able, challenger), reasons, True)
    if challenger.model_id == incumbent.model_id:
        reasons[incumbent.model_id] = f"stays champion: no other model stood against it; {stands}"
        return Verdict(incumbent.model_id, None, reasons, False)
    better, compared = _is_better(challenger, incumbent, scale, f"champion {incumbent.model_id}")
    k = f", the best of {len(able)}" if challenger is best and len(able) > 1 else ""
    asked = f"{scale.asked:.2f} standard errors are asked{k}"
    if better:
        reasons[challenger.model_id] = f"promoted: {compared} ({asked}); {stands}"
        reasons[incumbent.model_id] = (
            f"retired: {challenger.algorithm} {challenger.model_id} is better: {compared} ({asked})"
        )
        return Verdict(challenger.model_id, incumbent.model_id, reasons, True)
    said = f"not better than the champion beyond noise: {compared} ({asked})"
    if challenger is best:
        reasons[challenger.model_id] = f"refused, {said}"
    reasons[incumbent.model_id] = (
        f"stays champion: the best challenger, {challenger.algorithm}, is {said}"
    )
    return Verdict(incumbent.model_id, _runner_up(able, incumbent), reasons, False)


def _runner_up(candidates: Sequence[Contender], champion: Contender) -> str | None:
    """The best candidate that is not champion."""
    others = [c for c in candidates if c.model_id != champion.model_id]
    return simplest_of_the_best(others).model_id if others else None


def _loss(contender: Contender) -> str:
    return f"out-of-time log loss {contender.mean:.4f}"


def _behind(candidate: Contender, best: Contender) -> str:
    more, error = paired_gain(candidate.loss, best.loss)
    if more >= 0:
        said = f"{more:.4f} more than {best.algorithm} (standard error {error:.4f})"
    else:
        said = (
            f"{-more:.4f} less than {best.algorithm}, within one standard error ({error:.4f}) of "
            "what is simpler"
        )
    return f"not the best candidate: {_loss(candidate)}, {said}"


@dataclass(frozen=True)
class _Scale:
    """What is beyond noise: the best of how many it is, and whose the rows are."""

    candidates: int
    customers: np.ndarray | None

    @property
    def asked(self) -> float:
        return asked_errors(self.candidates)


def _is_better(
    one: Contender | None, other: Contender, scale: _Scale, name: str
) -> tuple[bool, str]:
    """Whether a model is better beyond noise, and the comparison in words."""
    if one is None:
        return False, ""
    gain, error = paired_gain(other.loss, one.loss)
    said = (
        f"{_loss(one)} on {len(one.loss)} test rows, {_differs(gain)} than {name} (standard "
        f"error {error:.4f})"
    )
    rows = len(one.out_of_fold)
    is_model_beside_none = other.algorithm == PREVALENCE != one.algorithm
    if not is_model_beside_none or not rows or len(other.out_of_fold) != rows:
        return bool(gain > scale.asked * error), said
    better, both, its_error = beats_prevalence(
        (other.loss, other.out_of_fold),
        (one.loss, one.out_of_fold),
        group=scale.customers,
        candidates=scale.candidates,
    )
    whose = None if scale.customers is None else scale.customers[len(one.loss) :]
    earlier, earlier_error = paired_gain(other.out_of_fold, one.out_of_fold, whose)
    return better, (
        f"{said}, out of fold {_differs(earlier)} on {rows} training rows (standard error "
        f"{earlier_error:.4f}), together {_differs(both)} (standard error {its_error:.4f}, "
        f"{scale.asked:.2f} are asked)"
    )


def _differs(gain: float) -> str:
    return f"{abs(gain):.4f} {'less' if gain >= 0 else 'more'}"


def _standing(
    challenger: Contender,
    best: Contender,
    able: Sequence[Contender],
    against: str,
    recency: Contender | None,
) -> str:
    """How the challenger came to be the challenger."""
    if challenger is not best:
        return f"no model beats the prevalence beyond noise: {best.algorithm} has {against}"
    lowest = min(able, key=lambda contender: contender.mean)
    if lowest is best:
        why = f"the lowest of {len(able)} candidates" if len(able) > 1 else "the only candidate"
    else:
        why = f"the simplest within one standard error of {lowest.algorithm} ({lowest.mean:.4f})"
    alone = f"; recency alone {recency.mean:.4f}" if recency is not None else ""
    return f"{why}, {against}{alone}"

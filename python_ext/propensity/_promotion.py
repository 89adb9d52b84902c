"""Which model gives the scores: the champion, or a challenger that is better beyond noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.stats import norm

# Chance that the best of the candidates is taken for better when none is.
CHANCE = 0.05


@dataclass(frozen=True)
class Contender:
    """A model, and its log loss of each row of the test cutoff, in the order of all others'."""

    model_id: str
    algorithm: str
    loss: np.ndarray

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


def paired_gain(other: np.ndarray, own: np.ndarray) -> tuple[float, float]:
    """How much less the own log loss is on the same rows, and the standard error of that.

    Rows are customers at one cutoff, and so independent of each other.
    """
    difference = other - own
    if len(difference) < 2:
        return float("nan"), float("nan")
    return float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(len(difference)))


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
) -> Verdict:
    """Promote or refuse, by log loss on the same out-of-time rows.

    The best candidate is the simplest within one standard error of the lowest log loss. It is a
    challenger only where it beats the prevalence beyond noise; otherwise the prevalence is. A
    champion gives way only to a challenger that is better beyond noise. As the challenger is the
    best of k on these very rows, noise is a one-sided test at ``CHANCE`` / k (Bonferroni).

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
    """
    withdrawn = withdrawn or {}
    able = [c for c in candidates if c.model_id not in withdrawn]
    if incumbent is not None:
        able = [c for c in able if c.model_id != incumbent.model_id]
    surely = float(norm.isf(CHANCE / max(len(able), 1)))
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
    beats, against = _is_better(best, prevalence, surely, "the prevalence")
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
    better, compared = _is_better(challenger, incumbent, surely, f"champion {incumbent.model_id}")
    k = f", the best of {len(able)}" if challenger is best and len(able) > 1 else ""
    asked = f"{surely:.2f} standard errors are asked{k}"
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


def _is_better(
    one: Contender | None, other: Contender, surely: float, name: str
) -> tuple[bool, str]:
    """Whether a model is better beyond noise, and the comparison in words."""
    if one is None:
        return False, ""
    gain, error = paired_gain(other.loss, one.loss)
    said = (
        f"{_loss(one)} on {len(one.loss)} test rows, {abs(gain):.4f} "
        f"{'less' if gain >= 0 else 'more'} than {name} (standard error {error:.4f})"
    )
    return bool(gain > surely * error), said


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

"""Search for the setting of an algorithm by successive halving over grouped folds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from python_ext.propensity import _metrics
from python_ext.propensity._binned import Bins
from python_ext.propensity._candidates import (
    CATALOGUE,
    TRIAL_TREES,
    Settings,
    draw_settings,
    find_bins,
    fit_at_lengths,
)

REDUCTION = 3
LEAST_ROWS = 1500  # a rung with fewer would choose by chance
LEAST_CLASS_ROWS = 100


@dataclass(frozen=True)
class SearchBudget:
    """How much may be tried. Settings and rows decide; seconds are a guard alone.

    Attributes
    ----------
    settings
        Tried per algorithm: the default and others drawn at random.
    rows
        Rows the search looks at, those of customers drawn by hash; the winner is then fitted
        across folds, and at last, on all rows.
    capped_rows
        Rows a random forest or a neural network is fitted on at most; a logistic regression or a
        decision tree on three times as many.
    max_seconds
        After which no further setting is tried. What was cut short says ``FittedCandidate.note``.
    """

    settings: int = 5
    rows: int = 20000
    capped_rows: int = 20000
    max_seconds: float = 1800.0


class Guard:
    """Tells when the seconds are used up."""

    def __init__(self, max_seconds: float) -> None:
        self.max_seconds = max_seconds
        self._end = time.monotonic() + max_seconds

    @property
    def is_up(self) -> bool:
        return time.monotonic() >= self._end


@dataclass(frozen=True)
class SearchFold:
    """One fold of the rows the search looks at.

    ``rank`` values are places in the drawing order of customers, see ``group_ranks``, scaled so
    that all rows of the search lie below 1.
    """

    values: np.ndarray
    label: np.ndarray
    rank: np.ndarray
    unseen: np.ndarray
    unseen_label: np.ndarray
    unseen_rank: np.ndarray
    outside: np.ndarray


@dataclass(frozen=True)
class Search:
    """What was found.

    Attributes
    ----------
    settings
        The best ones, the length included.
    tried
        Every setting with rung, share of customers, rows judged and log loss, in order.
    judged, predicted
        Positions and out-of-fold probabilities of the best setting at the last rung.
    note
        What the guard cut short; empty if nothing.
    """

    settings: Settings
    tried: list[dict[str, Any]]
    judged: np.ndarray
    predicted: np.ndarray
    note: str = field(default="")


def rungs(count: int, *, rows: int, fewest_of_class: int) -> list[tuple[float, int]]:
    """Share of the customers and number of settings of each rung, the last with all customers.

    Each rung keeps a third of the settings for three times the customers. Rungs that would see
    too few rows to tell settings apart are left out.
    """
    steps = int(np.log(max(count, 1)) / np.log(REDUCTION) + 1e-9)
    plan: list[tuple[float, int]] = []
    for step in range(steps + 1):
        share = float(REDUCTION) ** (step - steps)
        enough = rows * share >= LEAST_ROWS and fewest_of_class * share >= LEAST_CLASS_ROWS
        if step == steps or enough:
            plan.append((share, max(1, plan[-1][1] // REDUCTION) if plan else count))
    return plan


def halve(
    algorithm: str,
    folds: Sequence[SearchFold],
    *,
    budget: SearchBudget,
    seed: int,
    guard: Guard,
) -> Search:
    """Try settings on few customers, the best third of them on three times as many, and so on.

    Jamieson and Talwalkar 2016, with customers as the resource. A setting is judged by the log
    loss of its out-of-fold probabilities; of several lengths of one fit the best counts.
    """
    known = CATALOGUE[algorithm]
    label = np.concatenate([fold.unseen_label for fold in folds])
    fewest = int(min(label.sum(), (~label).sum()))
    alive = draw_settings(algorithm, count=budget.settings, seed=seed)
    tried: list[dict[str, Any]] = []
    note, best = "", None
    for rung, (share, places) in enumerate(
        rungs(len(alive), rows=len(label), fewest_of_class=fewest)
    ):
        results = []
        # All settings of a rung see the same rows.
        bins = (
            [find_bins(fold.values[fold.rank < share]) for fold in folds]
            if algorithm == "gradient_boosting"
            else None
        )
        for settings in alive[:places]:
            if guard.is_up and (results or best):
                note = (
                    f"the guard of {guard.max_seconds:g} seconds stopped the search of {algorithm} "
                    f"after {len(tried)} trials"
                )
                break
            loss, length, judged, predicted = _judge(
                algorithm, settings, folds, share=share, seed=seed, bins=bins
            )
            full = {**settings, known.length_name: length} if known.lengths else settings
            tried.append(
                {
                    "rung": rung,
                    "share_of_customers": round(share, 6),
                    "rows": len(judged),
                    "settings": full,
                    "log_loss": loss,
                }
            )
            results.append((loss, len(results), settings, full, judged, predicted))
        if results:
            results.sort(key=lambda result: result[:2])
            best, alive = results[0], [result[2] for result in results]
        if note:
            break
    return Search(best[3], tried, best[4], best[5], note)


def _judge(
    algorithm: str,
    settings: Settings,
    folds: Sequence[SearchFold],
    *,
    share: float,
    seed: int,
    bins: Sequence[Bins] | None = None,
) -> tuple[float, int, np.ndarray, np.ndarray]:
    """Log loss, best length, rows judged and their out-of-fold probabilities."""
    found: dict[int, list[np.ndarray]] = {}
    labels, judged = [], []
    is_trial = algorithm == "random_forest" and share < 1
    leaner = {**settings, "trees": TRIAL_TREES} if is_trial else settings
    for number, fold in enumerate(folds):
        inside, outside = fold.rank < share, fold.unseen_rank < share
        stages = fit_at_lengths(
            algorithm,
            leaner,
            fold.values[inside],
            fold.label[inside],
            fold.unseen[outside],
            seed=seed,
            is_trial=share < 1,
            bins=None if bins is None else bins[number],
        )
        for length, probability in stages.items():
            found.setdefault(length, []).append(probability)
        labels.append(fold.unseen_label[outside])
        judged.append(fold.outside[outside])
    label = np.concatenate(labels)
    loss = {
        length: float(_metrics.row_log_loss(label, np.concatenate(parts)).mean())
        for length, parts in found.items()
    }
    length = min(loss, key=lambda n: (loss[n], n))
    return loss[length], length, np.concatenate(judged), np.concatenate(found[length])

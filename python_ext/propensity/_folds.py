"""Folds and draws that never divide a customer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from python_ext.propensity._leakage import LeakageError

FOLDS = 3

Folds = list[tuple[np.ndarray, np.ndarray]]


def grouped_folds(
    label: np.ndarray, group: np.ndarray, *, folds: int = FOLDS, seed: int = 0
) -> Folds:
    """Folds that never divide a group and hold about the same share of positive labels.

    Groups are dealt out in turn, those with most positive rows first, at random among equals.

    Parameters
    ----------
    label, group
        Of each row.

    Returns
    -------
    list of tuple of numpy.ndarray
        Positions inside and outside of each fold's training part.
    """
    code, names = pd.factorize(group, sort=True)
    positives = np.bincount(code, weights=label, minlength=len(names))
    shuffle = np.random.default_rng(seed).permutation(len(names))
    order = np.lexsort((shuffle, np.bincount(code, minlength=len(names)), -positives))
    fold_of_group = np.empty(len(names), dtype=int)
    fold_of_group[order] = np.arange(len(names)) % folds
    fold = fold_of_group[code]
    return [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(folds)]


def fold_numbers(folds: Folds, rows: int) -> np.ndarray:
    """Fold of each row."""
    fold = np.full(rows, -1)
    for number, (_, outside) in enumerate(folds):
        fold[outside] = number
    return fold


def check_folds(folds: Folds, group: np.ndarray) -> None:
    """Refuse folds in which a group stands on both sides, or a row on none.

    Raises
    ------
    LeakageError
        If a group is divided or a row has no fold or several.
    """
    code = pd.factorize(group)[0]
    for number, (inside, outside) in enumerate(folds):
        shared = np.intersect1d(code[inside], code[outside])
        if len(shared):
            raise LeakageError(
                f"fold {number} divides {len(shared)} groups: their rows stand in its training "
                "part and in the part it is judged on. Make the folds with grouped_folds."
            )
    judged = np.bincount(np.concatenate([outside for _, outside in folds]), minlength=len(code))
    if (judged != 1).any():
        raise LeakageError(
            f"{int((judged != 1).sum())} rows are judged by no fold, or by several. "
            "Make the folds with grouped_folds."
        )


def group_ranks(group: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Place of each row's group in a drawing order fixed by the hash of its name, 0 to below 1.

    Rows with a rank below 0.1 are those of a tenth of the groups: the same tenth on every
    machine, and part of every larger draw.
    """
    code, names = pd.factorize(np.asarray(group).astype(str), sort=True)
    salted = np.array([f"{seed}:{name}" for name in names], dtype=object)
    place = np.argsort(np.argsort(pd.util.hash_array(salted, categorize=False), kind="stable"))
    return (place / max(len(names), 1))[code]

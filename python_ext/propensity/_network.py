"""Training of a small neural network: what ``MLPClassifier.partial_fit`` does, without its detours.

That one checks and encodes all labels anew in every epoch, for small networks half of the time.
The fitted object is scikit-learn's own, so that scoring, explaining and storing know it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from sklearn.neural_network import MLPClassifier

DECAY, SQUARE_DECAY, LEAST = 0.9, 0.999, 1e-8  # of Adam, as published


def train_network(
    model: MLPClassifier, values: np.ndarray, label: np.ndarray, *, epochs: int, seed: int
) -> Iterator[tuple[int, MLPClassifier]]:
    """Train by Adam (Kingma and Ba 2015) and give the model after each epoch.

    Parameters
    ----------
    model
        Not fitted, of hidden layers of rectified linear units. It is trained in place.
    values, label
        Training rows, scaled, and what happened.
    epochs
        Times that all rows are seen, each time in another order.
    seed
        Of the first weights and of the orders.
    """
    rng = np.random.default_rng(seed)
    with warnings.catch_warnings():
        # Makes the object complete; its weights are replaced at once. Two rows are no full batch.
        warnings.simplefilter("ignore", UserWarning)
        model.partial_fit(values[:2], label[:2], classes=np.array([False, True]))
    sizes = [values.shape[1], *model.hidden_layer_sizes, 1]
    bounds = [np.sqrt(6 / (a + b)) for a, b in zip(sizes, sizes[1:], strict=False)]
    layers = list(zip(sizes, sizes[1:], bounds, strict=False))
    model.coefs_ = [rng.uniform(-c, c, (a, b)) for a, b, c in layers]
    model.intercepts_ = [rng.uniform(-c, c, b) for _, b, c in layers]
    step = _Adam([*model.coefs_, *model.intercepts_], model.learning_rate_init)
    happened = np.asarray(label, dtype=float)[:, None]
    size = min(model.batch_size, len(values))
    for epoch in range(1, epochs + 1):
        order = rng.permutation(len(values))
        shuffled, outcome = values[order], happened[order]
        for start in range(0, len(values), size):
            step.take(_slopes(model, shuffled[start : start + size], outcome[start : start + size]))
        yield epoch, model


def _slopes(model: MLPClassifier, values: np.ndarray, outcome: np.ndarray) -> list[np.ndarray]:
    """Slopes of the mean log loss with its penalty, weights first, then intercepts."""
    seen = [values]
    for weights, shift in zip(model.coefs_[:-1], model.intercepts_[:-1], strict=True):
        seen.append(np.maximum(seen[-1] @ weights + shift, 0.0))
    odds = seen[-1] @ model.coefs_[-1] + model.intercepts_[-1]
    error = (1 / (1 + np.exp(-np.clip(odds, -500, 500))) - outcome) / len(values)
    of_weights, of_shifts = [], []
    for layer in range(len(model.coefs_) - 1, -1, -1):
        weights = model.coefs_[layer]
        of_weights.append(seen[layer].T @ error + model.alpha / len(values) * weights)
        of_shifts.append(error.sum(axis=0))
        if layer:
            error = (error @ weights.T) * (seen[layer] > 0)
    return [*of_weights[::-1], *of_shifts[::-1]]


class _Adam:
    """Steps of a list of arrays, changed in place."""

    def __init__(self, arrays: list[np.ndarray], rate: float) -> None:
        self._arrays, self._rate, self._steps = arrays, rate, 0
        self._mean = [np.zeros_like(a) for a in arrays]
        self._square = [np.zeros_like(a) for a in arrays]

    def take(self, slopes: list[np.ndarray]) -> None:
        self._steps += 1
        rate = self._rate * np.sqrt(1 - SQUARE_DECAY**self._steps) / (1 - DECAY**self._steps)
        for array, mean, square, slope in zip(
            self._arrays, self._mean, self._square, slopes, strict=True
        ):
            mean *= DECAY
            mean += (1 - DECAY) * slope
            square *= SQUARE_DECAY
            square += (1 - SQUARE_DECAY) * slope * slope
            array -= rate * mean / (np.sqrt(square) + LEAST)

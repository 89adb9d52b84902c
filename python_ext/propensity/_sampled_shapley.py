"""Sampled Shapley values of a small neural network against one reference row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import expit
from sklearn.neural_network import MLPClassifier

PAIRS = 2
BLOCK_ROWS = 1024  # every block has as many rows, so that no sum depends on a batch


class NetworkExplainer:
    """Shapley values of a network's output, averaged over permutations of the players.

    The columns of one player after the other change from the reference to the row; the change of
    the output is what it gets. Over a whole permutation the changes add up to the difference,
    whatever the permutation, so every sample adds up and so does the mean. Permutations come in
    pairs, one and its reverse (Mitchell et al. 2022): of an interaction of two players a pair gives
    each exactly its half, and only interactions of three and more are left to chance. They are the
    same for every row, drawn once by the seed.

    Parameters
    ----------
    estimator
        Fitted, with two classes.
    players
        Player of each column, counted from 0.
    reference
        The row that is compared with.
    pairs
        Pairs of permutations.
    seed
        Of the permutations.
    """

    def __init__(
        self,
        estimator: MLPClassifier,
        *,
        players: np.ndarray,
        reference: np.ndarray,
        pairs: int = PAIRS,
        seed: int = 0,
    ) -> None:
        self._weights, self._biases = estimator.coefs_, estimator.intercepts_
        self._activation = estimator.activation
        self._reference = reference
        count = int(players.max()) + 1
        self._columns = [np.flatnonzero(players == player) for player in range(count)]
        rng = np.random.default_rng(seed)
        # A player without columns changes nothing.
        playing = np.flatnonzero([len(columns) for columns in self._columns])
        drawn = [rng.permutation(playing) for _ in range(pairs)]
        self._orders = [order for one in drawn for order in (one, one[::-1])]
        self._start = np.repeat(
            (reference @ self._weights[0] + self._biases[0])[None, :], BLOCK_ROWS, axis=0
        )
        self.base = float(self._rest(self._start)[0])

    def _rest(self, first: np.ndarray) -> np.ndarray:
        """Output from the sums that the first layer makes."""
        values = first
        for weights, bias in zip(self._weights[1:], self._biases[1:], strict=True):
            values = self._activate(values) @ weights + bias
        return values[..., 0]

    def _activate(self, values: np.ndarray) -> np.ndarray:
        if self._activation == "relu":
            return np.maximum(values, 0.0)
        if self._activation == "tanh":
            return np.tanh(values)
        return expit(values) if self._activation == "logistic" else values

    def _blocks(self, values: np.ndarray) -> Iterator[tuple[slice, int, np.ndarray]]:
        """Blocks of equal length, the last one filled up, with where they belong."""
        for start in range(0, len(values), BLOCK_ROWS):
            block = values[start : start + BLOCK_ROWS]
            rows = len(block)
            if rows < BLOCK_ROWS:
                filler = np.broadcast_to(self._reference, (BLOCK_ROWS - rows, values.shape[1]))
                block = np.vstack([block, filler])
            yield slice(start, start + rows), rows, block

    def output(self, values: np.ndarray) -> np.ndarray:
        """The network's output before the logistic function: log-odds."""
        found = np.empty(len(values))
        for place, rows, block in self._blocks(values):
            found[place] = self._rest(block @ self._weights[0] + self._biases[0])[:rows]
        return found

    def effects(self, values: np.ndarray) -> np.ndarray:
        """Effect of each player on each row, shape (rows, players)."""
        found = np.zeros((len(values), len(self._columns)))
        for place, rows, block in self._blocks(values):
            away = block - self._reference
            sums = np.zeros((len(self._columns), BLOCK_ROWS))
            for order in self._orders:
                first = self._start.copy()
                before = np.full(BLOCK_ROWS, self.base)
                for player in order:
                    columns = self._columns[player]
                    first += away[:, columns] @ self._weights[0][columns]
                    after = self._rest(first)
                    sums[player] += after - before
                    before = after
            found[place] = sums.T[:rows] / len(self._orders)
        return found

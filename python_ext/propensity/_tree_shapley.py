"""Exact Shapley values of sums of trees against one reference row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np

from python_ext.errors import SegmentationError

MAX_TESTS = 11  # tests whose outcomes index a table: 2 to the power of it rows
BLOCK_ROWS = 32768  # rows that the trees pass over at a time


@dataclass(frozen=True)
class Tree:
    """One tree as arrays over its nodes; node 0 is the root, ``left`` of a leaf is -1.

    Attributes
    ----------
    column, threshold
        A row goes left where its value in the column is at most the threshold.
    missing_left
        Where an unknown value goes.
    left, right
        The children.
    value
        What a leaf adds to the output.
    single
        Whether values are rounded to single precision before they are compared, as scikit-learn's
        ``tree`` module does.
    """

    column: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    single: bool


def read_tree(tree: Any, leaf_value: Callable[[np.ndarray], np.ndarray]) -> Tree:
    """A fitted ``sklearn.tree`` classifier's tree.

    Parameters
    ----------
    tree
        Its ``tree_``.
    leaf_value
        From the share of positive rows of each node to what it adds.
    """
    counts = tree.value[:, 0, :]
    share = counts[:, -1] / counts.sum(axis=1) if counts.shape[1] > 1 else np.ones(len(counts))
    return Tree(
        column=tree.feature,
        threshold=tree.threshold,
        missing_left=tree.missing_go_to_left.astype(bool),
        left=tree.children_left,
        right=tree.children_right,
        value=leaf_value(share),
        single=True,
    )


def read_boosted_tree(predictor: Any) -> Tree:
    """A tree of scikit-learn's histogram gradient boosting.

    Raises
    ------
    SegmentationError
        If it splits on levels of a category: features are encoded before they get there.
    """
    nodes = predictor.nodes
    if nodes["is_categorical"].any():
        raise SegmentationError(
            "a boosted tree splits on levels of a category, which cannot be explained. Encode the "
            "category as numbers before the boosting."
        )
    leaf = nodes["is_leaf"].astype(bool)
    return Tree(
        column=nodes["feature_idx"].astype(int),
        threshold=nodes["num_threshold"],
        missing_left=nodes["missing_go_to_left"].astype(bool),
        left=np.where(leaf, -1, nodes["left"].astype(int)),
        right=np.where(leaf, -1, nodes["right"].astype(int)),
        value=nodes["value"],
        single=False,
    )


def _goes_left(tree: Tree, node: int, values: np.ndarray) -> np.ndarray:
    """Whether each value of the node's column goes left; NaN is neither above nor below."""
    if tree.missing_left[node]:
        return ~(values > tree.threshold[node])
    return values <= tree.threshold[node]


# A leaf lies behind conditions, each a node and whether one must go left there.
Path = tuple[tuple[int, bool], ...]


@dataclass(frozen=True)
class _Piece:
    """Leaves of a tree that are counted together.

    Attributes
    ----------
    needed
        Conditions without which no leaf is in reach: those of players for whom the reference
        leaves the way to the piece.
    tests
        All other tests on the way to the leaves, whose outcomes index a table.
    leaves
        Each with its whole path.
    """

    needed: Path
    tests: tuple[int, ...]
    leaves: tuple[tuple[int, Path], ...]


def _pieces(
    tree: Tree,
    players: np.ndarray,
    reference_left: dict[int, bool],
    node: int = 0,
    path: Path = (),
) -> list[_Piece]:
    """The tree cut into parts of at most ``MAX_TESTS`` tests; a deeper leaf is a part alone."""
    leaves, inner = [], []
    stack = [(node, path)]
    while stack:
        place, way = stack.pop()
        if tree.left[place] < 0:
            leaves.append((place, way))
        else:
            inner.append(place)
            stack.append((int(tree.right[place]), (*way, (place, False))))
            stack.append((int(tree.left[place]), (*way, (place, True))))
    joining = {
        int(players[tree.column[test]]) for test, side in path if reference_left[test] != side
    }
    needed = tuple(step for step in path if int(players[tree.column[step[0]]]) in joining)
    open_tests = [step[0] for step in path if step not in needed]
    tests = (*open_tests, *inner)
    if len(tests) <= MAX_TESTS or not inner:
        return [_Piece(needed, tests, tuple(leaves))]
    left, right = int(tree.left[node]), int(tree.right[node])
    return [
        *_pieces(tree, players, reference_left, left, (*path, (node, True))),
        *_pieces(tree, players, reference_left, right, (*path, (node, False))),
    ]


def _by_player(path: Path, tree: Tree, players: np.ndarray) -> dict[int, list[tuple[int, bool]]]:
    """The conditions of a path by the player whose column they look at."""
    grouped: dict[int, list[tuple[int, bool]]] = {}
    for node, left in path:
        grouped.setdefault(int(players[tree.column[node]]), []).append((node, left))
    return grouped


def _passed(conditions: list[tuple[int, bool]], left: dict[int, np.ndarray]) -> np.ndarray:
    """Rows that meet all of the conditions, given which rows go left at each node."""
    met = None
    for node, wanted in conditions:
        one = left[node] if wanted else ~left[node]
        met = one if met is None else met & one
    return met


def _weights(players: int) -> tuple[np.ndarray, np.ndarray]:
    """Shapley weights of a leaf that needs p players of the row and n of the reference.

    The game pays 1 where all p have joined and none of the n. Each of the p gets
    (p - 1)! n! / (p + n)!, each of the n minus p! (n - 1)! / (p + n)!.
    """
    gain = np.zeros((players + 1, players + 1))
    loss = np.zeros((players + 1, players + 1))
    for p in range(players + 1):
        for n in range(players + 1 - p):
            if p:
                gain[p, n] = factorial(p - 1) * factorial(n) / factorial(p + n)
            if n:
                loss[p, n] = factorial(p) * factorial(n - 1) / factorial(p + n)
    return gain, loss


def _add_leaf(
    effects: dict[int, np.ndarray],
    value: float,
    conditions: dict[int, list[tuple[int, bool]]],
    left: dict[int, np.ndarray],
    reference_left: dict[int, bool],
) -> None:
    """Add what one leaf gives to each player.

    Players whose conditions the row meets and the reference does not must join (p, the same for
    every row, or the leaf is out of reach); those where it is the other way round must not (n).
    """
    joining, leaving = [], []
    for player, wanted in conditions.items():
        by_reference = all(reference_left[node] == side for node, side in wanted)
        (leaving if by_reference else joining).append(player)
    passed = {player: _passed(wanted, left) for player, wanted in conditions.items()}
    rows = len(next(iter(passed.values())))
    reached = np.ones(rows, dtype=bool)
    for player in joining:
        reached &= passed[player]
    absent = np.zeros(rows, dtype=np.intp)
    for player in leaving:
        absent += ~passed[player]
    gain, loss = _weights(len(conditions))
    # Out of reach: nothing, whoever joins.
    gained = np.where(reached, gain[len(joining)][absent], 0.0) * value
    lost = np.where(reached, loss[len(joining)][absent], 0.0) * value
    for player in joining:
        effects[player] += gained
    for player in leaving:
        effects[player] -= np.where(passed[player], 0.0, lost)


class TreeExplainer:
    """Shapley values of a sum of trees for the game against one reference row.

    A coalition of players takes its columns from the row and all others from the reference; its
    worth is the output of the trees (interventional Shapley values against a single reference:
    Lundberg et al. 2020, algorithm 3). Per leaf the value has a closed form in the number of
    players by which the row reaches it and the reference does not, and the reverse. The outcomes
    of a few tests decide both, so the values of all outcomes stand in a table, made once.

    Parameters
    ----------
    trees
        Whose leaf values add up to the output.
    offset
        Added to the sum.
    players
        Player of each column, counted from 0.
    reference
        The row that is compared with.
    """

    def __init__(
        self, trees: Sequence[Tree], *, offset: float, players: np.ndarray, reference: np.ndarray
    ) -> None:
        self.players = int(players.max()) + 1 if len(players) else 0
        self.base = offset
        self._plans = []
        for tree in trees:
            inner = np.flatnonzero(tree.left >= 0)
            row = reference.astype(np.float32) if tree.single else reference
            at = {int(n): bool(_goes_left(tree, n, row[tree.column[n]])) for n in inner}
            node = 0
            while tree.left[node] >= 0:
                node = int(tree.left[node] if at[node] else tree.right[node])
            self.base += float(tree.value[node])
            if not len(inner):
                continue
            pieces = [_compile(p, tree, players, at) for p in _pieces(tree, players, at)]
            self._plans.append((tree, [int(n) for n in inner], pieces, at))
        self._players = players

    def effects(self, values: np.ndarray) -> np.ndarray:
        """Effect of each player on each row, shape (rows, players).

        Parameters
        ----------
        values
            Encoded rows; NaN is an unknown value.
        """
        found = np.zeros((self.players, len(values)))
        for start in range(0, len(values), BLOCK_ROWS):
            self._explain_block(
                np.ascontiguousarray(values[start : start + BLOCK_ROWS].T),
                found[:, start : start + BLOCK_ROWS],
            )
        return found.T

    def _explain_block(self, columns: np.ndarray, found: np.ndarray) -> None:
        single = columns.astype(np.float32)
        for tree, inner, pieces, reference_left in self._plans:
            source = single if tree.single else columns
            left = {node: _goes_left(tree, node, source[tree.column[node]]) for node in inner}
            for piece, table in pieces:
                if table is None:
                    (leaf, path) = piece.leaves[0]
                    conditions = _by_player(path, tree, self._players)
                    added = {player: found[player] for player in conditions}
                    _add_leaf(added, float(tree.value[leaf]), conditions, left, reference_left)
                elif table and not piece.needed:
                    code = _code([left[node] for node in piece.tests], columns.shape[1])
                    for player, column in table:
                        found[player] += column.take(code, mode="clip")
                elif table:
                    rows = np.flatnonzero(_passed(list(piece.needed), left))
                    code = _code([left[node][rows] for node in piece.tests], len(rows))
                    for player, column in table:
                        found[player][rows] += column.take(code, mode="clip")


def _code(outcomes: list[np.ndarray], rows: int) -> np.ndarray:
    """Each row's outcomes of the tests as one number, the first test in the lowest bit."""
    code = np.zeros(rows, dtype=np.uint16)
    for place, outcome in enumerate(outcomes):
        code |= outcome.astype(np.uint16) << np.uint16(place)
    return code.astype(np.intp)


def _compile(
    piece: _Piece, tree: Tree, players: np.ndarray, reference_left: dict[int, bool]
) -> tuple[_Piece, list[tuple[int, np.ndarray]] | None]:
    """The table of a piece: per player its effect for every outcome of the tests.

    None where there are too many tests for one.
    """
    if len(piece.tests) > MAX_TESTS:
        return piece, None
    codes = np.arange(2 ** len(piece.tests), dtype=np.intp)
    left = {node: (codes >> place) & 1 == 1 for place, node in enumerate(piece.tests)}
    left |= {node: np.full(len(codes), side) for node, side in piece.needed}
    effects: dict[int, np.ndarray] = {}
    for leaf, path in piece.leaves:
        conditions = _by_player(path, tree, players)
        for player in conditions:
            effects.setdefault(player, np.zeros(len(codes)))
        _add_leaf(effects, float(tree.value[leaf]), conditions, left, reference_left)
    return piece, [(player, column) for player, column in effects.items() if column.any()]

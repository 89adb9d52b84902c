"""The dendrogram of a nested segmentation: merges, heights, and where to draw each node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Node:
    """One node while the tree is being built; ``customers`` are those it was fitted on."""

    level: str
    centroid: np.ndarray
    customers: int
    height: float = 0.0
    children: list[Node] = field(default_factory=list)
    index: dict[str, int] = field(default_factory=dict)
    is_cut: bool = False
    reason: str = ""


def join(nodes: Sequence[Node], top: Node, *, total: int) -> Node:
    """Put ``nodes`` under ``top`` by Ward's merges, the closest two first.

    The height of a merge is Ward's distance with customers as shares of ``total``, so that it
    does not grow with the number of customers: sqrt(2 a b / (a + b)) · ‖c_a − c_b‖. On these
    weighted centroids it gives the merges that Ward gives on all their customers. A height that
    would lie under one of its branches' (the segments are not Ward's own) is raised to it.

    Parameters
    ----------
    nodes
        At least one.
    top
        Stands for all of them together; gets children and height.
    total
        Customers of the whole tree.
    """
    open_nodes = list(nodes)
    while len(open_nodes) > 1:
        pairs = [
            (_distance(a, b, total), i, j)
            for i, a in enumerate(open_nodes)
            for j, b in enumerate(open_nodes[:i])
        ]
        distance, i, j = min(pairs)
        left, right = open_nodes[j], open_nodes[i]
        customers = left.customers + right.customers
        share = left.customers / customers if customers else 0.5
        merged = Node(
            level="branch",
            centroid=share * left.centroid + (1 - share) * right.centroid,
            customers=customers,
            height=max(distance, left.height, right.height),
            children=sorted([left, right], key=lambda node: -node.customers),
            index=dict(top.index),
        )
        open_nodes = [n for m, n in enumerate(open_nodes) if m not in (i, j)] + [merged]
    (last,) = open_nodes
    # The last merge is the whole group itself; a single part hangs under it as its only child.
    top.children = last.children if len(nodes) > 1 else [last]
    top.height = last.height
    return top


def _distance(a: Node, b: Node, total: int) -> float:
    together = a.customers + b.customers
    weight = 2 * a.customers * b.customers / together / total if together else 0.0
    return float(np.sqrt(weight) * np.linalg.norm(a.centroid - b.centroid))


def lay_out(root: Node) -> list[dict[str, Any]]:
    """Number the nodes from the top (1), and give each the place where it is drawn.

    Leaves stand at x = 1, 2, 3, … in the order of the tree, a node amid its outermost children;
    y is the height, 0 for a leaf. A line from (x, y) up to (x, y of the parent) and then across
    to the x of the parent draws the tree.
    """
    rows: list[dict[str, Any]] = []
    leaves = 0

    def visit(node: Node, parent: int | None) -> float:
        nonlocal leaves
        number = len(rows) + 1
        row = {
            "node_id": number,
            "parent_node_id": parent,
            "level": node.level,
            "height": round(node.height, 9),
            "index": dict(node.index),
            "customers": int(node.customers),
            "is_cut": node.is_cut,
            "reason": node.reason or None,
        }
        rows.append(row)
        places = [visit(child, number) for child in node.children]
        if not places:
            leaves += 1
        row["x"] = (places[0] + places[-1]) / 2 if places else float(leaves)
        row["y"] = row["height"]
        return row["x"]

    visit(root, None)
    return rows

"""The dendrograms of all views as one table."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from python_ext.clustering._dendrogram import Node, join, lay_out
from python_ext.clustering._model import SegmentModel
from python_ext.clustering._nesting import NODE_COLUMNS
from python_ext.frames import Schema

TREE_SCHEMA = Schema(
    {
        "view": "string",
        "node_id": "bigint",
        "parent_node_id": "bigint",
        "level": "string",
        "segment_id": "bigint",
        "sub_segment_id": "bigint",
        "micro_segment_id": "bigint",
        "height": "double",
        "customers": "bigint",
        "x": "double",
        "y": "double",
        "is_cut": "boolean",
        "reason": "string",
    },
    key=("view", "node_id"),
)


def tabulate_trees(
    models: Mapping[str, SegmentModel], fitted_rows: Mapping[str, int]
) -> pd.DataFrame:
    """One row per view and node of its dendrogram.

    A view without lower levels has the upper part alone: its segments, joined by Ward. RFM
    segments, which stand in where nothing was found, come from a rule and have no tree.

    Parameters
    ----------
    models
        View → the model that holds today.
    fitted_rows
        Model id → customers it was fitted on.

    Returns
    -------
    pandas.DataFrame
        Columns of ``TREE_SCHEMA``; those beside ``view`` as in ``Nesting.nodes``.
    """
    parts = [pd.DataFrame(columns=list(TREE_SCHEMA))]
    for view, model in sorted(models.items()):
        if model.is_fallback:
            continue
        if model.nesting is not None:
            nodes = model.nesting.nodes(model.ids)
        else:
            nodes = _segments_alone(model, int(fitted_rows.get(model.model_id, 0)))
        parts.append(nodes.assign(view=view))
    return pd.concat([part for part in parts if len(part)] or parts)[list(TREE_SCHEMA)]


def _segments_alone(model: SegmentModel, total: int) -> pd.DataFrame:
    segments = [
        Node("segment", centre, round(share * total), index={"segment": i}, is_cut=model.k > 1)
        for i, (centre, share) in enumerate(zip(model.centroids, model.shares, strict=True))
    ]
    middle = (model.centroids * model.shares[:, None]).sum(axis=0)
    root = Node("all", middle, total, reason=f"{model.k} segments were chosen")
    rows = []
    for node in lay_out(join(segments, root, total=max(total, 1))):
        index = node.pop("index")
        rows.append({**node, "segment_id": model.ids[index["segment"]] if index else None})
    frame = pd.DataFrame(rows, columns=list(NODE_COLUMNS))
    ids = ["parent_node_id", "segment_id", "sub_segment_id", "micro_segment_id"]
    return frame.astype(dict.fromkeys(ids, "Int64"))

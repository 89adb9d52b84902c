"""Tables of two builds side by side: one in a DuckDB file, one in the Parquet files of Spark."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

RELATIVE, ABSOLUTE = 1e-6, 1e-9
KEY_TESTS = {"unique": "column_name", "unique_combination": "columns"}


def keyed_tables(manifest: Path, *schemas: str) -> dict[str, list[str]]:
    """Every model of these schemas, as `schema.name`, with the key that its tests say is unique."""
    nodes = json.loads(manifest.read_text())["nodes"]
    found = {
        name: f"{node['schema']}.{node['name']}"
        for name, node in nodes.items()
        if node["resource_type"] == "model" and node["schema"] in schemas
    }
    keys: dict[str, list[str]] = {}
    for node in nodes.values():
        test = node.get("test_metadata") or {}
        if node.get("attached_node") in found and test.get("name") in KEY_TESTS:
            key = test["kwargs"][KEY_TESTS[test["name"]]]
            keys.setdefault(found[node["attached_node"]], [key] if isinstance(key, str) else key)
    return dict(sorted(keys.items()))


def _as_text(values: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(values):
        values = values.dt.strftime("%Y-%m-%d %H:%M:%S.%f").str.removesuffix(" 00:00:00.000000")
    return values.astype(object).where(values.notna(), "∅").astype(str)


def differences(left: pd.Series, right: pd.Series) -> tuple[np.ndarray, float]:
    """Which cells differ between two columns in the same order, and the largest relative gap."""
    if pd.api.types.is_bool_dtype(left) or not pd.api.types.is_numeric_dtype(left):
        return _as_text(left).to_numpy() != _as_text(right).to_numpy(), 0.0
    a, b = (side.to_numpy(float, na_value=np.nan) for side in (left, right))
    gap, size = np.abs(a - b), np.maximum(np.abs(a), np.abs(b))
    both_null = np.isnan(a) & np.isnan(b)
    is_close = both_null | (gap <= ABSOLUTE + RELATIVE * size)
    relative = np.where(both_null | (gap <= ABSOLUTE), 0, gap / np.where(size > 0, size, 1))
    return ~is_close, float(np.nanmax(relative, initial=0))


def compare(name: str, key: list[str], left: pd.DataFrame, right: pd.DataFrame) -> dict:
    """Rows of a table on either side, keys on one side only, and cells that differ by column."""
    sides = []
    for frame in (left, right):
        index = frame[key].apply(_as_text).agg("|".join, axis=1) if len(frame) else []
        sides.append(frame.set_index(pd.Index(np.array(index, dtype=object))).sort_index())
    common = sides[0].index.intersection(sides[1].index)
    found = {
        "table": name,
        "duckdb": len(left),
        "spark": len(right),
        "keys apart": len(sides[0].index.symmetric_difference(sides[1].index)),
        "cells": 0,
        "differ": 0,
        "largest gap": 0.0,
        "columns": {},
    }
    if list(left.columns) != list(right.columns):
        return {**found, "differ": 1, "columns": {"names of columns": 1}}
    for column in left.columns.difference(key):
        apart, gap = differences(*(side.loc[common, column] for side in sides))
        found["cells"] += len(common)
        found["differ"] += int(apart.sum())
        found["largest gap"] = max(found["largest gap"], gap)
        if apart.any():
            found["columns"][column] = int(apart.sum())
    return found


def compare_tables(database: Path, warehouse: Path, keys: dict[str, list[str]]) -> pd.DataFrame:
    """One row per table that both engines hold."""
    rows = []
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        for table, key in keys.items():
            schema, name = table.split(".")
            files = warehouse / f"{schema}.db" / name / "*.parquet"
            left = connection.sql(f"select * from {table}").df()
            right = connection.sql(f"select * from read_parquet('{files}')").df()
            rows.append(compare(table, key, left, right))
    return pd.DataFrame(rows)

"""Tables of two builds side by side: one in a DuckDB file, one in the Parquet files of Spark.

Keys and texts must be equal, numbers, also those within JSON, as near as `RELATIVE`. A sum that was
added up in another order differs in its last bit, and with it every hash of content: these hashes
are left out (`HASHES`), and a model is taken for the same by what it is for (`MODELS`), not by its
id, which is one. How many distinct values a column has is estimated by either engine in its own way
(`ROWS`), and the number of a load is kept where models are built by arrival, on DuckDB (`LOADS`).
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

RELATIVE, ABSOLUTE = 1e-6, 1e-9
HASHES = ("data_fingerprint", "artefact_sha256", "load_fingerprint", "artefact")
LOADS = ("loaded_in",)
MODELS = {
    "marts.model_registry": ["trained_on", "target", "algorithm"],
    "marts.value_models": ["as_of_date", "model"],
    "marts.segment_quality": ["as_of_date", "segment_view"],
}
AUDITED = ("marts.quality_audit", "intermediate.int_columns_compared")
ROWS = dict.fromkeys((*AUDITED, "intermediate.int_columns_profiled"), "measure <> 'distinct'")
NUMBER = re.compile(r"-?[0-9]+[.][0-9]+(?:e[-+]?[0-9]+)?")
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


def _without_last_digits(text: str) -> str:
    if text[:1] not in ("{", "["):
        return text
    return NUMBER.sub(lambda found: f"{float(found[0]):.6g}", text)


def differences(left: pd.Series, right: pd.Series) -> tuple[np.ndarray, float]:
    """Which cells differ between two columns in the same order, and the largest relative gap."""
    if pd.api.types.is_bool_dtype(left) or not pd.api.types.is_numeric_dtype(left):
        texts = (_as_text(side).map(_without_last_digits).to_numpy() for side in (left, right))
        return np.not_equal(*texts), 0.0
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


def same_models(read) -> dict[str, str]:
    """The id on DuckDB of each model that has another id on Spark."""
    pairs = {}
    for table, key in MODELS.items():
        left, right = (
            side.dropna(subset="model_id")[[*key, "model_id"]].drop_duplicates()
            for side in read(table)
        )
        both = left.merge(right, on=key, suffixes=("", "_spark"), validate="one_to_one")
        pairs.update(zip(both["model_id_spark"], both["model_id"], strict=True))
    return pairs


def compare_tables(database: Path, warehouse: Path, keys: dict[str, list[str]]) -> pd.DataFrame:
    """One row per table that both engines hold; see `compare`."""
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")

        def read(table: str) -> tuple[pd.DataFrame, pd.DataFrame]:
            schema, name = table.split(".")
            files = warehouse / f"{schema}.db" / name / "*.parquet"
            wanted = ROWS.get(table, "true")
            return tuple(
                connection.sql(f"select * from {place} where {wanted}").df()
                for place in (table, f"read_parquet('{files}')")
            )

        pairs = same_models(read) if set(MODELS) <= set(keys) else {}
        rows = []
        for table, key in keys.items():
            left, right = (
                side.drop(columns=[name for name in (*HASHES, *LOADS) if name in side])
                for side in read(table)
            )
            if "model_id" in right:
                right["model_id"] = right["model_id"].replace(pairs)
            rows.append(compare(table, key, left, right))
    return pd.DataFrame(rows)

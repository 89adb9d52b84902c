"""Probability that two records are one person: Fellegi-Sunter weights by Splink over DuckDB."""

from __future__ import annotations

import json
import logging
import warnings
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from python_ext.errors import SegmentationError

from ._blocks import TRAINING_BLOCKS, likely_pairs
from ._comparisons import BY_FREQUENCY, COLUMNS, comparison, labels
from ._records import PREPARED, compare, present

MODEL_NAME = "person_v1"
MODEL_FORMAT = 1

# A pair less likely than this is no candidate and is not kept.
CANDIDATE_FLOOR = 0.01

# Training sees one dataset. A level that hardly occurred in it is rare elsewhere, not impossible:
# this share of m is spread evenly over the levels.
_SMOOTHING = 0.05
_LEAST_U = 1e-6
_MOST_U_PAIRS = 2e6
_LEAST_RECORDS_WITH_COLUMN = 20


def load_model(path: Path | str | None = None) -> dict[str, Any]:
    """Read a saved model of weights; the one shipped with the package if no path is given.

    Raises
    ------
    SegmentationError
        The file is missing, is no such model, or was made for other comparisons.
    """
    if path is None:
        source = resources.files("python_ext.identity") / "models" / f"{MODEL_NAME}.json"
    else:
        source = Path(path)
    try:
        model = json.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SegmentationError(
            f"{source} cannot be read as a model of identity weights ({error}). "
            "Train one: `segmentation identity train --out FILE`."
        ) from error
    fits = isinstance(model, dict) and model.get("format") == MODEL_FORMAT
    fits = fits and all(
        column in COLUMNS and [level["label"] for level in levels] == labels(column)
        for column, levels in model["comparisons"].items()
    )
    if not fits:
        raise SegmentationError(
            f"{source} holds weights for other comparisons than this version makes. "
            "Train anew: `segmentation identity train --out FILE`."
        )
    return model


def save_model(model: dict[str, Any], path: Path) -> None:
    """Write a model of weights, readable and with a stable order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(model, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def train_model(
    connection: duckdb.DuckDBPyConnection, *, name: str, trained_on: str, seed: int = 42
) -> dict[str, Any]:
    """Learn weights from prepared records, without knowing who is who.

    ``u`` (how often strangers agree) comes from random pairs; ``m`` (how often a person's records
    agree) from expectation-maximisation within blocks, averaged over the blocks. The prior is
    kept as expected matching pairs per record, so that it fits a dataset of another size.

    Parameters
    ----------
    connection
        Holds the prepared records (``prepare``).
    name, trained_on
        Written into the model.
    seed
        Of the random pairs.

    Raises
    ------
    SegmentationError
        Too few records, or too few columns to learn from.
    """
    found = present(connection)
    columns = [column for column in COLUMNS if found[column] >= _LEAST_RECORDS_WITH_COLUMN]
    records = connection.execute(f"select count(*) from {PREPARED}").fetchone()[0]
    if len(columns) < 3:
        raise SegmentationError(
            f"{records:,} records with {len(columns)} filled columns are too little to learn "
            "weights from. Use a dataset with names, addresses and birth dates."
        )
    linker = _linker(
        connection,
        [comparison(column) for column in columns],
        probability=min(0.5, 2 * 0.05 / max(records - 1, 1)),
        iterations=50,
    )
    training = linker.training
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # One thread: the draw of random pairs depends on the order in which rows are scanned.
        connection.execute("set threads = 1")
        training.estimate_u_using_random_sampling(max_pairs=_MOST_U_PAIRS, seed=seed)
        blocks = [
            block
            for block in TRAINING_BLOCKS
            if all(found[column] for column in COLUMNS if f"l.{column}" in block)
        ]
        for block in blocks:
            training.estimate_parameters_using_expectation_maximisation(block)
        connection.execute("reset threads")
    saved = linker.misc.save_model_to_json()
    comparisons = {}
    for trained in saved["comparisons"]:
        column = trained["output_column_name"]
        levels = [level for level in trained["comparison_levels"] if "is_null_level" not in level]
        comparisons[column] = [
            {"label": label, "m": m, "u": u}
            for label, (m, u) in zip(labels(column), _smoothed(levels), strict=True)
        ]
    model = {
        "format": MODEL_FORMAT,
        "name": name,
        "trained_on": trained_on,
        "records": records,
        "seed": seed,
        "matches_per_record": 0.0,
        "comparisons": comparisons,
    }
    model["matches_per_record"] = _matches_per_record(connection, model)
    return model


def _smoothed(levels: list[dict[str, Any]]) -> list[tuple[float, float]]:
    """``m`` and ``u`` of the trained levels, neither ever zero; a level never met has neither."""

    def read(level: dict[str, Any], name: str) -> float:
        value = level.get(name)
        return value if isinstance(value, float) else 0.0

    agreeing = [read(level, "m_probability") for level in levels]
    total = sum(agreeing) or 1.0
    return [
        (
            round((1 - _SMOOTHING) * m / total + _SMOOTHING / len(levels), 6),
            float(f"{max(read(level, 'u_probability'), _LEAST_U):.6g}"),
        )
        for m, level in zip(agreeing, levels, strict=True)
    ]


def _matches_per_record(connection: duckdb.DuckDBPyConnection, model: dict[str, Any]) -> float:
    """Expected matching pairs per record, iterated to where the prior agrees with the outcome.

    Relatives, whom the weights alone would join, are not counted.
    """
    records = model["records"]
    rate = 0.05
    for _ in range(4):
        model["matches_per_record"] = rate
        scored = score_pairs(connection, model=model)
        contradict = compare(connection, scored, twins_stay_apart=True)["contradict"].to_numpy()
        rate = max(float(scored["weight"][~contradict].sum()) / records, 1e-3)
    return float(f"{rate:.4g}")


def score_pairs(connection: duckdb.DuckDBPyConnection, *, model: dict[str, Any]) -> pd.DataFrame:
    """Probability of every pair within a block that it is one person.

    Parameters
    ----------
    connection
        Holds the prepared records (``prepare``).
    model
        Weights of ``train_model`` or ``load_model``. Nothing is learned here but how frequent
        each value is, so that a rebuild gives the same figures.

    Returns
    -------
    pandas.DataFrame
        ``a`` < ``b`` (positions of the records) and ``weight``, at least ``CANDIDATE_FLOOR``,
        sorted. Records with nothing but an e-mail or a phone have no name to compare and are
        left to the rules.
    """
    empty = pd.DataFrame({"a": [], "b": [], "weight": []}).astype({"a": int, "b": int})
    found = present(connection)
    columns = [column for column in model["comparisons"] if found[column] >= 2]
    compared = connection.execute(f"select count(*) from {PREPARED} where {_COMPARED}").fetchone()
    if len(columns) < 2 or compared[0] < 2:
        return empty
    probability = min(0.5, 2 * model["matches_per_record"] / (compared[0] - 1))
    weights = {column: model["comparisons"][column] for column in columns}
    linker = _linker(
        connection,
        [comparison(column, levels) for column, levels in weights.items()],
        probability=probability,
    )
    tables = linker.table_management
    pairs = likely_pairs(
        connection,
        _WITH_A_NAME,
        weights,
        {
            column: tables.compute_tf_table(column).physical_name
            for column in columns
            if column in BY_FREQUENCY
        },
        probability=probability,
        floor=CANDIDATE_FLOOR,
    )
    tables.register_blocked_pairs_for_predict(linker._db_api.register(pairs))
    predicted = linker.inference.predict(threshold_match_probability=CANDIDATE_FLOOR)
    return connection.execute(
        f"""
        select
            least(unique_id_l, unique_id_r) as a,
            greatest(unique_id_l, unique_id_r) as b,
            round(match_probability, 6) as weight
        from {predicted.physical_name}
        order by a, b
        """
    ).df()


_WITH_A_NAME = f"{PREPARED}_with_a_name"
_COMPARED = "first_name is not null or last_name is not null"


def _linker(
    connection: duckdb.DuckDBPyConnection,
    comparisons: list[dict[str, Any]],
    *,
    probability: float,
    iterations: int = 25,
) -> Any:
    """A quiet Splink linker over the prepared records that have a name."""
    # Imported here: a dataset without names needs none of it.
    from splink import Linker
    from splink.backends.duckdb import DuckDBAPI

    logging.getLogger("splink").setLevel(logging.ERROR)
    connection.execute(
        f"create or replace table {_WITH_A_NAME} as select * from {PREPARED} where {_COMPARED}"
    )
    database = DuckDBAPI(connection=connection)
    settings = {
        "link_type": "dedupe_only",
        "unique_id_column_name": "unique_id",
        "comparisons": comparisons,
        # The pairs come from `likely_pairs`.
        "blocking_rules_to_generate_predictions": [],
        "probability_two_random_records_match": probability,
        "max_iterations": iterations,
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": False,
        # Splink draws a random name for its tables otherwise.
        "linker_uid": "identity",
    }
    return Linker(
        database.register(_WITH_A_NAME), settings, log_level=logging.ERROR, validate_settings=False
    )

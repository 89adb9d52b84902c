"""What the page is made from: the published marts, without a single customer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from python_ext.errors import SegmentationError

Row = dict[str, Any]
SEGMENT = "segment"

# Mart → columns the page needs. A published file without one of them is of an older version.
NEEDED: Mapping[str, Sequence[str]] = {
    "about": ("dataset", "dataset_title", "is_synthetic", "base_currency", "as_of_date"),
    "customer_segments": ("segment_id", "segment", "segment_fr", "segment_basis", "monetary"),
    "segments": ("view", "level", "segment_id", "segment", "description", "customers"),
    "segment_profiles": ("view", "level", "segment_id", "feature", "index_vs_all", "z"),
    "segment_quality": ("view", "as_of_date", "candidate", "algorithm", "k", "is_chosen"),
    "segment_stability": ("view", "level", "segment_id", "measure", "value", "label"),
    "segment_tree": ("view", "node_id", "parent_node_id", "height", "level", "x"),
    "segment_events": ("view", "as_of_date", "level", "segment_id", "event"),
    "segment_migrations": ("from_segment_id", "to_segment_id", "customers"),
    "segment_rules": ("view", "leaf", "segment_id", "rule_en", "rule_fr", "fidelity"),
    "segment_crosstab": ("left_attribute", "left_value", "right_attribute", "right_value"),
    "segment_associations": ("left_attribute", "right_attribute", "cramers_v"),
    "segment_loadings": ("view", "feature", "factor", "loading"),
    "segment_projection": ("view", "segment_id", "pca_1", "pca_2", "tsne_1", "tsne_2"),
}
# Marts say which segment view and level; both names are one here.
SHORT = {"segment_view": "view", "segment_level": "level", "node_level": "level"}
# Never read into the page.
PERSONAL = frozenset({"customer_key", "household_key"})


@dataclass(frozen=True)
class Segment:
    """A segment of the main view as the page shows it; figures are None where withheld."""

    id: int
    name: str
    name_fr: str
    customers: int | None
    share: float | None
    revenue: float | None
    revenue_share: float | None
    row: Row = field(default_factory=dict)
    stability: str | None = None


@dataclass(frozen=True)
class Published:
    """Everything the page says.

    Attributes
    ----------
    about
        The row of ``marts.about``.
    view
        The main view: the one whose segments customers carry.
    is_fallback
        No stable segmentation was found; the segments are those of RFM.
    segments
        With figures, in the order of their share of revenue.
    others
        Prospects and those who may not be profiled.
    withheld
        Segments too small to be shown.
    totals
        customers, segmented, revenue, imputed, outliers.
    tables
        Rows of every other mart.
    """

    about: Row
    view: str
    is_fallback: bool
    segments: list[Segment]
    others: list[Segment]
    withheld: list[Segment]
    totals: dict[str, Any]
    tables: dict[str, list[Row]]

    @property
    def floor(self) -> int:
        """Customers that a group must have to be shown."""
        return int(self.about.get("k_anonymity") or 1)

    def rows(self, mart: str, **wanted: Any) -> list[Row]:
        """Rows of a mart with these values."""
        return [
            row
            for row in self.tables.get(mart, [])
            if all(row.get(column) == value for column, value in wanted.items())
        ]

    def segment(self, number: int | None) -> Segment | None:
        """The shown segment with this id."""
        return next((segment for segment in self.segments if segment.id == number), None)


def read_published(file: Path) -> Published:
    """Read a published file.

    Parameters
    ----------
    file : Path
        ``publish/segments.duckdb``; opened read-only.

    Raises
    ------
    SegmentationError
        The file is missing, is no published file, or is of an older version.
    """
    with opened(file, NEEDED) as (connection, about):
        counts = _counts(connection)
        tables = {
            mart: rows_of(connection, mart)
            for mart in NEEDED
            if mart not in ("about", "customer_segments")
        }
    return _compose(about, counts, tables)


@contextmanager
def opened(
    file: Path, needed: Mapping[str, Sequence[str]]
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Row]]:
    """A published file, read-only, and its row of ``marts.about``.

    Parameters
    ----------
    file
        ``publish/segments.duckdb``.
    needed
        Mart → columns without which the file is of an older version.

    Raises
    ------
    SegmentationError
        The file is missing, is no published file, or is of an older version.
    """
    if not file.is_file():
        raise SegmentationError(
            f"There is no {file}: nothing has been published yet. Run `make build`."
        )
    try:
        with duckdb.connect(str(file), read_only=True) as connection:
            _refuse_old(connection, file, needed)
            about = rows_of(connection, "about")
            if len(about) != 1:
                raise SegmentationError(
                    f"{file} does not say what its data are (marts.about has {len(about)} rows). "
                    "Publish again with `segmentation publish`."
                )
            yield connection, about[0]
    except duckdb.Error as error:
        raise SegmentationError(
            f"{file} cannot be read: {error}. Publish again with `segmentation publish`."
        ) from error


def withheld(counts: Sequence[int], floor: int) -> list[bool]:
    """Which groups of a whole are not shown, as ``is_withheld_among`` of macros/privacy.sql.

    Those under the floor; and, so that none can be found by subtraction, the smallest others
    until at least two, of together at least as many customers as the floor, are withheld.
    """
    hidden = [False] * len(counts)
    if not any(0 < count < floor for count in counts):
        return hidden
    together = 0
    order = sorted((i for i, count in enumerate(counts) if count > 0), key=lambda i: (counts[i], i))
    for place, i in enumerate(order):
        hidden[i] = counts[i] < floor or place < 2 or together < floor
        together += counts[i]
    return hidden


def _refuse_old(
    connection: duckdb.DuckDBPyConnection, file: Path, needed: Mapping[str, Sequence[str]]
) -> None:
    found = defaultdict(set)
    for mart, column in connection.execute(
        "select table_name, column_name from information_schema.columns "
        "where table_schema = 'marts'"
    ).fetchall():
        found[mart].add(SHORT.get(column, column))
    if "about" not in found:
        raise SegmentationError(
            f"{file} is no published file: it has no marts.about. "
            "Name the file that `segmentation publish` wrote."
        )
    missing = [
        mart if mart not in found else f"{mart}.{column}"
        for mart, columns in needed.items()
        for column in (columns if mart in found else columns[:1])
        if column not in found[mart]
    ]
    if missing:
        shown = ", ".join(missing[:4]) + (f" and {len(missing) - 4} more" if missing[4:] else "")
        raise SegmentationError(
            f"{file} was published by an older version: it lacks {shown}. "
            "Build and publish again with `make build`."
        )


def rows_of(connection: duckdb.DuckDBPyConnection, mart: str) -> list[Row]:
    """All rows in a total order, without the columns that tell of a person."""
    columns = [
        name
        for (name,) in connection.execute(
            "select column_name from information_schema.columns "
            "where table_schema = 'marts' and table_name = ? order by ordinal_position",
            [mart],
        ).fetchall()
        if name not in PERSONAL
    ]
    chosen = ", ".join(f'"{column}"' for column in columns)
    result = connection.execute(f'select {chosen} from marts."{mart}" order by all')
    names = [SHORT.get(column, column) for column in columns]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _counts(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    has = {
        name
        for (name,) in connection.execute(
            "select column_name from information_schema.columns "
            "where table_schema = 'marts' and table_name = 'customer_segments'"
        ).fetchall()
    }
    flags = ", ".join(
        f"count(*) filter ({column}) as {column}" if column in has else f"0 as {column}"
        for column in ("was_imputed", "is_outlier")
    )
    result = connection.execute(
        "select segment_id, min(segment) as segment, min(segment_fr) as segment_fr, "
        "bool_or(coalesce(segment_basis = 'rfm', false)) as is_rfm, count(*) as customers, "
        f"cast(coalesce(sum(monetary), 0) as double) as revenue, {flags} "
        "from marts.customer_segments group by segment_id order by segment_id"
    )
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _compose(about: Row, counts: list[Row], tables: dict[str, list[Row]]) -> Published:
    view = _main_view(counts, tables["segments"])
    floor = int(about.get("k_anonymity") or 1)
    segmented = [row for row in counts if row["segment_id"] > 0]
    revenue = sum(row["revenue"] for row in counts)
    known = {
        row["segment_id"]: row
        for row in tables["segments"]
        if row["view"] == view and row["level"] == SEGMENT
    }
    hidden = [
        is_hidden or bool(known.get(row["segment_id"], {}).get("is_withheld"))
        for is_hidden, row in zip(
            withheld([row["customers"] for row in counts], floor), counts, strict=True
        )
    ]
    # A whole without what is hidden beside the segments: shares would tell how many that is.
    whole = sum(
        row["customers"]
        for row, is_hidden in zip(counts, hidden, strict=True)
        if row["segment_id"] > 0 or not is_hidden
    )
    shown, others, small = [], [], []
    for row, is_hidden in zip(counts, hidden, strict=True):
        segment = Segment(
            id=row["segment_id"],
            name=row["segment"],
            name_fr=row["segment_fr"] or row["segment"],
            customers=None if is_hidden else row["customers"],
            share=None if is_hidden else row["customers"] / whole,
            revenue=None if is_hidden else row["revenue"],
            revenue_share=None if is_hidden or revenue <= 0 else row["revenue"] / revenue,
            row=known.get(row["segment_id"], {}),
            stability=known.get(row["segment_id"], {}).get("stability")
            or _stability(tables["segment_stability"], view, row["segment_id"]),
        )
        (small if is_hidden else shown if segment.id > 0 else others).append(segment)
    shown.sort(key=lambda segment: (-(segment.revenue_share or 0), segment.id))
    return Published(
        about=about,
        view=view,
        is_fallback=any(row["is_rfm"] for row in segmented),
        segments=shown,
        others=sorted(others, key=lambda segment: -segment.id),
        withheld=small,
        totals={
            "customers": sum(row["customers"] for row in counts),
            "segmented": sum(row["customers"] for row in segmented),
            "revenue": revenue,
            "imputed": sum(row["was_imputed"] for row in segmented),
            "outliers": sum(row["is_outlier"] for row in segmented),
        },
        tables=tables,
    )


def _main_view(counts: list[Row], segments: list[Row]) -> str:
    """The view whose segments, by number and name, are those that customers carry."""
    told = {row["view"] for row in segments if row.get("is_main_view")}
    if len(told) == 1:
        return told.pop()
    carried = {(row["segment_id"], row["segment"]) for row in counts}
    matches: dict[str, int] = {}
    for row in segments:
        is_one = row["level"] == SEGMENT and (row["segment_id"], row["segment"]) in carried
        matches[row["view"]] = matches.get(row["view"], 0) + is_one
    return min(matches, key=lambda view: (-matches[view], view != "all", view), default="all")


def _stability(rows: list[Row], view: str, segment_id: int) -> str | None:
    """How well the segment recurs in samples, in a word."""
    labels = {
        row["label"]
        for row in rows
        if (row["view"], row["level"], row["segment_id"]) == (view, SEGMENT, segment_id)
        and row["measure"] == "bootstrap_jaccard"
    }
    return next((label for label in ("unstable", "doubtful", "stable") if label in labels), None)

"""The event tables as they would have arrived: one file a day, some rows late, repeated, corrected.

What came before the last days is the first file. In the end every table says the same as the plain
one: a row that is corrected first arrived wrong, and the later arrival wins.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ._calendar import Calendar
from ._toolbox import handful, stream

SHARE_LATE = 0.03
SHARE_REPEATED = 0.01
SHARE_CORRECTED = 0.01
MOST_DAYS_LATE = 3

# What was wrong in a row when it first arrived.
_WRONG = {
    "web.events": ("engagement_seconds", 999.0),
    "email.events": ("event_name", "sent"),
    "shop.orders": ("status", "cancelled"),
    "shop.order_lines": ("quantity", 7.0),
}


def split_arrivals(folder: Path, calendar: Calendar, seed: int, days: int) -> dict[str, int]:
    """Turn each event table of a dataset into a folder of files, one for each day of arrival.

    Parameters
    ----------
    folder
        Folder of the dataset, with plain files.
    days
        How many of the last days arrive in a file of their own, at least 1; all before is one file.

    Returns
    -------
    dict
        Rows by ``source.table``, those that arrive twice counted twice.
    """
    last = np.datetime64(calendar.end_on)
    orders = pq.read_table(folder / "shop" / "orders.parquet", columns=["order_id", "ordered_at"])
    rows = {}
    for table, (column, wrong) in _WRONG.items():
        file = folder / f"{table.replace('.', '/')}.parquet"
        content = pq.read_table(file)
        happened = _days(content, orders)
        rng = stream(seed, f"arrivals of {table}")
        first = np.clip(happened, last - days, last)
        # A date before all records or after today, a mistake of the demo, arrives with the first.
        first[np.isnat(happened) | (happened > last)] = last - days
        recent = np.flatnonzero(first > last - days)

        def draw(share: float, among: np.ndarray = recent, rng=rng) -> np.ndarray:
            return rng.choice(among, min(len(among), handful(len(among), share)), replace=False)

        late = draw(SHARE_LATE)
        first[late] += rng.integers(1, MOST_DAYS_LATE + 1, len(late))
        first = np.minimum(first, last)
        again = np.concatenate([draw(SHARE_REPEATED), draw(SHARE_CORRECTED)])
        # Also what came with the first file is mended later.
        old = np.flatnonzero(first == last - days)
        again = np.concatenate([again, draw(SHARE_CORRECTED / 10, old)])
        again = again[first[again] < last]
        corrected = again[len(again) // 2 :]
        as_arrived = _with_wrong(content, corrected, column, wrong)
        second = np.minimum(first[again] + rng.integers(1, days + 1, len(again)), last)
        _write(as_arrived, content.take(pa.array(again)), first, second, file.with_suffix(""))
        file.unlink()
        rows[table] = content.num_rows + len(again)
    return rows


def _days(content: pa.Table, orders: pa.Table) -> np.ndarray:
    """The day of each row, that of its order for a line; not a time where there is none."""
    if "line_number" in content.column_names:
        place = pc.index_in(content["order_id"], orders["order_id"].combine_chunks())
        moments = pc.take(orders["ordered_at"].combine_chunks(), place.combine_chunks())
    else:
        name = "ordered_at" if "ordered_at" in content.column_names else "event_at"
        moments = content[name].combine_chunks()
    return np.asarray(moments.cast(pa.timestamp("us")), dtype="datetime64[D]")


def _with_wrong(content: pa.Table, rows: np.ndarray, column: str, wrong: object) -> pa.Table:
    mask = np.zeros(content.num_rows, dtype=bool)
    mask[rows] = True
    place = content.column_names.index(column)
    kind = content.schema.field(column).type
    changed = pc.if_else(pa.array(mask), pa.scalar(wrong, kind), content[column])
    return content.set_column(place, content.schema.field(column), changed)


def _write(
    content: pa.Table, again: pa.Table, first: np.ndarray, second: np.ndarray, folder: Path
) -> None:
    folder.mkdir()
    for day in np.unique(np.concatenate([first, second])):
        arrived = pa.concat_tables(
            [
                content.take(pa.array(np.flatnonzero(first == day))),
                again.take(pa.array(np.flatnonzero(second == day))),
            ]
        )
        pq.write_table(arrived, folder / f"{day}.parquet", store_schema=False)

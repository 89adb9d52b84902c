"""Small vectorised helpers: random streams, text columns and Parquet files."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SECONDS_PER_DAY = 86_400
YEAR_2099 = 4_070_908_800  # its first second; always in the future


def stream(seed: int, stage: str) -> np.random.Generator:
    """Random numbers of one stage, independent of how many the other stages draw."""
    return np.random.default_rng(np.random.SeedSequence([seed, zlib.crc32(stage.encode())]))


def handful(rows: int, share: float, *, minimum: int = 5) -> int:
    """Number of rows to plant: a share of all, but never fewer than a handful."""
    return max(minimum, round(rows * share))


def beta_around(rng: np.random.Generator, mean: np.ndarray, size: float | np.ndarray) -> np.ndarray:
    """Draws of beta distributions with these means and this a + b."""
    return rng.beta(mean * size, (1 - mean) * size)


def expand(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Flat positions of ranges: starts [3, 9], counts [2, 1] gives [3, 4, 9]."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - counts), counts)


def rank_within(sorted_keys: np.ndarray) -> np.ndarray:
    """Position (from 0) of each row among equal neighbours of a sorted array."""
    if len(sorted_keys) == 0:
        return np.zeros(0, dtype=np.int64)
    positions = np.arange(len(sorted_keys))
    is_first = np.concatenate([[True], sorted_keys[1:] != sorted_keys[:-1]])
    return positions - np.maximum.accumulate(np.where(is_first, positions, 0))


def choose_column(rng: np.random.Generator, cumulative: np.ndarray) -> np.ndarray:
    """Draw one column per row of a matrix of cumulative probabilities (last column 1)."""
    draws = rng.random(len(cumulative), dtype=np.float32)
    columns = (draws[:, None] > cumulative).sum(axis=1)
    return np.minimum(columns, cumulative.shape[1] - 1)


def ids(prefix: str, numbers: np.ndarray, width: int) -> pa.Array:
    """Identifiers such as C0000042, made as bytes: formatting millions one by one is slow."""
    numbers = np.asarray(numbers, dtype=np.int64)
    head = np.frombuffer(prefix.encode("ascii"), dtype=np.uint8)
    length = len(head) + width
    text = np.empty((len(numbers), length), dtype=np.uint8)
    text[:, : len(head)] = head
    rest = numbers.copy()
    for column in range(length - 1, len(head) - 1, -1):
        rest, digit = np.divmod(rest, 10)
        text[:, column] = digit + ord("0")
    offsets = np.arange(0, (len(numbers) + 1) * length, length, dtype=np.int64)
    large = pa.LargeStringArray.from_buffers(
        len(numbers), pa.py_buffer(offsets), pa.py_buffer(text.reshape(-1))
    )
    return large.cast(pa.string())


def pick(
    values: Sequence[str | None] | pa.Array,
    codes: np.ndarray,
    *,
    missing: np.ndarray | None = None,
) -> pa.Array:
    """Text column from codes into values; null where missing."""
    dictionary = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
    return dictionary.take(pa.array(codes, mask=missing))


def coded(
    values: Sequence[str] | pa.Array, codes: np.ndarray, *, missing: np.ndarray | None = None
) -> pa.DictionaryArray:
    """As pick, but kept as dictionary codes: what a column of millions of rows needs."""
    dictionary = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
    # Parquet pages of a dictionary that repeats a value differ from run to run.
    distinct = dictionary.dictionary_encode()
    codes = distinct.indices.to_numpy(zero_copy_only=False)[np.asarray(codes, dtype=np.int64)]
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=missing), distinct.dictionary)


def join(*parts: pa.Array | str, separator: str = "") -> pa.Array:
    """Concatenate text columns element by element; null if a part is null."""
    return pc.binary_join_element_wise(*parts, separator)


def timestamps(seconds: np.ndarray, *, missing: np.ndarray | None = None) -> pa.Array:
    """Timestamp column (microseconds, no zone) from seconds since 1970."""
    return pa.array(seconds.astype("datetime64[s]").astype("datetime64[us]"), mask=missing)


def dates(days: np.ndarray, *, missing: np.ndarray | None = None) -> pa.Array:
    """Date column from days since 1970."""
    return pa.array(days.astype(np.int32), mask=missing).cast(pa.date32())


def replace_at(column: pa.Array, rows: np.ndarray, values: pa.Array | Sequence[str]) -> pa.Array:
    """Copy of a text column with other values at these distinct rows."""
    if len(rows) == 0:
        return column
    order = np.argsort(rows)
    mask = np.zeros(len(column), dtype=bool)
    mask[rows] = True
    replacement = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
    return pc.replace_with_mask(column, pa.array(mask), replacement.take(pa.array(order)))


def write_table(folder: Path, name: str, columns: Mapping[str, pa.Array]) -> int:
    """Write one table of at most a few million rows as Parquet; return its rows."""
    table = pa.table(dict(columns))
    folder.mkdir(parents=True, exist_ok=True)
    # Without the Arrow schema in the file, dictionary-coded columns are plain strings to readers.
    pq.write_table(table, folder / f"{name}.parquet", store_schema=False)
    return table.num_rows

"""What of a record can be compared: text folded to one spelling, in DuckDB."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

ATTRIBUTES = (
    "email",
    "phone",
    "first_name",
    "last_name",
    "address",
    "postcode",
    "city",
    "birth_on",
)
PREPARED = "comparable_records"

# A name that this many records carry is a name of its own, not another's misspelling.
_ESTABLISHED = 3

# A birth date is a placeholder only when it is so many times more frequent than the mean one.
_USUAL = 10


@contextmanager
def connect() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of its own in memory: the warehouse is written by one process only.

    Within the limits of docs/FAULTS.md, for it compares many pairs of records. What does not fit
    goes to a folder of its own, for two that share one write over each other's files.
    """
    base = os.environ.get("SEGMENTATION_SPILL_DIRECTORY") or tempfile.gettempdir()
    os.makedirs(base, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="segmentation-", dir=base) as spill,
        duckdb.connect(":memory:") as connection,
    ):
        if limit := os.environ.get("SEGMENTATION_MEMORY_LIMIT"):
            connection.execute("set memory_limit = $limit", {"limit": limit})
        connection.execute("set temp_directory = $spill", {"spill": spill})
        connection.execute("set enable_progress_bar = false")
        connection.execute(_MACROS)
        yield connection


def sorted_ids(values: pd.Series) -> tuple[pd.Index, np.ndarray]:
    """Ids in byte order (the order of SQL's ``min``) and where each stood."""
    array = pa.array(values, type=pa.string(), from_pandas=True)
    order = pc.sort_indices(array).to_numpy()
    return pd.Index(array.take(pa.array(order)).to_pandas()), order


def prepare(
    connection: duckdb.DuckDBPyConnection, records: pd.DataFrame, *, max_records_per_key: int
) -> pd.Index:
    """Create the table ``PREPARED``: one row per record, numbered in byte order of record_id.

    Parameters
    ----------
    connection
        From ``connect``.
    records
        ``record_id`` and any of ``ATTRIBUTES``; one that is absent counts as empty everywhere.
    max_records_per_key
        An e-mail or phone (a switchboard), or an address without a number (INCONNUE), that more
        records carry says nothing of a person and is left out of the comparison; so is a birth date
        (01/01/1980) that more carry and that is far more frequent than dates are.

    Returns
    -------
    pandas.Index
        The record ids; the position of each is its ``unique_id``.
    """
    ids, order = sorted_ids(records["record_id"])
    raw = {"unique_id": pa.array(np.arange(len(ids)), pa.int64())}
    for column in ATTRIBUTES:
        values = records[column].iloc[order] if column in records else None
        if values is None:
            raw[column] = pa.nulls(len(ids), pa.string())
        elif column == "birth_on":
            raw[column] = pa.array(pd.to_datetime(values).dt.strftime("%Y-%m-%d"), pa.string())
        else:
            raw[column] = pa.array(values, pa.string(), from_pandas=True)
    connection.register("raw_records", pa.table(raw))
    connection.execute(_PREPARE.format(table=PREPARED, limit=int(max_records_per_key)))
    connection.unregister("raw_records")
    return ids


def compare(
    connection: duckdb.DuckDBPyConnection, pairs: pd.DataFrame, *, twins_stay_apart: bool
) -> pd.DataFrame:
    """What speaks against two records being one person.

    Parameters
    ----------
    connection
        Holds the prepared records.
    pairs
        ``a`` and ``b``: positions of the records, as ``prepare`` gave them.
    twins_stay_apart
        Whether two records with one last name and one birth date but two first names are two
        people (or one, with a name that was mistaken).

    Returns
    -------
    pandas.DataFrame
        In the order of ``pairs``: ``contradict`` (two people: the first names differ and no birth
        date confirms that they are one), ``dates_differ``, ``last_names_differ``, ``dates_agree``,
        ``is_nameless`` (one of them has neither first name nor birth date).
    """
    connection.register("pairs_to_compare", pairs[["a", "b"]].assign(n=np.arange(len(pairs))))
    found = connection.execute(_COMPARE, {"strict": bool(twins_stay_apart)}).df()
    connection.unregister("pairs_to_compare")
    return found.set_index(pairs.index).astype(bool)


def present(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """How many prepared records have each attribute."""
    counts = ", ".join(f"count({column})" for column in ATTRIBUTES)
    found = connection.execute(f"select {counts} from {PREPARED}").fetchone()
    return dict(zip(ATTRIBUTES, found, strict=True))


# folded(): lower case, no accents, everything but letters and digits to one blank.
# names_differ(): nobody would take one for the other. A prefix, an initial, a common part of a
# compound name do not differ; of two established names (Lea, Leo) little difference is enough.
# names_are_two(): both are established, though near (Martin, Martine); Alex may be Alexandre.
# dates_differ(): neither a typing error nor day and month the other way round.
_MACROS = """
create macro folded(text) as
    nullif(trim(regexp_replace(lower(strip_accents(text)), '[^a-z0-9]+', ' ', 'g')), '');
create macro names_differ(a, b, are_established) as
    a <> b
    and not starts_with(a, b) and not starts_with(b, a)
    and not list_has_any(string_split(a, ' '), string_split(b, ' '))
    and case
        when are_established then jaro_winkler_similarity(a, b) < 0.9
        else jaro_winkler_similarity(a, b) < 0.75 and damerau_levenshtein(a, b) > 2
    end;
create macro names_are_two(a, b, are_established) as
    a <> b
    and are_established
    and least(length(a), length(b)) > 1
    and not ((starts_with(a, b) or starts_with(b, a)) and abs(length(a) - length(b)) > 2)
    and not list_has_any(string_split(a, ' '), string_split(b, ' '));
create macro dates_differ(a, b) as
    damerau_levenshtein(a, b) > 2
    and not (a[1:4] = b[1:4] and a[6:7] = b[9:10] and a[9:10] = b[6:7]);
"""

_PREPARE = f"""
create or replace table {{table}} as
with typed as (
    select
        unique_id,
        lower(trim(email)) as email,
        nullif(regexp_replace(phone, '[^0-9+]', '', 'g'), '') as phone,
        folded(first_name) as first_name,
        folded(last_name) as last_name,
        folded(address) as address,
        nullif(upper(regexp_replace(postcode, '[^A-Za-z0-9]', '', 'g')), '') as postcode,
        folded(city) as city,
        birth_on
    from raw_records
),

counted as (
    select
        *,
        count(*) over (partition by email) as records_with_email,
        count(*) over (partition by phone) as records_with_phone,
        -- With a number it is a house, however many live in it.
        case
            when regexp_matches(address, '[0-9]') then 1
            else count(*) over (partition by address)
        end as records_with_address,
        count(*) over (partition by birth_on) as records_with_date,
        count(*) over (partition by first_name) >= {_ESTABLISHED} as is_first_name_established,
        count(*) over (partition by last_name) >= {_ESTABLISHED} as is_last_name_established
    from typed
)

select
    unique_id,
    case when records_with_email <= {{limit}} then email end as email,
    case when records_with_phone <= {{limit}} then phone end as phone,
    email as any_email,
    phone as any_phone,
    first_name,
    last_name,
    first_name is not null and is_first_name_established as is_first_name_established,
    last_name is not null and is_last_name_established as is_last_name_established,
    case when records_with_address <= {{limit}} then address end as address,
    case when records_with_address <= {{limit}} then list_distinct(string_split(address, ' ')) end
        as address_words,
    case when records_with_address <= {{limit}} then replace(address, ' ', '') end
        as address_letters,
    postcode,
    city,
    case when records_with_date <= greatest({{limit}}, {_USUAL} * usual_per_date) then birth_on end
        as birth_on
from counted
cross join (
    select count(birth_on) / greatest(count(distinct birth_on), 1) as usual_per_date from typed
) as dates
order by unique_id
"""

_COMPARE = f"""
with compared as (
    select
        n,
        x.is_first_name_established and y.is_first_name_established as are_established,
        -- One field filled in for the other is not another person.
        coalesce(jaro_winkler_similarity(x.first_name, y.last_name) > 0.92, false)
        or coalesce(jaro_winkler_similarity(x.last_name, y.first_name) > 0.92, false)
            as is_swapped,
        coalesce(names_differ(x.first_name, y.first_name, are_established), false)
        and not is_swapped as first_names_differ,
        coalesce(names_are_two(x.first_name, y.first_name, are_established), false)
        and not is_swapped as first_names_are_two,
        coalesce(names_differ(x.last_name, y.last_name, false), false) as last_names_differ,
        coalesce(dates_differ(x.birth_on, y.birth_on), false) as dates_differ,
        coalesce(x.birth_on = y.birth_on, false) as dates_agree,
        x.birth_on is null or y.birth_on is null as dates_unknown,
        (x.first_name is null and x.birth_on is null)
        or (y.first_name is null and y.birth_on is null) as is_nameless
    from pairs_to_compare
    inner join {PREPARED} as x on x.unique_id = a
    inner join {PREPARED} as y on y.unique_id = b
)

select
    (first_names_differ and dates_differ and last_names_differ)
    or ($strict and first_names_differ and (dates_differ or dates_unknown or not last_names_differ))
    or ($strict and first_names_are_two and (dates_differ or dates_unknown)) as contradict,
    dates_differ,
    last_names_differ,
    dates_agree,
    is_nameless
from compared
order by n
"""

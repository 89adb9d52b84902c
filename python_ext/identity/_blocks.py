"""Which pairs of records are compared at all: those of a block that can be one person."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import log2
from typing import Any

import duckdb

from ._comparisons import most_bits


def _same(*expressions: str) -> str:
    """Condition that both records agree on each expression ({0} stands for the record)."""
    return " and ".join(
        f"{text.format('l')} = {text.format('r')}"
        for text in (e if "{0}" in e else "{0}." + e for e in expressions)
    )


_FIRST_INITIAL = "substr({0}.first_name, 1, 1)"
_LAST_INITIAL = "substr({0}.last_name, 1, 1)"
# House number and the beginning of the street.
_STREET = "substr({0}.address_letters, 1, 6)"

# A pair is compared when it agrees on all of one of these ({0} stands for the record) …
PREDICTION_BLOCKS = (
    ("email",),
    ("phone",),
    ("birth_on",),
    ("last_name", "first_name"),
    ("address_letters", "postcode"),
    ("address_letters", "city"),
    ("last_name", "postcode"),
    ("first_name", "postcode"),
    (_FIRST_INITIAL, "substr({0}.last_name, 1, 3)", "city"),
    (_FIRST_INITIAL, _LAST_INITIAL, "postcode"),
    (_LAST_INITIAL, "address_letters"),
    (_STREET, "postcode"),
    (_STREET, "city"),
)
# … unless so many records do that agreeing says nothing, for pairs grow with their square. Frequent
# birth dates and streets in large towns are such; records of one person agree elsewhere as well.
MOST_IN_A_BLOCK = 100
_SWAPPED = "l.first_name = r.last_name and l.last_name = r.first_name"

# Expectation-maximisation runs within each of these in turn, and learns the columns that the block
# does not fix. None is a household's (an address, a last name with a postcode): there most are
# relatives, and the two classes found would be household and strangers.
TRAINING_BLOCKS = (
    _same("first_name", "last_name"),
    _same("first_name", "birth_on"),
    _same("birth_on", "postcode"),
)

# Of most pairs in a block these say enough already, and being short they are quickly compared.
_QUICK = ("first_name", "last_name", "postcode")
# Compared letter by letter and word by word, an address takes the longest.
_SLOW = ("address",)
# For the rounding of sums.
_MARGIN_BITS = 0.01

_BLOCKED = "blocked_records"
_PAIRS = "likely_pairs"


def likely_pairs(
    connection: duckdb.DuckDBPyConnection,
    records: str,
    weights: Mapping[str, list[dict[str, Any]]],
    frequencies: Mapping[str, str],
    *,
    probability: float,
    floor: float,
) -> str:
    """Create a table of the pairs within blocks whose probability can reach a floor.

    No pair that reaches it is lost: what is not looked at counts as the best it could be.

    Parameters
    ----------
    connection
        Holds the records.
    records
        Table of prepared records (``prepare``) that have a name.
    weights
        By column, ``m`` and ``u`` of each level.
    frequencies
        By column whose weight goes by frequency: table with its values and ``tf_<column>``, the
        share of records that have it.
    probability
        That two records drawn at random are one person.
    floor
        Least probability of interest.

    Returns
    -------
    str
        Name of the table: ``match_key`` (number of the first block they share), ``join_key_l`` <
        ``join_key_r`` (``unique_id`` of the records), as Splink wants it.
    """
    keys = [_key(block) for block in PREDICTION_BLOCKS]
    columns = [f"tf_{column}" for column in frequencies]
    columns += [
        f"case when {key} is not null then hash({key}) end as block_{number}"
        for number, key in enumerate(keys)
    ]
    joins = [f"left join {table} using ({column})" for column, table in frequencies.items()]
    connection.execute(
        f"create or replace table {_BLOCKED} as select records.*, {', '.join(columns)} "
        f"from {records} as records {' '.join(joins)}"
    )
    needed = log2(floor / (1 - floor)) - log2(probability / (1 - probability)) - _MARGIN_BITS
    quickly = f"{_most_bits(weights, exactly=_QUICK)} >= {needed}"
    closely = f"{_most_bits(weights, exactly=set(weights) - set(_SLOW))} >= {needed}"
    both = ", ".join(
        f"l.{column} as {column}_l, r.{column} as {column}_r"
        for (column,) in connection.execute(
            f"select column_name from duckdb_columns() where table_name = '{_BLOCKED}' "
            "and not starts_with(column_name, 'block')"
        ).fetchall()
    )
    connection.execute(
        f"create or replace table {_PAIRS} "
        "(match_key varchar, join_key_l bigint, join_key_r bigint)"
    )
    agreements = []
    for number in range(len(keys)):
        block = f"block_{number}"
        connection.execute(
            f"update {_BLOCKED} set {block} = null where {block} in (select {block} "
            f"from {_BLOCKED} group by {block} having count(*) > {MOST_IN_A_BLOCK})"
        )
        agreements.append(f"l.{block} = r.{block}")
    for number, agree in enumerate([*agreements, _SWAPPED]):
        connection.execute(
            f"insert into {_PAIRS} select '{number:02}', unique_id_l, unique_id_r from "
            f"(select {both} from {_BLOCKED} as l inner join {_BLOCKED} as r "
            f"on {agree} and l.unique_id < r.unique_id) where {quickly}"
        )
    connection.execute(
        f"""
        create or replace table {_PAIRS} as
        with pairs as (
            select min(match_key) as match_key, join_key_l, join_key_r
            from {_PAIRS}
            group by join_key_l, join_key_r
        )
        select match_key, unique_id_l as join_key_l, unique_id_r as join_key_r
        from (
            select pairs.match_key, {both}
            from pairs
            inner join {_BLOCKED} as l on l.unique_id = join_key_l
            inner join {_BLOCKED} as r on r.unique_id = join_key_r
        )
        where {closely}
        """
    )
    return _PAIRS


def _key(block: tuple[str, ...]) -> str:
    """SQL of what agrees within a block, null where a part of it is unknown."""
    parts = [part.format("records") if "{0}" in part else f"records.{part}" for part in block]
    return " || '|' || ".join(parts)


def _most_bits(weights: Mapping[str, list[dict[str, Any]]], *, exactly: Collection[str]) -> str:
    return " + ".join(
        f"({most_bits(column, levels, exactly=column in exactly)})"
        for column, levels in weights.items()
    )

"""Values that name a person, looked for where none may be.

Lineage says what can reach a column; this looks at what did. Every text of a table is compared with
patterns (an e-mail address, a phone number) and with the real names, addresses and accounts that
the same build has in staging. A finding says where and how many, and never what.

A name can also be a word: a street named after a trade, a surname that is a colour. So a single
name counts only where it is a cell of its own and no word of the seeds and the catalogue; a first
and a last name of one person side by side always count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

PATTERNS = {
    "e-mail address": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*[.][A-Za-z]{2,}",
    "phone number": (
        r"(^|[^0-9A-Za-z+.-])([+]|00)[1-9]([ .-]?[0-9]){7,14}($|[^0-9A-Za-z])"
        r"|(^|[^0-9A-Za-z+.-])0[1-9]([ .-]?[0-9]{2}){4}($|[^0-9A-Za-z])"
    ),
}

# Values that name a person by themselves: kind, column of staging.stg_crm__customers.
IDENTIFIERS = (
    ("e-mail address", "email"),
    ("phone number", "phone"),
    ("street", "address"),
    ("social account", "social_handle"),
)
MIN_LENGTH = 3


@dataclass(frozen=True, order=True)
class Finding:
    """Rows of a column that name a person.

    Attributes
    ----------
    table, column : str
        Where.
    kind : str
        What was found: ``e-mail address``, ``phone number``, ``street``, ``social account``,
        ``name of a person`` or ``name``.
    rows : int
        How many rows.
    """

    table: str
    column: str
    kind: str
    rows: int

    def __str__(self) -> str:
        return f"{self.table}.{self.column}: {self.kind} in {self.rows} rows"


def text_columns(
    connection: duckdb.DuckDBPyConnection, schemas: Sequence[str], *, prefix: str = ""
) -> list[tuple[str, str]]:
    """Text columns of the tables and views of some schemas, as (table, column).

    Parameters
    ----------
    connection
        An open warehouse.
    schemas
        Names of schemas.
    prefix
        Only tables whose name begins so.
    """
    return [
        (f'{schema}."{table}"', column)
        for schema, table, column in connection.execute(
            "select table_schema, table_name, column_name from information_schema.columns "
            "where list_contains($1, table_schema) and starts_with(table_name, $2) "
            "and data_type in ('VARCHAR', 'JSON') and table_catalog = current_database() "
            "order by all",
            [list(schemas), prefix],
        ).fetchall()
    ]


def find_values(
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[tuple[str, str]],
    *,
    staging: str = "staging",
    reference: str = "reference",
) -> list[Finding]:
    """Look for values that name a person in text columns.

    Parameters
    ----------
    connection
        An open warehouse with the staging of the same build.
    columns
        What to look at: (table, column), a table being anything that can be selected from, a
        Parquet file by its quoted path too.
    staging, reference
        Schemas of the staging models, and of the seeds whose words are no names.

    Returns
    -------
    list of Finding
        Sorted; empty when nothing was found.
    """
    _prepare(connection, staging, reference)
    found = []
    for table, column in columns:
        connection.execute(
            "create or replace temp table cells as select value, count(*) as occurrences, "
            "regexp_split_to_array(strip_accents(lower(value)), '[^a-z]+') as words, "
            f'strip_accents(lower(trim(value))) as folded from (select cast("{column}" as varchar) '
            f"as value from {table}) where value is not null group by value"
        )
        for kind, pattern in PATTERNS.items():
            found.append((table, column, kind, _count(connection, _PATTERN, [pattern])))
        for kind, _ in IDENTIFIERS:
            found.append((table, column, kind, _count(connection, _IDENTIFIER, [kind])))
        found.append((table, column, "name of a person", _count(connection, _PAIR)))
        found.append((table, column, "name", _count(connection, _NAME)))
    most: dict[tuple[str, str, str], int] = {}
    for table, column, kind, rows in found:
        most[table, column, kind] = max(rows, most.get((table, column, kind), 0))
    return sorted(Finding(*key, rows) for key, rows in most.items() if rows)


_PATTERN = "select sum(occurrences) from cells where regexp_matches(value, $1)"
_IDENTIFIER = (
    "select sum(occurrences) from cells "
    "where exists (select 1 from identifiers where kind = $1 and identifiers.folded = cells.folded)"
)
# A first and a last name of one person among the words of one cell, side by side.
_PAIR = (
    "select sum(occurrences) from cells where exists ("
    "select 1 from (select unnest(words[1:-2]) as one, unnest(words[2:]) as two) as neighbours "
    "inner join people on (people.first = one and people.last = two) "
    "or (people.last = one and people.first = two))"
)
_NAME = (
    "select sum(occurrences) from cells semi join names on cells.folded = names.name "
    "anti join vocabulary on cells.folded = vocabulary.word"
)


def _count(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[str] = ()
) -> int:
    return int(connection.execute(query, list(parameters)).fetchone()[0] or 0)


def _prepare(connection: duckdb.DuckDBPyConnection, staging: str, reference: str) -> None:
    """What names a person in this build, and the words that name nobody."""
    staged = {
        column
        for table, column in text_columns(connection, [staging])
        if table == f'{staging}."stg_crm__customers"'
    }
    connection.execute(
        "create or replace temp table identifiers as select distinct kind, folded from ("
        + " union all ".join(
            f"select '{kind}' as kind, strip_accents(lower(trim({spelling}))) as folded "
            f"from {staging}.stg_crm__customers"
            for kind, column in IDENTIFIERS
            for spelling in (column, f"{column}_raw")
            if spelling in staged
        )
        + " union all select 'e-mail address', strip_accents(lower(guest_email)) "
        f"from {staging}.stg_shop__orders) where length(folded) >= {MIN_LENGTH}"
    )
    connection.execute(
        "create or replace temp table people as select distinct "
        "strip_accents(lower(trim(first_name))) as first, "
        f"strip_accents(lower(trim(last_name))) as last from {staging}.stg_crm__customers "
        "where first_name is not null and last_name is not null"
    )
    connection.execute(
        "create or replace temp table names as select first as name from people "
        f"where length(first) >= {MIN_LENGTH} union select last from people "
        f"where length(last) >= {MIN_LENGTH}"
    )
    words = [
        f'select "{column}" as value from {table}'
        for table, column in text_columns(connection, [reference])
    ]
    words += [
        f"select {column} from {staging}.{table}"
        for table, column in (
            ("stg_shop__products", "category"),
            ("stg_shop__products", "subcategory"),
            ("stg_crm__customers", "profession"),
            ("stg_crm__customers", "acquisition_channel"),
        )
    ]
    connection.execute(
        "create or replace temp table vocabulary as select distinct "
        "strip_accents(lower(trim(value))) as word from ("
        + " union all ".join(words)
        + ") where value is not null"
    )

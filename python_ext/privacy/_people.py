"""Who a person is in the data: every identifier of every record, and how to find them again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import duckdb

from python_ext.privacy._files import Columns, can_hold_text, cell_text

VALUES = "person_values"
_PATTERN_SIZE = 150
_BEFORE = "(^|[^a-z0-9._%+-])"
_AFTER = "($|[^a-z0-9.-]|[.-]($|[^a-z0-9]))"
_NUMBER_COLUMNS = {"customer_id", "source_record_id"}


@dataclass(frozen=True)
class People:
    """The identifiers of one person or of several.

    Only what is theirs alone counts: an address, a phone or a cookie that another customer has
    too stays with the other, and is only counted in ``shared``.

    Attributes
    ----------
    customer_keys, record_ids, customer_ids
        Keys in the warehouse and numbers in the CRM.
    record_keys
        Keyed hashes of the records, and keys the people had before.
    emails
        In lower case.
    phones
        As typed and as standardised.
    handles, visitors
        Social handles in lower case; cookies.
    suppressed
        Kinds and values for the suppression list.
    shared
        How many values of each kind are also another customer's.
    unknown
        How many of the names given nobody in the warehouse has.
    """

    customer_keys: frozenset[str] = frozenset()
    record_keys: frozenset[str] = frozenset()
    record_ids: frozenset[str] = frozenset()
    customer_ids: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    handles: frozenset[str] = frozenset()
    visitors: frozenset[str] = frozenset()
    suppressed: tuple[tuple[str, str], ...] = ()
    shared: dict[str, int] = field(default_factory=dict)
    unknown: int = 0

    def __bool__(self) -> bool:
        return bool(self.values() or self.phone_ends())

    def distinctive(self) -> list[str]:
        """Values that mean this person wherever they stand, also inside a longer text."""
        values = {*self.customer_keys, *self.record_keys, *self.record_ids, *self.emails}
        values |= {phone for phone in self.phones if len(re.sub("[^0-9]", "", phone)) >= 8}
        values |= {value for value in (*self.handles, *self.visitors) if len(value) >= 6}
        values |= {number for number in self.customer_ids if _says_enough(number)}
        return sorted({value.lower() for value in values})

    def values(self) -> list[tuple[str, str]]:
        """Kind and value of every identifier that is compared as a whole, in lower case."""
        numbers = {("customer_id", number.lower()) for number in self.customer_ids}
        handles = {("social_handle", handle) for handle in self.handles}
        visitors = {("visitor_id", visitor.lower()) for visitor in self.visitors}
        anywhere = {("anywhere", value) for value in self.distinctive()}
        return sorted(numbers | handles | visitors | anywhere)

    def phone_ends(self) -> list[str]:
        """The last nine digits of each phone: the same however the number is written."""
        digits = (re.sub("[^0-9]", "", phone) for phone in self.phones)
        return sorted({number[-9:] for number in digits if len(number) >= 8})

    def patterns(self) -> list[str]:
        """Regular expressions that find the identifiers inside longer text in lower case."""
        found = self.distinctive()
        parts = [
            _BEFORE
            + "("
            + "|".join(re.escape(v) for v in found[i : i + _PATTERN_SIZE])
            + ")"
            + _AFTER
            for i in range(0, len(found), _PATTERN_SIZE)
        ]
        # A number such as 12346 means a customer only where the text says so, as raw rows do.
        plain = sorted({n.lower() for n in self.customer_ids if not _says_enough(n)})
        parts += [
            f'"customer_id" *: *"?({_alternatives(plain[i : i + _PATTERN_SIZE])})([.]0)?"? *[,}}]'
            for i in range(0, len(plain), _PATTERN_SIZE)
        ]
        return parts


def _alternatives(values: list[str]) -> str:
    return "|".join(re.escape(value) for value in values)


def _says_enough(number: str) -> bool:
    """Whether a customer number can be nothing else: letters and digits, six or more."""
    return bool(re.fullmatch(r"(?=.*[A-Za-z])(?=.*[0-9])[^\s]{6,}", number))


def bring_values(connection: duckdb.DuckDBPyConnection, people: People) -> None:
    """Hand the identifiers to a connection, so that no SQL text ever holds one."""
    connection.execute(f"create or replace temp table {VALUES} (kind varchar, value varchar)")
    rows = [*people.values(), *(("phone_end", end) for end in people.phone_ends())]
    if rows:
        connection.executemany(f"insert into {VALUES} values (?, ?)", [list(row) for row in rows])
    for number, pattern in enumerate(people.patterns()):
        connection.execute(f"set variable person_pattern_{number} = ?", [pattern])


def cell_conditions(columns: Columns, people: People) -> dict[str, str]:
    """For each column that can name a person: SQL that is true where a cell names one of these.

    ``bring_values`` must have been called on the connection that runs it.
    """
    names = {column for column, _ in columns}
    conditions = {}
    for column, kind in columns:
        if not can_hold_text(kind):
            continue
        cell = f"lower(trim({cell_text(column, kind)}))"
        either = []
        if column in _NUMBER_COLUMNS:
            # A column of numbers with gaps may have become one of decimals: 12346.0.
            either.append(f"{_known(f'''regexp_replace({cell}, '[.]0$', '')''', 'customer_id')}")
        if column == "record_id" and {"source_name", "table_name"} <= names:
            either.append(
                "(source_name = 'crm' and table_name = 'customers' and "
                + _known(cell, "customer_id")
                + ")"
            )
        for special in ("social_handle", "visitor_id"):
            if column == special:
                either.append(_known(cell, special))
        if "phone" in column:
            end = f"right(regexp_replace({cell}, '[^0-9]', '', 'g'), 9)"
            either.append(_known(end, "phone_end"))
        if _is_wordy(kind):
            either += [
                f"regexp_matches({cell}, getvariable('person_pattern_{number}'))"
                for number in range(len(people.patterns()))
            ]
        if either:
            conditions[column] = f"coalesce({' or '.join(either)}, false)"
    return conditions


def _known(cell: str, kind: str) -> str:
    return f"{cell} in (select value from {VALUES} where kind = '{kind}')"


def _is_wordy(kind: str) -> bool:
    return not kind.endswith("INT") and kind not in ("INTEGER", "BLOB")

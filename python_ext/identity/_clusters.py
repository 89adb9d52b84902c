"""From records and accepted links to persons with a pseudonymous key."""

from __future__ import annotations

import numpy as np
import pandas as pd

from python_ext.frames import Schema

from ._groups import components
from ._households import find_households
from ._keys import current_keys, first_keys
from ._records import sorted_ids
from ._secret import record_key

SCHEMA = Schema(
    {
        "record_id": "string",
        "source_name": "string",
        "source_record_id": "string",
        "customer_key": "string",
        "cluster_size": "bigint",
        "link_rule": "string",
        "link_weight": "double",
        "is_representative": "boolean",
        "record_key": "string",
        "household_key": "string",
        "household_size": "bigint",
    },
    key=("record_id",),
)


def group_records(records: pd.DataFrame, links: pd.DataFrame, *, secret: bytes) -> pd.DataFrame:
    """Records with the number of their group, by the transitive closure of accepted links.

    Parameters
    ----------
    records
        One row per ``record_id``; also ``source_name``, ``source_record_id`` and
        ``first_seen_at`` (null where not known).
    links
        ``record_id_a``, ``record_id_b``, ``rule``, ``weight`` and ``is_accepted``. A link that is
        not accepted (false or null) is ignored.
    secret
        Key of the hash, see ``read_secret``.

    Returns
    -------
    pandas.DataFrame
        The records sorted by ``record_id`` (byte order), with ``record_key``, ``group`` (from 0),
        ``precedence`` (from 0: a record with a customer number before a guest, then the first
        seen, then the smallest id), ``link_rule`` and ``link_weight`` (of the strongest link).

    Raises
    ------
    ValueError
        If a record id is null or repeated, or an accepted link names an unknown record.
    """
    if records["record_id"].isna().any() or records["record_id"].duplicated().any():
        raise ValueError("record_id must be unique and never null")
    ids, order = sorted_ids(records["record_id"])
    rows = len(ids)
    accepted = links[links["is_accepted"].astype("boolean").fillna(False).astype(bool)]
    first, second = _endpoints(accepted, ids)
    apart = first != second
    first, second = first[apart], second[apart]
    rule, weight = _strongest_link(
        first,
        second,
        accepted["rule"].fillna("unnamed").to_numpy(dtype=object)[apart],
        accepted["weight"].to_numpy(dtype=float, na_value=np.nan)[apart],
        rows,
    )
    ordered = records.iloc[order].reset_index(drop=True)
    is_guest = np.asarray(ids.str.startswith("guest:"), dtype=bool) if rows else np.empty(0)
    seen = pd.to_datetime(ordered["first_seen_at"]).fillna(pd.Timestamp.max).to_numpy()
    precedence = np.empty(rows, dtype=np.int64)
    precedence[np.lexsort((np.arange(rows), seen, is_guest))] = np.arange(rows)
    return ordered.assign(
        record_id=ids.to_numpy(),
        record_key=[record_key(name, secret=secret) for name in ids],
        group=components(first, second, rows),
        precedence=precedence,
        link_rule=rule,
        link_weight=weight,
    )


def resolve_identities(
    records: pd.DataFrame,
    links: pd.DataFrame,
    *,
    secret: bytes,
    remembered: pd.DataFrame | None = None,
    max_people_per_household: int = 8,
) -> pd.DataFrame:
    """Group records into persons, and persons into households.

    Parameters
    ----------
    records, links, secret
        As in ``group_records``. For households the records also bring the attributes of
        ``find_households``.
    remembered
        ``KEYS_SCHEMA`` of ``remember_keys`` for these records. Without it every person gets the
        ``record_key`` of its first record by precedence. So a guest order, or a duplicate created
        later, of a known customer changes no key even then.
    max_people_per_household
        An address, phone or e-mail of more people than that makes no household.

    Returns
    -------
    pandas.DataFrame
        Columns of ``SCHEMA``, sorted by ``record_id``.

    Raises
    ------
    ValueError
        As in ``group_records``, or if a record is not remembered.
    """
    grouped = group_records(records, links, secret=secret)
    key = first_keys(grouped) if remembered is None else current_keys(grouped, remembered)
    grouped = grouped.assign(customer_key=key)
    # The record whose hash the key is; where that record is gone, the first by precedence.
    order = grouped.assign(other=grouped["record_key"] != grouped["customer_key"]).sort_values(
        ["group", "other", "precedence"], kind="stable"
    )
    representative = order.drop_duplicates("group").index
    persons = grouped.assign(
        cluster_size=grouped.groupby("group")["group"].transform("size"),
        is_representative=grouped.index.isin(representative),
    )
    households = find_households(
        persons, secret=secret, max_people_per_household=max_people_per_household
    )
    return persons.merge(households, on="customer_key", how="left")[list(SCHEMA)]


def _endpoints(links: pd.DataFrame, ids: pd.Index) -> tuple[np.ndarray, np.ndarray]:
    ends = []
    for column in ("record_id_a", "record_id_b"):
        position = ids.get_indexer(pd.Index(links[column]))
        strangers = int((position < 0).sum())
        if strangers:
            # A record id may hold an e-mail address, so the message counts and does not name.
            raise ValueError(
                f"{strangers} accepted links name a {column} that is no record: "
                "build the links and the records together"
            )
        ends.append(position)
    return ends[0], ends[1]


def _strongest_link(
    first: np.ndarray, second: np.ndarray, rule: np.ndarray, weight: np.ndarray, rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rule and weight of each record's strongest link; of equals, the first rule by name."""
    best_rule = np.full(rows, "none", dtype=object)
    best_weight = np.full(rows, np.nan)
    record = np.concatenate([first, second])
    codes, rules = pd.factorize(pd.Series(rule, dtype=object), sort=True)
    code, strength = np.tile(codes, 2), np.tile(weight, 2)
    order = np.lexsort((code, -np.nan_to_num(strength, nan=-np.inf), record))
    found, position = np.unique(record[order], return_index=True)
    chosen = order[position]
    best_rule[found] = np.asarray(rules, dtype=object)[code[chosen]]
    best_weight[found] = strength[chosen]
    return best_rule, best_weight

"""Keys of persons that outlive merges, splits and rebuilds: a memory of keyed hashes only."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from itertools import chain, count

import numpy as np
import pandas as pd

from python_ext.frames import Schema

from ._secret import KEY_LENGTH

KEYS_SCHEMA = Schema(
    {
        "record_key": "string",
        "customer_key": "string",
        "known_from_on": "date",
        "assigned_on": "date",
        "is_current": "boolean",
    },
    key=("record_key", "customer_key"),
)


def first_keys(grouped: pd.DataFrame) -> np.ndarray:
    """Key of each record when nothing is remembered: the hash of its group's first record."""
    first = grouped.sort_values("precedence").drop_duplicates("group").set_index("group")
    return grouped["group"].map(first["record_key"]).to_numpy(dtype=object)


def current_keys(grouped: pd.DataFrame, remembered: pd.DataFrame) -> np.ndarray:
    """Key of each record as remembered.

    Raises
    ------
    ValueError
        If a record is not remembered, or one group has two keys: the memory is of other links.
    """
    current = remembered[remembered["is_current"].astype(bool)]
    key = grouped["record_key"].map(current.set_index("record_key")["customer_key"])
    strangers = int(key.isna().sum())
    if strangers or key.groupby(grouped["group"]).nunique().gt(1).any():
        raise ValueError(
            f"the memory of keys does not fit: {strangers} records are not in it, or a person has "
            "two keys. Build ml_record_keys and ml_customer_identities together."
        )
    return key.to_numpy(dtype=object)


def remember_keys(
    grouped: pd.DataFrame, memory: pd.DataFrame | None, *, as_of: date
) -> pd.DataFrame:
    """Give each group its key, and remember which record held which key since when.

    A group keeps a key one of its records held. When a key's records have gone to several groups,
    the group with the record that gave the key keeps it (if that record is gone, the group of the
    record that held it longest). When a group could keep several keys, the longest known one
    stays, of equals the one whose record comes first by precedence. A group without a key gets the
    hash of its first record that no other group holds as its key.

    Parameters
    ----------
    grouped
        Result of ``group_records``.
    memory
        Result of the last call; None or empty for the first.
    as_of
        Date of this build.

    Returns
    -------
    pandas.DataFrame
        Columns of ``KEYS_SCHEMA``: one row per record and key it ever held, of records that are
        not there now as well. The same input with the result as memory gives the result again.
    """
    today = pd.Timestamp(as_of)
    if memory is None or memory.empty:
        rows = pd.DataFrame({"record_key": grouped["record_key"]})
        rows = rows.assign(customer_key=first_keys(grouped), known_from_on=today, assigned_on=today)
        return _typed(rows.assign(is_current=True))
    memory = memory[list(KEYS_SCHEMA)].copy()
    for column in ("known_from_on", "assigned_on"):
        memory[column] = pd.to_datetime(memory[column])
    memory["is_current"] = memory["is_current"].astype(bool)
    key_of_group = _claimed(grouped, memory)
    grouped = grouped.assign(customer_key=_with_new_keys(grouped, key_of_group))

    now = grouped[["record_key", "customer_key"]]
    rows = memory.merge(now.assign(is_now=True), on=["record_key", "customer_key"], how="outer")
    is_now = rows["is_now"].astype("boolean").fillna(False).astype(bool)
    was_current = rows["is_current"].astype("boolean").fillna(False).astype(bool)
    is_here = rows["record_key"].isin(now["record_key"])
    rows["known_from_on"] = rows["known_from_on"].fillna(today)
    rows.loc[is_now & ~was_current, "assigned_on"] = today
    # Who is not there in this build keeps the key they had.
    rows["is_current"] = np.where(is_here, is_now, was_current)
    return _typed(rows)


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.assign(
        known_from_on=rows["known_from_on"].dt.date, assigned_on=rows["assigned_on"].dt.date
    )
    rows = rows.sort_values(list(KEYS_SCHEMA.key), ignore_index=True)
    return rows[list(KEYS_SCHEMA)]


def _claimed(grouped: pd.DataFrame, memory: pd.DataFrame) -> pd.Series:
    """The remembered key each group keeps, by number of the group."""
    held = memory[memory["is_current"]].merge(
        grouped[["record_key", "group", "precedence"]], on="record_key"
    )
    claims = held.assign(is_other=held["record_key"] != held["customer_key"])
    claims = claims.sort_values(
        ["customer_key", "is_other", "known_from_on", "precedence"], kind="stable"
    ).drop_duplicates("customer_key")
    known_since = memory.groupby("customer_key")["known_from_on"].min()
    giver = grouped.set_index("record_key")["precedence"]
    claims = claims.assign(
        known_since=claims["customer_key"].map(known_since),
        giver=claims["customer_key"].map(giver).fillna(len(grouped)),
    )
    claims = claims.sort_values(["group", "known_since", "giver", "customer_key"], kind="stable")
    return claims.drop_duplicates("group").set_index("group")["customer_key"]


def _with_new_keys(grouped: pd.DataFrame, key_of_group: pd.Series) -> np.ndarray:
    """Key of each record, with a new one for the groups that have none."""
    keys = key_of_group.to_dict()
    taken = set(keys.values())
    ordered = grouped.sort_values("precedence")
    for group, candidates in ordered[~ordered["group"].isin(keys)].groupby("group", sort=False):
        own = list(candidates["record_key"])
        # When all their keys went to others in earlier builds, a hash of the first one's is new.
        further = (sha256(f"{own[0]}#{n}".encode()).hexdigest()[:KEY_LENGTH] for n in count(2))
        keys[group] = next(key for key in chain(own, further) if key not in taken)
        taken.add(keys[group])
    return grouped["group"].map(keys).to_numpy(dtype=object)

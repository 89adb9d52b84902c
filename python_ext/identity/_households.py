"""Households: people at one address with one name, or with one phone or e-mail in one place."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ._groups import components
from ._records import PREPARED, connect, prepare
from ._secret import household_key

_EVIDENCE = {
    "name_and_address": "last_name || '|' || address || '|' || postcode",
    "phone": "any_phone || '|' || postcode",
    "email": "any_email || '|' || postcode",
}


def find_households(
    persons: pd.DataFrame, *, secret: bytes, max_people_per_household: int
) -> pd.DataFrame:
    """Group persons into households.

    Two persons are of one household when they share the last name and the address with its
    postcode, or a phone or an e-mail together with the postcode: a number that was given to
    somebody else, or a colleague at the same switchboard, lives elsewhere.

    Parameters
    ----------
    persons
        One row per record: ``record_id``, ``customer_key``, ``precedence`` and any of the
        attributes of ``prepare``.
    secret
        Key of the hash.
    max_people_per_household
        What more people than that share is no household.

    Returns
    -------
    pandas.DataFrame
        One row per ``customer_key``: ``household_key`` and ``household_size`` (people).
    """
    people = (
        persons.sort_values("precedence")["customer_key"].drop_duplicates().reset_index(drop=True)
    )
    position = pd.Series(people.index, index=people)
    with connect() as connection:
        ids = prepare(connection, persons, max_records_per_key=len(persons) + 1)
        owner = persons.set_index("record_id")["customer_key"].map(position).reindex(ids)
        connection.register(
            "owners", pd.DataFrame({"unique_id": np.arange(len(ids)), "person": owner.to_numpy()})
        )
        # One statement each: DuckDB 1.5.5 waits for ever over a union of them, from a million on.
        evidence = pd.concat(
            connection.execute(
                f"""
                select min(person) over (partition by shared) as a, person as b
                from (
                    select distinct {expression} as shared, person
                    from {PREPARED} inner join owners using (unique_id)
                    where {expression} is not null
                )
                qualify count(*) over (partition by shared) between 2 and $limit
                """,
                {"limit": int(max_people_per_household)},
            ).df()
            for expression in _EVIDENCE.values()
        )
    household = components(evidence["a"].to_numpy(), evidence["b"].to_numpy(), len(people))
    household = _not_too_large(household, max_people_per_household)
    # The first member by precedence names the household.
    _, first, number, size = np.unique(
        household, return_index=True, return_inverse=True, return_counts=True
    )
    keys = np.array(
        [household_key(key, secret=secret) for key in people.to_numpy()[first]], dtype=object
    )
    return pd.DataFrame(
        {
            "customer_key": people,
            "household_key": keys[number] if len(people) else [],
            "household_size": size[number] if len(people) else [],
        }
    )


def _not_too_large(household: np.ndarray, limit: int) -> np.ndarray:
    """Chains of shared things that grow beyond a household fall back to single persons."""
    size = np.bincount(household) if len(household) else np.empty(0, dtype=int)
    alone = size[household] > limit
    result = household.copy()
    result[alone] = household.max(initial=0) + 1 + np.flatnonzero(alone)
    return result

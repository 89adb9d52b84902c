"""Which candidate links are taken: rules first, then the weight, each with its reason."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pandas as pd

from python_ext.frames import Schema

from ._groups import cut_groups
from ._matching import CANDIDATE_FLOOR, score_pairs
from ._records import compare, connect, prepare

SAME_EMAIL = "same_email"
SAME_PHONE = "same_phone_and_first_name"
MATCH_WEIGHT = "match_weight"

ACCEPTED_RULE = "accepted_rule"
ACCEPTED_WEIGHT = "accepted_weight"
BELOW_THRESHOLD = "below_threshold"
LEFT_TO_WEIGHT = "left_to_weight"
CONTRADICTING_PERSON = "contradicting_person"
SHARED_KEY = "shared_key"

LINKS_SCHEMA = Schema(
    {
        "record_id_a": "string",
        "record_id_b": "string",
        "rule": "string",
        "weight": "double",
        "records_with_key": "bigint",
        "decision": "string",
        "is_accepted": "boolean",
    },
    key=("record_id_a", "record_id_b", "rule"),
)


def link_records(
    records: pd.DataFrame,
    key_links: pd.DataFrame,
    *,
    model: dict[str, Any],
    match_threshold: float,
    max_records_per_key: int,
    max_records_per_person: int,
    twins_stay_apart: bool = True,
) -> pd.DataFrame:
    """Decide on every candidate link.

    Parameters
    ----------
    records
        One row per ``record_id`` with any of the attributes of ``prepare``.
    key_links
        Pairs that share an exact key: ``record_id_a``, ``record_id_b``, ``rule`` and
        ``records_with_key``.
    model
        Weights, see ``load_model``.
    match_threshold
        Least probability at which the weight alone joins two records.
    max_records_per_key
        A key that more records share joins nobody.
    max_records_per_person
        A group does not grow beyond it; its weakest links are cut.
    twins_stay_apart
        See ``compare``.

    Returns
    -------
    pandas.DataFrame
        Columns of ``LINKS_SCHEMA``, one row per pair and rule, sorted. ``weight`` is the
        probability that both are one person, 1 where there is nothing to compare but the key.
        The transitive closure of the accepted links is the persons.
    """
    # dbt may hand the flag over as text, and the text "False" is not empty.
    twins_stay_apart = str(twins_stay_apart).lower() == "true"
    with connect() as connection:
        ids = prepare(connection, records, max_records_per_key=max_records_per_key)
        links = _candidates(connection, ids, key_links, model=model)
        facts = compare(connection, links, twins_stay_apart=twins_stay_apart)
        links = _weighed(links, facts)
        links["decision"] = _decide(
            links, facts, threshold=match_threshold, max_records_per_key=max_records_per_key
        )
        _cut(
            connection,
            links,
            max_records_per_person=max_records_per_person,
            twins_stay_apart=twins_stay_apart,
        )
    links["is_accepted"] = links["decision"].isin([ACCEPTED_RULE, ACCEPTED_WEIGHT])
    names = ids.to_numpy()
    links = links.assign(record_id_a=names[links["a"]], record_id_b=names[links["b"]])
    return links[list(LINKS_SCHEMA)].reset_index(drop=True)


def _candidates(
    connection: duckdb.DuckDBPyConnection,
    ids: pd.Index,
    key_links: pd.DataFrame,
    *,
    model: dict[str, Any],
) -> pd.DataFrame:
    """Pairs of positions from exact keys and from blocks, with the weight where it is known."""
    scored = score_pairs(connection, model=model)
    ends = np.sort(
        np.stack([ids.get_indexer(key_links[f"record_id_{end}"]) for end in "ab"], axis=1), axis=1
    )
    if len(ends) and ends.min() < 0:
        raise ValueError("a link names a record_id that is no record")
    by_key = pd.DataFrame(ends, columns=["a", "b"]).assign(
        rule=key_links["rule"].to_numpy(),
        records_with_key=key_links["records_with_key"].to_numpy(),
    )
    by_key = by_key.merge(scored, on=["a", "b"], how="left")
    by_weight = scored.assign(rule=MATCH_WEIGHT, records_with_key=None)
    links = pd.concat([by_key, by_weight], ignore_index=True) if len(by_key) else by_weight
    links["records_with_key"] = links["records_with_key"].astype("Int64")
    return links.sort_values(["a", "b", "rule"], kind="stable", ignore_index=True)


def _weighed(links: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    """Fill in the weight of a key that could not be compared, or that was hopeless."""
    missing = links["weight"].isna()
    weight = links["weight"].astype(float).mask(missing & facts["is_nameless"], 1.0).fillna(0.0)
    return links.assign(weight=weight)


def _decide(
    links: pd.DataFrame, facts: pd.DataFrame, *, threshold: float, max_records_per_key: int
) -> np.ndarray:
    """Reason of each row, before groups are looked at."""
    is_email = links["rule"].eq(SAME_EMAIL)
    is_phone = links["rule"].eq(SAME_PHONE)
    # People who share the address of a family: a record that names nobody is nobody's.
    quarrelling = links.loc[is_email & facts["contradict"], ["a", "b"]].to_numpy().ravel()
    of_family = links["a"].isin(quarrelling) | links["b"].isin(quarrelling)
    too_many = links["records_with_key"].gt(max_records_per_key).fillna(False).astype(bool)
    rule_holds = (is_email | is_phone) & ~facts["dates_differ"]
    # One phone and one first name: in a household and behind a switchboard, not one person yet.
    strangers = facts["last_names_differ"] | links["weight"].lt(CANDIDATE_FLOOR)
    rule_holds &= ~(is_phone & strangers & ~facts["dates_agree"])
    # An e-mail that is not one person's does not make one of two last names either.
    rule_holds &= ~(is_email & of_family & facts["last_names_differ"] & ~facts["dates_agree"])
    return np.select(
        [
            too_many,
            facts["contradict"],
            is_email & facts["is_nameless"] & of_family,
            rule_holds,
            is_email | is_phone,
            links["weight"] >= threshold,
        ],
        [
            SHARED_KEY,
            CONTRADICTING_PERSON,
            SHARED_KEY,
            ACCEPTED_RULE,
            LEFT_TO_WEIGHT,
            ACCEPTED_WEIGHT,
        ],
        default=BELOW_THRESHOLD,
    ).astype(object)


def _cut(
    connection: duckdb.DuckDBPyConnection,
    links: pd.DataFrame,
    *,
    max_records_per_person: int,
    twins_stay_apart: bool,
) -> None:
    """Replace the decision of accepted links that a group cannot bear, in place."""
    accepted = links[links["decision"].isin([ACCEPTED_RULE, ACCEPTED_WEIGHT])]
    # A rule before a weight, a stronger weight before a weaker; of equals the first record.
    by_strength = accepted.assign(by_weight=accepted["decision"].eq(ACCEPTED_WEIGHT)).sort_values(
        ["by_weight", "weight", "a", "b"], ascending=[True, False, True, True], kind="stable"
    )

    def contradictions(pairs: pd.DataFrame) -> np.ndarray:
        return compare(connection, pairs, twins_stay_apart=twins_stay_apart)[
            "contradict"
        ].to_numpy()

    reasons = cut_groups(
        by_strength, contradictions=contradictions, max_records_per_person=max_records_per_person
    )
    links.loc[reasons.index, "decision"] = reasons

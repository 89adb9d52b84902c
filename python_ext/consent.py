"""The last look before anything is published: nobody against their will.

The consents are read where they came in (staging) and joined to people by the identity table, and
not from the flags that the models made of them, so that a mistake in those cannot hide itself. An
error of this module and an error of a model would have to agree to let a person through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from python_ext.errors import SegmentationError

BASES = ("legitimate_interest", "consent")

# By mart, which of its rows say something of a person that a profile says. A mart with a
# customer_key that stands neither here nor in FACTS is taken for a profile in every row.
PROFILES: Mapping[str, str] = {
    "customer_scores": "true",
    "customer_segments": (
        "segment_id <> -1 or coalesce(membership_probability, purchase_probability, "
        "churn_probability, engagement_score) is not null or value_tier is not null"
    ),
    "customer_value": "true",
    "segment_projection": "true",
    "segment_history": "true",
    "customer_rfm": "rfm_segment <> 'Not profiled' or coalesce(r_score, recency_days) is not null",
    "customer_engagement": (
        "lifecycle <> 'not_profiled' or coalesce(engagement_score, sessions, "
        "emails_delivered_365d) is not null"
    ),
    "audience_members": (
        "audience in (select audience from {schema}.audiences where is_profiling)"
    ),
}
FACTS = frozenset({"customers"})

_DECISIONS = """
with decided as (
    select
        customer_id, purpose, coalesce(status, 'unknown') <> 'granted' as is_withdrawal,
        recorded_at, rejection_reason
    from {staging}.stg_crm__consents
    union all
    select customer_id, 'email_marketing', true, event_at, rejection_reason
    from {staging}.stg_email__events
    where event_name = 'unsubscribe'
),
people as (
    select customer_key, record_id, {folded_record} as number
    from {ml}.ml_customer_identities
    where record_id like 'id:%'
),
-- Records that nobody was found for yet, with the address of one other: of an address of many it is
-- not said whose it is.
strangers as materialized (
    select customer_id, email
    from (
        select *, count(*) over (partition by email) as records
        from {staging}.stg_crm__customers
        where rejection_reason is null and email is not null
    )
    where records = 2 and 'id:' || customer_id not in (select record_id from people)
),
-- Only an accepted row under the very number can grant. A withdrawal counts whatever is wrong with
-- its row; without a date that can be true (null here) no grant undoes it.
known as (
    select people.customer_key, people.record_id, purpose, is_withdrawal, recorded_at
    from decided
    inner join people on people.record_id = 'id:' || decided.customer_id
    where decided.rejection_reason is null
    union all
    select
        people.customer_key, people.record_id, purposes.purpose, true,
        case
            when decided.rejection_reason is null
                or decided.rejection_reason not in ('unreadable_date', 'implausible_date')
                then recorded_at
        end
    from decided
    inner join people on people.number = {folded_number}
    inner join (select unnest(['email_marketing', 'profiling', 'ad_targeting']) as purpose)
        as purposes
        on purposes.purpose = decided.purpose
        or coalesce(decided.purpose, '')
            not in ('email_marketing', 'profiling', 'ad_targeting')
    where is_withdrawal and (
        decided.rejection_reason is not null
        or 'id:' || decided.customer_id not in (select record_id from people)
    )
    union all
    -- They withdraw for whoever has their address.
    select people.customer_key, people.record_id, decided.purpose, true, recorded_at
    from decided
    inner join strangers on strangers.customer_id = decided.customer_id
    inner join {staging}.stg_crm__customers as others
        on others.email = strangers.email and others.rejection_reason is null
    inner join people on people.record_id = 'id:' || others.customer_id
    where is_withdrawal
),
grants as (
    select known.*
    from known, {intermediate}.int_as_of_date as as_of
    where not known.is_withdrawal and known.recorded_at < as_of.as_of_date
),
refusals as (
    select distinct customer_key, purpose
    from known
    where is_withdrawal and not exists (
        select 1
        from grants
        where grants.record_id = known.record_id
            and grants.purpose = known.purpose
            and grants.recorded_at > known.recorded_at
    )
),
agreements as (
    select customer_key, purpose from grants
    except
    select customer_key, purpose from refusals
)
"""


@dataclass(frozen=True)
class Forbidden:
    """Rows of a mart that a consent forbids.

    Attributes
    ----------
    mart : str
        Name of the mart.
    purpose : str
        The consent they need.
    rows, customers : int
        How many rows, of how many customers.
    """

    mart: str
    purpose: str
    rows: int
    customers: int


def forbidden_rows(
    connection: duckdb.DuckDBPyConnection, catalog: str, *, profiling_basis: str
) -> list[Forbidden]:
    """Rows of the marts that belong to a person whose present consent forbids them.

    Parameters
    ----------
    connection
        With the warehouse attached.
    catalog
        Name it is attached as.
    profiling_basis
        ``legitimate_interest``: a profile is forbidden of who objected to profiling; ``consent``:
        of everybody who did not agree to it.

    Returns
    -------
    list of Forbidden
        Empty when there is none.

    Raises
    ------
    SegmentationError
        The basis is unknown.
    """
    if profiling_basis not in BASES:
        raise SegmentationError(
            f"profiling_basis is {profiling_basis!r}; write {' or '.join(BASES)}."
        )
    marts = _person_marts(connection, catalog)
    decisions = _DECISIONS.format(
        folded_record=_folded("substr(record_id, 4)"),
        folded_number=_folded("decided.customer_id"),
        **{layer: f'"{catalog}".{layer}' for layer in ("staging", "ml", "intermediate")},
    )
    banned = (
        "customer_key in (select customer_key from refusals where purpose = 'profiling')"
        if profiling_basis == "legitimate_interest"
        else "customer_key not in (select customer_key from agreements where purpose = 'profiling')"
    )
    found = []
    schema = f'"{catalog}".marts'
    for mart in sorted(marts - FACTS):
        is_profile = PROFILES.get(mart, "true").format(schema=schema)
        rows, customers = connection.execute(
            f'{decisions} select count(*), count(distinct customer_key) from {schema}."{mart}" '
            f"where ({is_profile}) and {banned}"
        ).fetchone()
        if rows:
            found.append(Forbidden(mart, "profiling", rows, customers))
    if "audience_members" in marts:
        for purpose, rows, customers in connection.execute(
            f"{decisions} select audiences.purpose, count(*), count(distinct customer_key) "
            f"from {schema}.audience_members "
            f"inner join {schema}.audiences using (audience) "
            "anti join agreements using (customer_key, purpose) "
            "group by audiences.purpose order by 1"
        ).fetchall():
            found.append(Forbidden("audience_members", purpose, rows, customers))
    return found


def refuse_forbidden(
    connection: duckdb.DuckDBPyConnection, catalog: str, *, profiling_basis: str
) -> None:
    """Raise when there are such rows; parameters as in ``forbidden_rows``.

    Raises
    ------
    SegmentationError
        Says how many rows of which mart, and never of whom.
    """
    if found := forbidden_rows(connection, catalog, profiling_basis=profiling_basis):
        told = "; ".join(
            f"{item.rows} rows of {item.customers} customers in {item.mart} (consent to "
            f"{item.purpose})"
            for item in found
        )
        raise SegmentationError(
            f"Nothing was published: the present consents forbid {told}. What was published before "
            "is unchanged. Build again, so that the marts follow the consents; if this stays, a "
            "model lets through who objected. (A mart that states facts and no profile is listed "
            "in FACTS of python_ext/consent.py.)"
        )


def _folded(number: str) -> str:
    """SQL for a customer number however it was typed: case, blanks, zeros, decimals."""
    whole = f"regexp_replace(lower(trim({number})), '[.]0+$', '')"
    return f"ltrim(regexp_replace({whole}, '[^a-z0-9]', '', 'g'), '0')"


def _person_marts(connection: duckdb.DuckDBPyConnection, catalog: str) -> set[str]:
    """Marts with a row per person, told by their customer_key."""
    return {
        name
        for (name,) in connection.execute(
            "select table_name from duckdb_columns() where database_name = ? "
            "and schema_name = 'marts' and column_name = 'customer_key'",
            [catalog],
        ).fetchall()
    }

"""What the warehouse had seen of each customer before a cutoff, as the ceiling reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb
import pandas as pd

from python_ext.synth import attainable_purchase_probability


@dataclass(frozen=True)
class Observed:
    """Arguments of ``attainable_purchase_probability`` before one cutoff.

    Attributes
    ----------
    on, ends_on
        First day of the label window and the day after its last.
    customers, purchases, visits, mails, campaigns
        See there; the index of ``customers`` is customer_key.
    """

    on: date
    ends_on: date
    customers: pd.DataFrame
    purchases: pd.DataFrame
    visits: pd.DataFrame
    mails: pd.DataFrame
    campaigns: pd.Series

    @property
    def horizon_days(self) -> int:
        """Length of the label window."""
        return (self.ends_on - self.on).days

    def attainable(self, end_on: date) -> pd.Series:
        """Probability of a purchase in the window that these observations allow.

        Parameters
        ----------
        end_on
            Last day of the generated history.
        """
        return attainable_purchase_probability(
            self.customers,
            self.purchases,
            on=self.on,
            horizon_days=self.horizon_days,
            end_on=end_on,
            visits=self.visits,
            mails=self.mails,
            campaigns=self.campaigns,
        )


def read_observed(
    connection: duckdb.DuckDBPyConnection, *, cutoff: str, end_on: date
) -> Observed | None:
    """Read what was known of every customer with a purchase before a cutoff.

    Parameters
    ----------
    connection
        Warehouse of a build.
    cutoff
        Name of a cutoff.
    end_on
        Last day of the generated history, on which ages are counted.

    Returns
    -------
    Observed or None
        None if there is no such cutoff.

    Raises
    ------
    duckdb.Error
        If the warehouse lacks a relation.
    """
    window = connection.execute(
        "select cutoff_on, label_ends_on from intermediate.int_cutoffs where cutoff_name = ?",
        [cutoff],
    ).fetchone()
    if window is None:
        return None
    on, ends_on = (pd.Timestamp(day).date() for day in window)
    frames = {
        name: connection.execute(query, {"cutoff": on}).df()
        for name, query in {"customers": _CUSTOMERS, **_EVENTS}.items()
    }
    lines = connection.execute(_LINES, {"cutoff": on}).df()
    customers = frames["customers"].set_index("customer")
    counts = lines.pivot(index="customer", columns="category", values="lines")
    customers = customers.join(counts.fillna(0).add_prefix("lines_"))
    born = pd.to_datetime(customers.pop("birth_on"))
    customers["age"] = (pd.Timestamp(end_on) - born).dt.days / 365.25
    customers["is_female"] = customers.pop("gender").map({"f": True, "m": False})
    campaigns = connection.execute(_CAMPAIGNS).df()["sent_at"]
    return Observed(
        on=on,
        ends_on=ends_on,
        customers=customers,
        purchases=frames["purchases"],
        visits=frames["visits"],
        mails=frames["mails"],
        campaigns=campaigns,
    )


_CUSTOMERS = """
with bought as (
    select
        customer_key,
        count(*) as orders,
        count(*) filter (where discount_revenue > 0) as discounted_orders,
        count(*) filter (where channel = 'web') as web_orders,
        count(*) filter (where returned_revenue > 0) as returned_orders
    from intermediate.int_orders_netted
    where is_purchase and customer_key is not null and ordered_at < $cutoff
    group by customer_key
),

mailable as (
    select distinct customer_key
    from intermediate.int_consents_over_time
    where purpose = 'email_marketing' and is_granted
        and valid_from < $cutoff and (valid_to is null or valid_to >= $cutoff)
)

select
    bought.customer_key as customer,
    bought.orders,
    bought.discounted_orders,
    bought.web_orders,
    bought.returned_orders,
    people.first_recorded_at as known_on,
    people.birth_on,
    people.gender,
    mailable.customer_key is not null as is_mailable
from bought
left join intermediate.int_customers_merged as people using (customer_key)
left join mailable using (customer_key)
order by customer
"""

_LINES = """
select customer_key as customer, category, count(*) as lines
from intermediate.int_order_lines_netted
where is_sale and customer_key is not null and category is not null and ordered_at < $cutoff
group by customer_key, category
"""

# Visits that end in an order or a sign-up, or begin in a mail, say nothing beside those.
_EVENTS = {
    "purchases": """
        select customer_key as customer, ordered_on as day
        from intermediate.int_order_days
        where is_purchase_day and ordered_on < $cutoff
        """,
    "visits": """
        select customer_key as customer, cast(started_at as date) as day
        from intermediate.int_web_sessions
        where customer_key is not null and known_at < $cutoff
            and not has_conversion and utm_source is distinct from 'newsletter'
        """,
    "mails": """
        select
            customer_key as customer,
            cast(delivered_at as date) as day,
            coalesce(opened_at < $cutoff, false) as is_opened
        from intermediate.int_email_contacts
        where delivered_at < $cutoff
        """,
}

_CAMPAIGNS = """
select sent_at from staging.stg_email__campaigns
where rejection_reason is null and sent_at is not null
order by sent_at
"""

"""RFM and features as a pandas script makes them: everything in memory, no warehouse.

    python benchmarks/_pandas_features.py FOLDER OUT

FOLDER holds what the warehouse cleaned, as Parquet: ``orders``, ``events`` (of the web, with the
customer they belong to), ``emails``, ``cutoffs``. Writes ``OUT/rfm.parquet`` and
``OUT/features.parquet`` (one row per customer and cutoff), with the same definitions and names as
the marts, so that the two can be compared to the last row. Prints its seconds, imports left out.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

DAY = np.timedelta64(1, "D")
TIME_OUT = pd.Timedelta(minutes=30)
KEY = ["customer_key", "cutoff_name"]


def order_days(orders: pd.DataFrame) -> pd.DataFrame:
    """One row per customer and day with an order."""
    orders = orders[orders["customer_key"].notna()].copy()
    orders["purchases"] = orders["is_purchase"].astype(int)
    orders["web_purchases"] = orders["purchases"] * (orders["channel"] == "web")
    orders["store_purchases"] = orders["purchases"] * (orders["channel"] == "store")
    sums = ["purchases", "web_purchases", "store_purchases", "items", "gross_revenue"]
    sums += ["discount_revenue", "returned_revenue", "net_revenue"]
    days = orders.groupby(["customer_key", "ordered_on"], as_index=False)[sums].sum()
    days["ordered_on"] = pd.to_datetime(days["ordered_on"])
    return days


def rfm(days: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Recency, frequency, monetary value and their fifths; ties share one position."""
    bought = days[(days["purchases"] > 0) & (days["ordered_on"] < as_of)]
    customers = bought.groupby("customer_key").agg(
        last=("ordered_on", "max"), frequency=("ordered_on", "size")
    )
    known = days[days["ordered_on"] < as_of]
    customers["monetary"] = known.groupby("customer_key")["net_revenue"].sum()
    customers["recency_days"] = (as_of - customers.pop("last")) // DAY
    for score, column, ascending in (
        ("r_score", "recency_days", False),
        ("f_score", "frequency", True),
        ("m_score", "monetary", True),
    ):
        ranks = customers[column].rank(method="average", ascending=ascending)
        position = (ranks - 0.5) / len(customers)
        customers[score] = np.minimum(np.floor(5 * position) + 1, 5).astype(int)
    return customers.reset_index()


def purchases(days: pd.DataFrame, cutoffs: pd.DataFrame) -> pd.DataFrame:
    """Purchase features of each customer and cutoff."""
    parts = []
    for cutoff in cutoffs.itertuples():
        known = days[days["ordered_on"] < cutoff.cutoff_on].copy()
        ago = (cutoff.cutoff_on - known["ordered_on"]) // DAY
        known["day"] = known["ordered_on"].where(known["purchases"] > 0)
        for window in (365, 90):
            inside = ago <= window
            known[f"frequency_{window}d"] = (inside & known["day"].notna()).astype(int)
            known[f"monetary_{window}d"] = known["net_revenue"].where(inside, 0)
        known["christmas"] = known["day"].dt.month.isin([11, 12]).astype(int)
        known["weekend"] = (known["day"].dt.dayofweek >= 5).astype(int)
        features = known.groupby("customer_key").agg(
            first=("day", "min"),
            last=("day", "max"),
            frequency=("day", "count"),
            frequency_365d=("frequency_365d", "sum"),
            frequency_90d=("frequency_90d", "sum"),
            purchases=("purchases", "sum"),
            web=("web_purchases", "sum"),
            store=("store_purchases", "sum"),
            items=("items", "sum"),
            gross=("gross_revenue", "sum"),
            discount=("discount_revenue", "sum"),
            returned=("returned_revenue", "sum"),
            monetary=("net_revenue", "sum"),
            monetary_365d=("monetary_365d", "sum"),
            monetary_90d=("monetary_90d", "sum"),
            christmas=("christmas", "sum"),
            weekend=("weekend", "sum"),
        )
        features = features[features["frequency"] > 0]
        gross = features["gross"].where(features["gross"] != 0)
        features["recency_days"] = (cutoff.cutoff_on - features["last"]) // DAY
        features["tenure_days"] = (cutoff.cutoff_on - features["first"]) // DAY
        features["mean_interpurchase_days"] = ((features["last"] - features["first"]) // DAY) / (
            features["frequency"] - 1
        ).where(features["frequency"] > 1)
        features["average_order_value"] = (features["gross"] - features["discount"]) / features[
            "purchases"
        ]
        features["items_per_order"] = features["items"] / features["purchases"]
        features["discount_rate"] = features["discount"] / gross
        features["return_rate"] = (features["returned"] / gross).clip(upper=1)
        features["web_order_share"] = features["web"] / (features["web"] + features["store"])
        features["christmas_share"] = features["christmas"] / features["frequency"]
        features["weekend_share"] = features["weekend"] / features["frequency"]
        drop = ["first", "last", "purchases", "web", "store", "items", "gross", "discount"]
        features = features.drop(columns=[*drop, "returned", "christmas", "weekend"])
        parts.append(features.reset_index().assign(cutoff_name=cutoff.cutoff_name))
    return pd.concat(parts, ignore_index=True)


def sessions(events: pd.DataFrame) -> pd.DataFrame:
    """One row per session: events of a visitor with less than the time-out between them."""
    events = events.sort_values(["visitor_id", "event_at", "event_id"], ignore_index=True)
    same = events["visitor_id"].eq(events["visitor_id"].shift())
    starts = ~same | (events["event_at"] - events["event_at"].shift() >= TIME_OUT)
    events["session"] = starts.cumsum()
    names = events["event_name"]
    events["pages"] = names.isin(["page_view", "view_product"]).astype(int)
    events["converted"] = names.isin(["purchase", "newsletter_signup"])
    events["cart"] = names.eq("add_to_cart")
    events["purchase"] = names.eq("purchase")
    grouped = events.groupby("session")
    found = grouped.agg(
        customer_key=("login_key", "first"),
        people=("login_key", "nunique"),
        owner_key=("owner_key", "first"),
        linked_at=("linked_at", "first"),
        pages=("pages", "sum"),
        seconds=("engagement_seconds", "sum"),
        converted=("converted", "any"),
        cart=("cart", "any"),
        purchase=("purchase", "any"),
        started_at=("event_at", "min"),
        ended_at=("event_at", "max"),
    )
    found.loc[found["people"] > 1, "customer_key"] = None
    unknown = found["people"] == 0
    found.loc[unknown, "customer_key"] = found.loc[unknown, "owner_key"]
    late = found["linked_at"].fillna(found["ended_at"])
    found["known_at"] = found["ended_at"].where(~unknown, np.maximum(found["ended_at"], late))
    found["is_engaged"] = (found["seconds"] > 10) | found["converted"] | (found["pages"] >= 2)
    return found[found["customer_key"].notna()]


def web_use(found: pd.DataFrame, cutoffs: pd.DataFrame) -> pd.DataFrame:
    """Web features of each customer and cutoff."""
    parts = []
    for cutoff in cutoffs.itertuples():
        known = found[found["known_at"] < cutoff.cutoff_on].copy()
        ago = (cutoff.cutoff_on - known["started_at"].dt.normalize()) // DAY
        last_90 = known["started_at"] >= cutoff.cutoff_on - 90 * DAY
        known["sessions_30d"] = (ago <= 30).astype(int)
        known["sessions_90d"] = last_90.astype(int)
        known["sessions_365d"] = (ago <= 365).astype(int)
        known["pages_90d"] = known["pages"].where(last_90, 0)
        known["engaged_minutes_90d"] = known["seconds"].where(last_90, 0) / 60
        known["left"] = (~known["purchase"]).where(known["cart"]).astype(float)
        known["engaged"] = known["is_engaged"].astype(float)
        features = known.groupby("customer_key").agg(
            sessions=("started_at", "size"),
            sessions_30d=("sessions_30d", "sum"),
            sessions_90d=("sessions_90d", "sum"),
            sessions_365d=("sessions_365d", "sum"),
            pages_90d=("pages_90d", "sum"),
            engaged_minutes_90d=("engaged_minutes_90d", "sum"),
            engaged_session_share=("engaged", "mean"),
            cart_abandonment_rate=("left", "mean"),
        )
        parts.append(features.reset_index().assign(cutoff_name=cutoff.cutoff_name))
    return pd.concat(parts, ignore_index=True)


def mail_response(emails: pd.DataFrame, cutoffs: pd.DataFrame) -> pd.DataFrame:
    """Mail features of each customer and cutoff."""
    parts = []
    for cutoff in cutoffs.itertuples():
        delivered = emails["delivered_at"]
        year_before = cutoff.cutoff_on - 365 * DAY
        known = emails[(delivered < cutoff.cutoff_on) & (delivered >= year_before)].copy()
        known["opened"] = known["opened_at"] < cutoff.cutoff_on
        known["clicked"] = known["clicked_at"] < cutoff.cutoff_on
        features = known.groupby("customer_key").agg(
            emails_delivered_365d=("opened", "size"),
            email_open_rate=("opened", "mean"),
            email_click_rate=("clicked", "mean"),
        )
        parts.append(features.reset_index().assign(cutoff_name=cutoff.cutoff_name))
    return pd.concat(parts, ignore_index=True)


def main() -> None:
    """Read, compute, write."""
    started = time.perf_counter()
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    cutoffs = pd.read_parquet(folder / "cutoffs.parquet")
    cutoffs["cutoff_on"] = pd.to_datetime(cutoffs["cutoff_on"])
    days = order_days(pd.read_parquet(folder / "orders.parquet"))
    as_of = cutoffs.loc[cutoffs["cutoff_name"] == "score", "cutoff_on"].iloc[0]
    rfm(days, as_of).to_parquet(out / "rfm.parquet")
    features = purchases(days, cutoffs)
    found = sessions(pd.read_parquet(folder / "events.parquet"))
    for part in (
        web_use(found, cutoffs),
        mail_response(pd.read_parquet(folder / "emails.parquet"), cutoffs),
    ):
        features = features.merge(part, on=KEY, how="left")
    features.to_parquet(out / "features.parquet")
    print(time.perf_counter() - started)


if __name__ == "__main__":
    main()

"""Scores beside what history allows, read from a warehouse with made-up events."""

from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pytest

from python_ext.propensity._metrics import expected_calibration_error
from python_ext.truth import (
    calibration_error_by_chance,
    driver_directions,
    process_agreement,
    read_observed,
)

END_ON = date(2026, 6, 30)


@pytest.fixture
def warehouse():
    """Two customers; each kind of event once before the cutoff, and once on its day."""
    with duckdb.connect() as connection:
        connection.execute(
            """
            create schema intermediate;
            create schema staging;
            create table intermediate.int_cutoffs as
            select 'test' as cutoff_name, date '2026-04-02' as cutoff_on,
                date '2026-07-01' as label_ends_on;
            create table intermediate.int_order_days as
            from (values ('a', date '2026-02-01', true), ('a', date '2026-02-03', false),
                ('a', date '2026-04-02', true), ('b', date '2026-03-01', true))
                as days(customer_key, ordered_on, is_purchase_day);
            create table intermediate.int_orders_netted as
            from (values
                ('a', timestamp '2026-02-01 10:00:00', true, 5.0, 0.0, 'web'),
                ('a', timestamp '2026-02-01 11:00:00', true, 0.0, 2.0, 'store'),
                ('a', timestamp '2026-02-03 11:00:00', false, 0.0, 2.0, 'store'),
                ('a', timestamp '2026-04-02 00:00:00', true, 5.0, 0.0, 'web'),
                ('b', timestamp '2026-03-01 10:00:00', true, 0.0, 0.0, 'store'))
                as orders(customer_key, ordered_at, is_purchase, discount_revenue,
                    returned_revenue, channel);
            create table intermediate.int_order_lines_netted as
            from (values
                ('a', timestamp '2026-02-01 10:00:00', true, 'gifts'),
                ('a', timestamp '2026-02-01 10:00:00', true, 'gifts'),
                ('a', timestamp '2026-04-02 00:00:00', true, 'beauty'),
                ('b', timestamp '2026-03-01 10:00:00', true, 'home'))
                as lines(customer_key, ordered_at, is_sale, category);
            create table intermediate.int_customers_merged as
            from (values ('a', timestamp '2026-02-01 09:00:00', date '1986-06-30', 'f'),
                ('b', null, null, null), ('c', null, null, 'm'))
                as people(customer_key, first_recorded_at, birth_on, gender);
            create table intermediate.int_consents_over_time as
            from (values
                ('a', 'email_marketing', true, timestamp '2026-04-01', null::timestamp),
                ('b', 'email_marketing', true, timestamp '2026-04-02', null),
                ('b', 'email_marketing', true, timestamp '2025-01-01', timestamp '2025-02-01'),
                ('b', 'profiling', true, timestamp '2025-01-01', null))
                as consents(customer_key, purpose, is_granted, valid_from, valid_to);
            create table intermediate.int_web_sessions as
            from (values
                ('a', timestamp '2026-03-05 10:00:00', timestamp '2026-03-05', false, null),
                ('a', timestamp '2026-03-06 10:00:00', timestamp '2026-03-06', true, null),
                ('a', timestamp '2026-03-07 10:00:00', timestamp '2026-03-07', false,
                    'newsletter'),
                ('a', timestamp '2026-03-08 10:00:00', timestamp '2026-04-02', false, null),
                (null, timestamp '2026-03-08 10:00:00', timestamp '2026-03-08', false, null))
                as sessions(customer_key, started_at, known_at, has_conversion, utm_source);
            create table intermediate.int_email_contacts as
            from (values
                ('a', timestamp '2026-03-05 10:00:00', timestamp '2026-03-06 10:00:00'),
                ('a', timestamp '2026-04-01 10:00:00', timestamp '2026-04-02 00:00:00'),
                ('b', timestamp '2026-03-05 10:00:00', null),
                ('b', timestamp '2026-04-02 00:00:00', null))
                as mails(customer_key, delivered_at, opened_at);
            create table staging.stg_email__campaigns as
            from (values (timestamp '2026-03-05', null), (null, null),
                (timestamp '2026-05-05', null), (timestamp '2026-05-06', 'The row has no key'))
                as campaigns(sent_at, rejection_reason);
            """
        )
        yield connection


def test_only_what_was_seen_before_the_cutoff_is_read(warehouse):
    seen = read_observed(warehouse, cutoff="test", end_on=END_ON)
    assert (seen.on, seen.horizon_days) == (date(2026, 4, 2), 90)
    assert seen.purchases["customer"].tolist() == ["a", "b"]
    a, b = seen.customers.loc["a"], seen.customers.loc["b"]
    columns = ["orders", "discounted_orders", "web_orders", "returned_orders"]
    assert a[columns].tolist() == [2, 1, 1, 1] and b[columns].tolist() == [1, 0, 0, 0]
    assert a["lines_gifts"] == 2 and "lines_beauty" not in seen.customers
    assert (a["is_mailable"], b["is_mailable"]) == (True, False)
    assert (a["is_female"], round(a["age"])) == (True, 40)
    assert np.isnan(b["age"]) and b[["is_female", "known_on"]].isna().all()
    # One that ended in an order, one from a mail, one credited later and a stranger's stay out.
    assert seen.visits["day"].dt.day.tolist() == [5]
    assert seen.mails[["customer", "is_opened"]].to_numpy().tolist() == [
        ["a", True],
        ["a", False],
        ["b", False],
    ]
    assert seen.campaigns.dt.month.tolist() == [3, 5]
    found = seen.attainable(END_ON)
    assert found.index.tolist() == ["a", "b"] and found.between(0.05, 0.95).all()
    assert read_observed(warehouse, cutoff="train_9", end_on=END_ON) is None


def test_calibration_error_of_chance_is_that_of_labels_drawn_from_the_scores():
    rng = np.random.default_rng(1)
    probability = rng.beta(1, 3, 4000)
    mean, rarely = calibration_error_by_chance(probability)
    fresh = [
        expected_calibration_error(rng.random(4000) < probability, probability) for _ in range(300)
    ]
    assert mean == pytest.approx(np.mean(fresh), rel=0.1)
    assert 0.01 < np.mean(np.array(fresh) > rarely) < 0.12
    # Scores off by three points are not explained by chance.
    off = np.clip(probability + 0.03, 0, 1)
    assert expected_calibration_error(rng.random(4000) < probability, off) > rarely
    assert calibration_error_by_chance(probability) == (mean, rarely)


def made_up_scores(target, probability):
    """Six people: two have stopped, one of the others buys in other months only."""
    oracle = np.array([0.0, 0.0, 0.0, 0.4, 0.6, 0.9])
    return pd.DataFrame(
        {
            "target": target,
            "probability": probability,
            "attainable": probability,
            "oracle": oracle if target == "purchase" else 1 - oracle,
            "is_customer": [False, False, True, True, True, True],
            "purchase_rate": [0.9, 0.2, 0.8, 0.1, 0.2, 0.3],
        }
    )


def test_a_score_that_follows_the_process_is_told_from_one_that_does_not():
    right = [0.05, 0.1, 0.2, 0.5, 0.6, 0.7]
    for target, probability in (("purchase", right), ("churn", [1 - p for p in right])):
        found = process_agreement(made_up_scores(target, probability))
        assert found.tolist() == pytest.approx([1.0, 1.0, 1.0, 1.0])
        contrary = process_agreement(made_up_scores(target, probability[::-1]))
        assert contrary[["stopped", "season", "rate"]].tolist() == [0.0, 0.0, -1.0]
    # With nobody out of season there is nothing to tell.
    rows = made_up_scores("purchase", right)
    rows.loc[2, "oracle"] = 0.1
    assert np.isnan(process_agreement(rows)["season"])


def test_drivers_are_held_against_the_direction_of_the_process():
    value = np.arange(1.0, 11.0)
    likely = value / 20

    def driver(feature, effect, attainable, of=value):
        return pd.DataFrame(
            {"feature": feature, "value": of, "effect": effect, "attainable": attainable}
        )

    drivers = pd.concat(
        [
            driver("frequency", value * 3, likely),
            driver("recency_days", value * 2, likely[::-1]),
            driver("weekend_share", value, likely),
            driver("favourite_category", value / 2, likely, of=np.nan),
            driver("tickets_365d", -value / 100, likely),
        ]
    )
    found = driver_directions(drivers).set_index("feature")
    assert found.index[0] == "frequency" and found["share"].sum() == pytest.approx(1)
    assert found.loc["frequency", "agrees"]
    # It raises the score where the process says it lowers the chance.
    assert not found.loc["recency_days", "agrees"]
    # It cannot matter at all: as a main driver it is wrong whatever its direction.
    assert found.loc["weekend_share", "is_main"] and not found.loc["weekend_share", "agrees"]
    small = pd.concat([drivers, driver("frequency", value * 100, likely)])
    assert driver_directions(small).set_index("feature").loc["weekend_share", "agrees"]
    assert found["agrees"].isna().tolist() == (found.index == "favourite_category").tolist()
    assert not found.loc["tickets_365d", "agrees"] and not found.loc["tickets_365d", "is_main"]

"""Identity in real builds: the known truth, the memory over builds, visitors and guests."""

import duckdb
import pandas as pd
import pytest
from conftest import run_dbt

from python_ext.identity import _evaluation as evaluation

IDENTITY = "+identity_links +customer_key_changes"


def read(build, query):
    with duckdb.connect(str(build.database), read_only=True) as connection:
        return connection.sql(query).df()


@pytest.fixture(scope="module")
def people(demo_build, demo_data):
    """Records of the build with the person behind each."""
    truth = pd.read_parquet(demo_data / "_truth" / "records.parquet")
    found = read(demo_build, "from ml.ml_customer_identities")
    return found.merge(truth[["record_id", "person_id"]], on="record_id")


def test_records_become_the_true_people(people):
    figures = evaluation.judge(people["customer_key"], people["person_id"])
    assert figures["precision"] >= 0.98
    assert figures["recall"] >= 0.98


def test_fuzzy_duplicates_and_chains_are_found(people, demo_data):
    truth = pd.read_parquet(demo_data / "_truth" / "records.parquet")
    fuzzy = truth.loc[truth["defect"].eq("fuzzy_duplicate").fillna(False), "person_id"]
    found = people[people["person_id"].isin(fuzzy)].groupby("person_id")["customer_key"].nunique()
    assert len(found) > 10 and (found == 1).mean() >= 0.95
    chained = people[people["source_name"] == "crm.customers"].groupby("person_id")
    chained = chained["customer_key"].agg(["size", "nunique"])
    assert (chained.loc[chained["size"] >= 4, "nunique"] == 1).all()
    assert (chained["size"] >= 4).any()


def test_households_are_those_of_the_truth(people, demo_data):
    household = pd.read_parquet(demo_data / "_truth" / "people.parquet").set_index("person_id")
    one_each = people.drop_duplicates("person_id")
    figures = evaluation.judge(
        one_each["household_key"], one_each["person_id"].map(household["household_id"])
    )
    assert figures["precision"] >= 0.95
    # One in ten has a last name of their own; without a common phone nothing tells.
    assert figures["recall"] >= 0.7


def test_a_household_is_no_person(demo_build):
    sizes = demo_build.rows(
        "select count(*) from marts.customers where household_size <> (select count(*) from "
        "marts.customers as other where other.household_key = customers.household_key)"
    )
    assert sizes == [(0,)]
    shared = demo_build.rows(
        "select count(*) from marts.customers where household_key = customer_key"
    )
    assert shared == [(0,)]


def test_visitors_belong_to_the_true_person(demo_build, people, demo_data):
    visitors = pd.read_parquet(demo_data / "_truth" / "visitors.parquet")
    linked = read(demo_build, "from intermediate.int_visitors_linked")
    person = people.drop_duplicates("customer_key").set_index("customer_key")["person_id"]
    known = linked.dropna(subset=["customer_key"]).merge(
        visitors[~visitors["is_shared"]], on="visitor_id"
    )
    assert len(known) > 100
    assert (known["customer_key"].map(person) == known["person_id"]).mean() >= 0.98
    # Seen with two people: nobody's. The second may never have logged in, or be the same person.
    shared = linked[linked["people"] > 1]
    assert shared["customer_key"].isna().all()
    assert set(shared["visitor_id"]) <= set(visitors.loc[visitors["is_shared"], "visitor_id"])
    first = read(
        demo_build,
        "select visitor_id, min(event_at) as event_at from staging.stg_web__events "
        "where rejection_reason is null and customer_id is not null group by visitor_id",
    ).set_index("visitor_id")["event_at"]
    linked_at = linked.set_index("visitor_id")["linked_at"]
    assert (linked_at == first.reindex(linked_at.index)).all()


def test_guest_orders_belong_to_the_known_person(people):
    guests = people[people["record_id"].str.startswith("guest:")]
    crm = people[people["source_name"] == "crm.customers"]
    keys = crm.groupby("person_id")["customer_key"].agg(set)
    of_known = guests[guests["person_id"].isin(keys.index)]
    assert len(of_known) > 10
    joined = [row.customer_key in keys[row.person_id] for row in of_known.itertuples(index=False)]
    # The address of a family is nobody's, so a guest order with it stays alone.
    assert sum(joined) / len(joined) >= 0.95


def test_published_links_name_nobody_and_agree_with_the_customers(demo_build):
    rows = demo_build.rows(
        "select count(*), count(*) filter (where is_accepted <> (decision like 'accepted%')), "
        "count(*) filter (where is_accepted and customer_key_a <> customer_key_b) "
        "from marts.identity_links"
    )
    assert rows[0][0] > 50 and rows[0][1:] == (0, 0)
    assert demo_build.rows("select count(*) from marts.customer_key_changes") == [(0,)]


@pytest.fixture(scope="module")
def grown(demo_data, tmp_path_factory):
    """One warehouse: as of a past date, in full, again from the same staging, and refreshed."""
    folder = tmp_path_factory.mktemp("grown")
    settings = ["--select", *IDENTITY.split()]
    # Built again from the same staging.
    same = ("--exclude", "resource_type:seed", "path:models/staging")
    states = []
    for extra, variables in (
        ((), {"as_of_date": "2025-01-01"}),
        ((), {}),
        (same, {}),
        ((*same, "--full-refresh"), {}),
    ):
        build = run_dbt(
            *("build", *settings, *extra),
            folder=folder,
            raw_data=demo_data,
            variables=variables,
            alone=extra == same,
        )
        assert build.returncode == 0, build.output[-3000:]
        states.append(
            {
                table: read(build, f"from {table} order by all")
                for table in (
                    "ml.ml_record_keys",
                    "ml.ml_customer_identities",
                    "marts.customer_key_changes",
                )
            }
        )
    leftovers = read(build, "from information_schema.tables where table_name like '%dbt_tmp%'")
    assert leftovers.empty, "temporary tables stay in the warehouse"
    return states


def test_keys_stay_when_records_arrive(grown):
    before, after = (state["ml.ml_customer_identities"] for state in grown[:2])
    both = before.merge(after, on="record_id", suffixes=("", "_after"))
    assert len(after) > len(both) == len(before) > 100
    changes = grown[1]["marts.customer_key_changes"]
    moved = both[both["customer_key"] != both["customer_key_after"]]
    assert set(zip(moved["customer_key"], moved["customer_key_after"], strict=True)) == set(
        zip(changes["old_customer_key"], changes["new_customer_key"], strict=True)
    )
    # A record that arrived later brought some of these together, nothing else.
    assert len(moved) <= 0.02 * len(both)


@pytest.mark.parametrize("later", [2, 3])
def test_a_rebuild_changes_nothing_even_a_full_refresh(later, grown):
    for table, rows in grown[1].items():
        pd.testing.assert_frame_equal(rows, grown[later][table])

"""Real builds of one warehouse, month after month: what is kept, remembered and forgotten."""

import shutil

import duckdb
import pandas as pd
import pytest
from conftest import Build, run_dbt

SELECT = ("+segment_migrations", "+segment_events", "+segment_history")
FIRST, SECOND = "2026-05-01", "2026-06-01"
# What stands before the segments and stays the same when a date is built again.
UNCHANGED = (
    *("resource_type:seed", "path:models/staging", "path:models/intermediate"),
    *("path:models/ml/identity", "path:models/ml/lifetimes"),
)
TABLES = (
    "ml.ml_segment_models",
    "ml.ml_segment_events",
    "ml.ml_segment_history",
    "ml.ml_customer_clusters",
    "marts.segment_history",
    "marts.segment_migrations",
)


def read(build, query):
    with duckdb.connect(str(build.database), read_only=True) as connection:
        return connection.sql(query).df()


def state(build):
    return {table: read(build, f"from {table} order by all") for table in TABLES}


def run(folder, raw_data, as_of, *extra, alone=False, **variables):
    build = run_dbt(
        *("build", "--select", *SELECT),
        *extra,
        folder=folder,
        raw_data=raw_data,
        variables={"as_of_date": as_of, "k_anonymity": 1, **variables},
        alone=alone,
    )
    assert build.returncode == 0, build.output[-3000:]
    return build


@pytest.fixture(scope="module")
def months(demo_data, tmp_path_factory):
    """As of one month, the next, the next again, the next refreshed, and the next fitted anew."""
    folder = tmp_path_factory.mktemp("months")
    raw_data = folder / "raw"
    shutil.copytree(demo_data, raw_data)
    again = ("--exclude", *UNCHANGED)
    states = [
        state(run(folder, raw_data, FIRST)),
        state(run(folder, raw_data, SECOND)),
        state(run(folder, raw_data, SECOND, *again, alone=True)),
        state(run(folder, raw_data, SECOND, "--full-refresh", *again)),
        state(run(folder, raw_data, SECOND, *again, segments_refit="always")),
    ]
    leftovers = read(run_of(folder, raw_data), "from duckdb_tables() where table_name like '%tmp%'")
    assert leftovers.empty
    return folder, raw_data, states


def run_of(folder, raw_data):
    return Build(folder, raw_data, 0, "")


def of_main(table):
    return table[(table["view"] == "all") & table["is_chosen"]].sort_values("as_of_date")


def test_the_first_run_looks_back_and_the_second_keeps_the_model(months):
    first, second = months[2][:2]
    assert list(of_main(first["ml.ml_segment_models"])["decision"]) == ["fitted"]
    runs = of_main(second["ml.ml_segment_models"])
    assert list(runs["decision"]) == ["fitted", "kept"]
    assert runs["model_id"].nunique() == 1
    backcast = first["marts.segment_history"]
    assert backcast["is_backcast"].any() and not backcast["is_backcast"].all()
    assert first["marts.segment_migrations"]["is_backcast"].all()
    migrations = second["marts.segment_migrations"]
    assert not migrations.loc[migrations["as_of_date"] == pd.Timestamp(SECOND), "is_backcast"].any()
    assert set(migrations["cause"]) <= {"none", "customer"}


def test_two_builds_and_a_refresh_give_the_same_tables(months):
    _, second, again, refreshed = months[2][:4]
    for table in TABLES:
        pd.testing.assert_frame_equal(second[table], again[table])
        pd.testing.assert_frame_equal(second[table], refreshed[table])


def test_everybody_is_counted_once(months):
    """All rows of a date add up to the customers of the segments before and after."""
    for build, as_of in ((months[2][0], FIRST), (months[2][1], SECOND), (months[2][4], SECOND)):
        migrations = build["marts.segment_migrations"]
        today = migrations[migrations["as_of_date"] == pd.Timestamp(as_of)]
        arrived = today[today["to_segment_id"] > 0].groupby("to_segment_id")["customers"].sum()
        clusters = build["ml.ml_customer_clusters"].query("view == 'all'")
        sizes = clusters.groupby("segment_id")["customer_key"].count()
        assert arrived.to_dict() == sizes.to_dict()


def test_a_new_fit_keeps_the_ids_and_says_whom_the_model_moved(months):
    before, after = months[2][1], months[2][4]
    assert list(of_main(after["ml.ml_segment_models"])["decision"]) == ["fitted", "fitted"]
    events = after["ml.ml_segment_events"].query("view == 'all' and level == 'segment'")
    events = events[events["as_of_date"] == pd.Timestamp(SECOND)]
    old = set(before["ml.ml_customer_clusters"].query("view == 'all'")["segment_id"])
    kept = set(events.loc[events["event"] == "kept", "segment_id"])
    assert len(kept & old) >= 0.9 * len(old)
    clusters = after["ml.ml_customer_clusters"].query("view == 'all'")
    moved = clusters[clusters["segment_id"] != clusters["previous_model_segment_id"]]
    causes = after["marts.segment_history"].query("change_type == 'moved'")
    causes = causes[causes["as_of_date"] == pd.Timestamp(SECOND)]
    by_model = causes[causes["cause"].isin(["model", "both"])]
    assert set(by_model["customer_key"]) <= set(moved["customer_key"])


def test_who_objects_is_forgotten(months):
    folder, raw_data, states = months
    history = states[-1]["ml.ml_segment_history"]
    identities = read(
        run_of(folder, raw_data),
        "select customer_key, substr(record_id, 4) as customer_id from ml.ml_customer_identities "
        "where record_id like 'id:%'",
    )
    person = identities[identities["customer_key"].isin(history["customer_key"])].iloc[0]
    file = raw_data / "crm" / "consents.parquet"
    consents = pd.read_parquet(file)
    withdrawal = pd.DataFrame(
        {
            "consent_event_id": ["planted"],
            "customer_id": [person["customer_id"]],
            "purpose": ["profiling"],
            "status": ["withdrawn"],
            "recorded_at": [pd.Timestamp("2026-05-15")],
        }
    )
    kinds = consents.dtypes.to_dict()
    pd.concat([consents, withdrawal]).astype(kinds).to_parquet(file)
    after = state(run(folder, raw_data, SECOND))
    for table in ("ml.ml_segment_history", "marts.segment_history"):
        assert person["customer_key"] not in set(after[table]["customer_key"])
        assert after[table]["customer_key"].nunique() == history["customer_key"].nunique() - 1

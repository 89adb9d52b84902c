"""Drift in a real build: what is compared, against pandas, and what the build says."""

import json
import shutil

import duckdb
import numpy as np
import pandas as pd
import pytest
from conftest import Build, run_dbt


def test_every_feature_that_learns_and_every_score_is_compared(demo_build):
    compared = {row[0] for row in demo_build.rows("select feature from marts.feature_drift")}
    learning = {
        row[0]
        for row in demo_build.rows(
            "select feature from reference.feature_definitions "
            "where in_propensity and view <> 'calendar'"
        )
    }
    scores = {
        f"score:{row[0]}"
        for row in demo_build.rows("select distinct target from marts.customer_scores")
    }
    assert len(learning) > 30 and len(scores) > 1
    assert compared == learning | scores


def test_a_first_build_of_an_undrifted_shop_raises_no_alarm(demo_build):
    assert demo_build.rows("select distinct alarm from marts.feature_drift") == [("none",)]
    assert demo_build.rows("select distinct comparison from marts.feature_drift") == [("cutoffs",)]
    assert demo_build.rows("select distinct verdict from marts.model_decay") == [("at_promotion",)]
    said = [line for line in demo_build.output.splitlines() if "WARNING" in line]
    assert not [line for line in said if "drift" in line or "decay" in line]


def test_psi_of_the_mart_is_that_of_pandas(demo_build):
    with duckdb.connect(str(demo_build.database), read_only=True) as connection:
        frame = connection.sql("from intermediate.int_customer_features where may_be_profiled").df()
    for feature in ("recency_days", "monetary_90d", "email_open_rate"):
        edges = frame.loc[frame["split"] != "score", feature].quantile(
            np.arange(1, 10) / 10, interpolation="lower"
        )
        bins = pd.IntervalIndex.from_breaks([-np.inf, *edges.unique(), np.inf])
        shares = []
        for name in ("test", "score"):
            values = frame.loc[frame["cutoff_name"] == name, feature]
            counts = pd.cut(values, bins).value_counts(sort=False, dropna=False).to_numpy()
            shares.append((np.maximum(counts, 0.5) / counts.sum(), counts))
        held = (shares[0][1] > 0) | (shares[1][1] > 0)
        before, now = shares[0][0][held], shares[1][0][held]
        expected = ((now - before) * np.log(now / before)).sum()
        found = demo_build.rows(
            "select psi, from_customers, to_customers from marts.feature_drift "
            f"where feature = '{feature}' and to_cutoff = 'score'"
        )
        assert found == [
            (pytest.approx(expected), shares[0][1].sum(), shares[1][1].sum()),
        ]


@pytest.fixture(scope="module")
def said(demo_build, tmp_path_factory) -> list[str]:
    """What the end of a build says of a warehouse with two drifts and a decay in it."""
    folder = tmp_path_factory.mktemp("drifted")
    shutil.copyfile(demo_build.database, folder / "build.duckdb")
    with duckdb.connect(str(folder / "build.duckdb")) as connection:
        for feature, alarm in (("frequency", "moderate"), ("score:purchase", "major")):
            connection.execute(
                f"update marts.feature_drift set alarm = '{alarm}' "
                f"where feature = '{feature}' and is_latest"
            )
        connection.execute(
            "update marts.model_decay set is_alarm = true "
            "where target = 'purchase' and metric = 'auc'"
        )
    results = [
        {"node": {"name": mart, "relation_name": f"marts.{mart}"}, "status": "success"}
        for mart in ("feature_drift", "model_decay")
    ]
    done: Build = run_dbt(
        "run-operation",
        "warn_of_drift",
        "--args",
        json.dumps({"results": results}),
        folder=folder,
        raw_data=demo_build.raw_data,
    )
    assert done.returncode == 0, done.output[-2000:]
    return [line[line.index("WARNING") :] for line in done.output.splitlines() if "WARNING" in line]


def test_the_build_names_what_drifted_the_worst_first_and_what_to_do(said):
    assert len(said) == 5
    assert said[0].startswith("WARNING: major drift: Score purchase (score:purchase), cutoffs of ")
    assert said[1].startswith("WARNING: moderate drift: Purchase days (frequency), cutoffs of ")
    assert "look at the source" in said[2]
    assert said[3].startswith("WARNING: decay: the auc of purchase (")
    assert "model_registry" in said[4]

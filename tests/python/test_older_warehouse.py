"""A warehouse whose memory is of an older version: the build says what to do."""

import duckdb
import pytest
from conftest import run_dbt

SMALL = ("build", "--select", "rfm_segments")


@pytest.mark.parametrize(
    ("table", "ddl", "missing"),
    [
        (
            "ml_segment_models",
            "(model_id varchar, k bigint, artefact blob, is_chosen boolean)",
            "view",
        ),
        ("ml_segment_names", "(segment_id bigint, segment varchar, first_seen_on date)", "view"),
        (
            "ml_propensity_models",
            "(model_id varchar, target varchar, is_champion boolean)",
            "as_of_date",
        ),
    ],
)
def test_memory_of_an_older_version_stops_the_build_in_words(
    demo_data, tmp_path, table, ddl, missing
):
    with duckdb.connect(str(tmp_path / "build.duckdb")) as connection:
        connection.execute(f"create schema ml; create table ml.{table} {ddl}")
    refused = run_dbt(*SMALL, folder=tmp_path, raw_data=demo_data)
    assert refused.returncode != 0
    said = " ".join(refused.output.split())
    assert f"ml.{table} of this warehouse is of an older version, without {missing}" in said
    assert f"(drop table ml.{table}) and build again" in said
    build_of = "select count(*) from duckdb_tables() where table_name = 'rfm_segments'"
    assert refused.rows(build_of) == [(0,)]
    with duckdb.connect(str(tmp_path / "build.duckdb")) as connection:
        connection.execute(f"drop table ml.{table}")
    passed = run_dbt(*SMALL, folder=tmp_path, raw_data=demo_data)
    assert passed.returncode == 0, passed.output[-2000:]

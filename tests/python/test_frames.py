"""The engine seam: types, samples, joins and batches on DuckDB."""

import datetime as dt
from types import SimpleNamespace

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from python_ext import frames

SCHEMA = frames.Schema(
    {
        "name": "string",
        "count": "bigint",
        "size": "double",
        "flag": "boolean",
        "day": "date",
        "moment": "timestamp",
        "blob": "binary",
    },
    key=("name",),
)


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        yield connection


def test_typed_table_casts_orders_and_sorts():
    rows = pd.DataFrame(
        {
            "flag": [True, None],
            "size": [np.nan, 2],
            "count": [1.0, np.nan],
            "name": ["b", "a"],
            "day": [pd.Timestamp("2024-02-29"), pd.NaT],
            "moment": [pd.Timestamp("2024-02-29 12:30:00"), pd.NaT],
            "blob": [b"\x00", None],
        }
    )
    table = frames.typed_table(rows, SCHEMA)
    assert table.schema == SCHEMA.to_arrow()
    assert table.to_pylist() == [
        dict.fromkeys(SCHEMA) | {"name": "a", "size": 2.0},
        {
            "name": "b",
            "count": 1,
            "size": None,
            "flag": True,
            "day": dt.date(2024, 2, 29),
            "moment": dt.datetime(2024, 2, 29, 12, 30),
            "blob": b"\x00",
        },
    ]


def test_all_null_and_empty_columns_keep_their_type(connection):
    nulls = frames.typed_relation([dict.fromkeys(SCHEMA) | {"name": "a"}], SCHEMA, connection)
    empty = frames.typed_relation([], SCHEMA, connection)
    assert nulls.schema == empty.schema == SCHEMA.to_arrow()
    assert (nulls.num_rows, empty.num_rows) == (1, 0)
    connection.register("nulls", nulls)
    types = dict(
        connection.execute("select column_name, column_type from (describe nulls)").fetchall()
    )
    assert types["size"] == "DOUBLE" and types["moment"] == "TIMESTAMP" and types["blob"] == "BLOB"


def test_missing_and_undeclared_columns_are_named():
    schema = frames.Schema({"a": "bigint", "b": "string"})
    with pytest.raises(ValueError, match=r"missing columns \['b'\], undeclared columns \['c'\]"):
        frames.typed_table(pd.DataFrame({"a": [1], "c": ["x"]}), schema)


@pytest.mark.parametrize(
    ("kind", "value"), [("bigint", 1.5), ("double", "many"), ("date", "soon"), ("boolean", "yes")]
)
def test_a_value_that_does_not_fit_names_its_column(kind, value):
    with pytest.raises(ValueError, match="column wrong does not hold"):
        frames.typed_table([{"wrong": value}], {"wrong": kind})


def test_schema_refuses_unknown_types_and_keys():
    with pytest.raises(ValueError, match="unknown types"):
        frames.Schema({"a": "varchar"})
    with pytest.raises(ValueError, match="key columns"):
        frames.Schema({"a": "string"}, key=("b",))


def test_sample_draws_the_same_rows_on_duckdb_and_pandas(connection):
    rows = pd.DataFrame({"key": [f"c{i}" for i in range(300)], "cutoff": ["x", "y", "z"] * 100})
    connection.register("rows", rows.sample(frac=1, random_state=1))
    relation = connection.query("select * from rows")
    for key in ("key", ["key", "cutoff"]):
        drawn = frames.to_pandas(frames.sample(relation, key=key, rows=25))
        expected = frames.sample(rows.iloc[::-1], key=key, rows=25)
        assert drawn["key"].tolist() == expected["key"].tolist()
        assert len(drawn) == 25
    assert len(frames.to_pandas(frames.sample(relation, key="key", rows=1000))) == 300


def test_join_keeps_one_copy_of_the_key_and_only_what_is_taken(connection):
    connection.execute("create table l as select * from (values ('a', 1), ('b', 2)) t(k, x)")
    connection.execute(
        "create table r as select * from (values ('a', 5, 'p'), ('a', 6, 'q')) t(k, x, y)"
    )
    joined = frames.join(connection.query("from l"), connection.query("from r"), on="k", take="y")
    assert joined.columns == ["k", "x", "y"]
    assert sorted(joined.fetchall()) == [("a", 1, "p"), ("a", 1, "q")]
    few = frames.typed_relation([{"k": "b", "z": 1.0}], {"k": "string", "z": "double"}, connection)
    joined = frames.join(connection.query("from l"), few, on="k", session=connection)
    assert joined.fetchall() == [("b", 2)]
    in_memory = frames.join(
        pd.DataFrame({"k": ["a", "b"], "x": [1, 2]}),
        pd.DataFrame({"k": ["a", "a"], "x": [5, 6], "y": ["p", "q"]}),
        on="k",
        take="y",
    )
    assert in_memory.to_numpy().tolist() == [["a", 1, "p"], ["a", 1, "q"]]


def test_distinct_combinations_are_those_of_either_kind(connection):
    rows = pd.DataFrame({"a": [1.5, 1.5, -0.5], "b": ["x", "x", "x"], "c": [1, 2, 3]})
    connection.register("rows", rows)
    kinds = frames.distinct(connection.query("from rows"), columns=("a", "b"))
    assert sorted(kinds.fetchall()) == [(-0.5, "x"), (1.5, "x")]
    assert frames.distinct(rows, columns="a").to_numpy().tolist() == [[1.5], [-0.5]]


def test_map_batches_streams_in_order(connection):
    seen = []

    def double(batch: pd.DataFrame) -> pd.DataFrame:
        seen.append(len(batch))
        return pd.DataFrame({"key": batch["key"], "twice": batch["value"] * 2})

    relation = connection.query(
        "select lpad(i::varchar, 6, '0') as key, i::double as value from range(10000) t(i)"
        " order by hash(i)"
    )
    schema = frames.Schema({"key": "string", "twice": "double"})
    reader = frames.map_batches(
        connection, relation, double, schema, batch_rows=2048, order_by="key"
    )
    assert isinstance(reader, pa.RecordBatchReader)
    assert seen == []
    table = reader.read_all()
    assert max(seen) <= 2048 and sum(seen) == 10_000 and len(seen) > 4
    assert table["twice"].to_pylist() == [2.0 * i for i in range(10_000)]


def test_map_batches_keeps_the_schema_without_rows(connection):
    schema = frames.Schema({"key": "string", "score": "double"})
    relation = connection.query("select 'a' as key, 1.0 as score where false")
    reader = frames.map_batches(connection, relation, lambda batch: batch, schema)
    assert reader.read_all().schema == schema.to_arrow()
    reader = frames.map_batches(connection, relation, lambda batch: batch, schema)
    assert frames.to_pandas(reader).columns.tolist() == ["key", "score"]


def test_a_foreign_object_is_refused():
    with pytest.raises(TypeError, match="no relation"):
        frames.to_pandas([1, 2, 3])


def test_what_the_last_build_left_is_read_by_its_name(connection):
    model = SimpleNamespace(this=SimpleNamespace(schema="ml"))
    connection.execute("create schema ml; create schema other")
    connection.execute("create table other.segments as select 1 as x")
    assert frames.left_behind(model, connection, "segments") is None
    connection.execute("create table ml.segments as select range as x from range(3)")
    assert list(frames.left_behind(model, connection, "segments")["x"]) == [0, 1, 2]

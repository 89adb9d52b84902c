"""The engine seam: the only module that reads or writes relations.

A *relation* is what a dbt Python model gets from ``dbt.ref``: a ``DuckDBPyRelation`` on DuckDB,
a ``pyspark`` data frame on Spark. A pandas data frame or a pyarrow table does as well, so that
every function can be tested without an engine. The rest of the package takes and gives pandas.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, count
from typing import Any

import pandas as pd
import pyarrow as pa

from python_ext.side_by_side import in_order

TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "binary": pa.binary(),
}
_JOINED = count()


class Schema(dict):
    """Column name → SQL type in table order, with the key that makes a row unique.

    Parameters
    ----------
    columns
        Ordered mapping from column name to one of ``TYPES``.
    key
        Columns that make a row unique; the first column if not given. Tables are sorted by it.

    Raises
    ------
    ValueError
        If a type is unknown or a key column is not in the schema.
    """

    def __init__(self, columns: Mapping[str, str], *, key: Sequence[str] | None = None) -> None:
        super().__init__(columns)
        unknown = {column: kind for column, kind in self.items() if kind not in TYPES}
        if unknown:
            raise ValueError(f"unknown types {unknown}; known are {sorted(TYPES)}")
        self.key = tuple(key) if key is not None else tuple(list(self)[:1])
        absent = [column for column in self.key if column not in self]
        if absent:
            raise ValueError(f"key columns {absent} are not in the schema")

    def to_arrow(self) -> pa.Schema:
        """The same schema in pyarrow's terms."""
        return pa.schema([(column, TYPES[kind]) for column, kind in self.items()])

    def to_ddl(self) -> str:
        """The same schema as Spark reads it."""
        return ", ".join(f"`{column}` {kind}" for column, kind in self.items())


def _engine(relation: Any) -> str:
    module = type(relation).__module__
    for engine in ("pyspark", "pandas", "pyarrow", "duckdb"):
        if engine in module.split(".")[0]:
            return engine
    raise TypeError(
        f"{type(relation).__qualname__} of {module} is no relation this project knows; "
        "expected one of DuckDB, Spark, pandas or pyarrow"
    )


def to_pandas(relation: Any) -> pd.DataFrame:
    """Read a whole relation into memory.

    Parameters
    ----------
    relation
        DuckDB relation, Spark data frame, pyarrow table, what ``map_batches`` returns, or pandas
        data frame (copied).

    Returns
    -------
    pandas.DataFrame
        The same columns, a fresh row index.
    """
    engine = _engine(relation)
    if engine == "pandas":
        return relation.reset_index(drop=True).copy()
    if engine == "pyarrow":
        is_stream = isinstance(relation, pa.RecordBatchReader)
        return (relation.read_all() if is_stream else relation).to_pandas()
    return _from_spark(relation.toArrow()) if engine == "pyspark" else relation.df()


def _from_spark(table: pa.Table) -> pd.DataFrame:
    """The types that DuckDB's data frames have: decimals are floats, times have no zone."""
    fields = []
    for field in table.schema:
        kind = field.type
        if pa.types.is_decimal(kind):
            kind = pa.float64()
        elif pa.types.is_timestamp(kind):
            kind = pa.timestamp("us")
        fields.append(field.with_type(kind))
    return table.cast(pa.schema(fields)).to_pandas(date_as_object=False)


def previous(dbt: Any, session: Any) -> Any | None:
    """What an incremental model held before this build.

    Parameters
    ----------
    dbt, session
        The two arguments of the model.

    Returns
    -------
    relation or None
        None in the first build.
    """
    return session.table(str(dbt.this)) if dbt.is_incremental else None


def left_behind(dbt: Any, session: Any, name: str) -> pd.DataFrame | None:
    """A table that the last build made from this model, as it still stands.

    Parameters
    ----------
    dbt, session
        The two arguments of the model.
    name
        Name of a model of the same schema that comes after this one, so that no ref can be made.

    Returns
    -------
    pandas.DataFrame or None
        None where there is no such table.
    """
    table = f"{dbt.this.schema}.{name}"
    if _engine(session) == "pyspark":
        there = session.catalog.tableExists(table)
    else:
        query = (
            "select 1 from information_schema.tables where table_catalog = current_database() "
            "and table_schema = ? and table_name = ?"
        )
        there = session.execute(query, [dbt.this.schema, name]).fetchone() is not None
    return to_pandas(session.table(table)) if there else None


def _columns(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _quoted(column: str, *, mark: str = '"') -> str:
    return mark + column.replace(mark, mark * 2) + mark


def _key_digest(frame: pd.DataFrame, key: list[str]) -> list[str]:
    texts = frame[key[0]].astype(str)
    for column in key[1:]:
        texts = texts + "|" + frame[column].astype(str)
    return [hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for text in texts]


def sample(relation: Any, *, key: str | Sequence[str], rows: int) -> Any:
    """Draw the rows with the smallest md5 of their key: the same rows on every engine.

    Parameters
    ----------
    relation
        Relation to draw from.
    key
        Columns that make a row unique (text; several are joined by ``|``).
    rows
        Rows to draw; all of them if there are fewer.

    Returns
    -------
    relation
        Of the same kind, sorted by the hash.
    """
    columns = _columns(key)
    engine = _engine(relation)
    if engine in ("pandas", "pyarrow"):
        frame = to_pandas(relation)
        order = pd.Series(_key_digest(frame, columns), dtype=object).sort_values(kind="stable")
        drawn = frame.loc[order.index[:rows]].reset_index(drop=True)
        return drawn if engine == "pandas" else pa.Table.from_pandas(drawn, preserve_index=False)
    mark = "`" if engine == "pyspark" else '"'
    parts = [f"cast({_quoted(column, mark=mark)} as string)" for column in columns]
    digest = "md5(" + " || '|' || ".join(parts) + ")"
    if engine == "pyspark":
        ranked = relation.selectExpr("*", f"{digest} as `__digest`")
        return ranked.orderBy("__digest").limit(rows).drop("__digest")
    return relation.order(digest).limit(rows)


def distinct(relation: Any, *, columns: str | Sequence[str]) -> Any:
    """Each combination of values of some columns once; the engine does it, nothing is read here.

    Parameters
    ----------
    relation
        DuckDB relation, Spark or pandas data frame.
    columns
        Column name or names.

    Returns
    -------
    relation
        Of the same kind, with these columns, in no certain order.
    """
    names, engine = _columns(columns), _engine(relation)
    if engine == "duckdb":
        return relation.project(", ".join(map(_quoted, names))).distinct()
    if engine == "pyspark":
        return relation.select(*names).distinct()
    return to_pandas(relation)[names].drop_duplicates(ignore_index=True)


def join(
    left: Any,
    right: Any,
    *,
    on: str | Sequence[str],
    take: str | Sequence[str] = (),
    session: Any = None,
) -> Any:
    """Inner join on columns of the same name; the engine does it, nothing is read here.

    Parameters
    ----------
    left, right
        Relations of the same kind; the right one may be what ``typed_relation`` returns.
    on
        Column name or names.
    take
        Columns of ``right`` to bring along; none of them may be a column of ``left``.
    session
        The model's session, where ``right`` comes from ``typed_relation``.

    Returns
    -------
    relation
        Of the same kind.
    """
    columns, taken = _columns(on), _columns(take)
    engine = _engine(left)
    if engine == "duckdb":
        if _engine(right) == "pyarrow":
            # A table of the engine: a stream that scans objects of Python may wait for itself.
            name = f"joined_{next(_JOINED)}"
            session.from_arrow(right).query("rows", f"create temp table {name} as from rows")
            right = session.table(name)
        right = right.project(", ".join(map(_quoted, [*columns, *taken])))
        return left.set_alias("l").join(right.set_alias("r"), ",".join(map(_quoted, columns)))
    if engine == "pyspark":
        return left.join(right.select(*columns, *taken), columns)
    return to_pandas(left).merge(to_pandas(right)[[*columns, *taken]], on=columns)


def typed_table(rows: Any, schema: Mapping[str, str]) -> pa.Table:
    """Cast rows to exactly the declared columns and types, sorted by the schema's key.

    Parameters
    ----------
    rows
        pandas data frame or iterable of mappings. NaN, NaT and None become null.
    schema
        ``Schema`` or plain ordered mapping of column to type.

    Returns
    -------
    pyarrow.Table
        Columns in the schema's order. An all-null column keeps its declared type.

    Raises
    ------
    ValueError
        If a column is missing or not declared, or a value does not fit the declared type.
    """
    declared = schema if isinstance(schema, Schema) else Schema(schema)
    if isinstance(rows, pd.DataFrame):
        frame = rows
    else:
        records = list(rows)
        frame = pd.DataFrame(records) if records else pd.DataFrame(columns=list(declared))
    missing = [column for column in declared if column not in frame.columns]
    extra = [str(column) for column in frame.columns if column not in declared]
    if missing or extra:
        raise ValueError(
            f"rows do not match the schema: missing columns {missing}, undeclared columns {extra}"
        )
    arrays = []
    for column, kind in declared.items():
        try:
            arrays.append(pa.Array.from_pandas(frame[column], type=TYPES[kind]))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise ValueError(f"column {column} does not hold {kind} values: {error}") from error
    arrays = [a.combine_chunks() if isinstance(a, pa.ChunkedArray) else a for a in arrays]
    table = pa.Table.from_arrays(arrays, schema=declared.to_arrow())
    return table.sort_by([(column, "ascending") for column in declared.key])


def typed_relation(rows: Any, schema: Mapping[str, str], session: Any) -> Any:
    """What a dbt Python model returns: the rows with the declared types, in the engine's form.

    Parameters
    ----------
    rows, schema
        As in ``typed_table``.
    session
        The model's session: a DuckDB connection or a Spark session.

    Returns
    -------
    pyarrow.Table or pyspark data frame
        dbt-duckdb materialises an Arrow table as it is, types included.
    """
    table = typed_table(rows, schema)
    if type(session).__module__.startswith("pyspark"):
        declared = schema if isinstance(schema, Schema) else Schema(schema)
        return session.createDataFrame(table, schema=declared.to_ddl())
    return table


def map_batches(
    session: Any,
    relation: Any,
    function: Callable[[pd.DataFrame], pd.DataFrame],
    schema: Mapping[str, str],
    *,
    batch_rows: int = 100_000,
    order_by: str | Sequence[str] | None = None,
) -> Any:
    """Apply a row-wise function to a relation of any size, a batch at a time.

    What is fitted is fitted before, on the driver, and bound into ``function``. DuckDB streams
    Arrow batches while it writes and processes of this machine work on them, so memory holds a
    batch or two for each core; Spark runs the function on its executors.

    Parameters
    ----------
    session
        The model's session: a DuckDB connection or a Spark session.
    relation
        Rows to score.
    function
        From a pandas data frame to a pandas data frame with the schema's columns. A batch may
        grow or shrink. It must not depend on which rows share a batch.
    schema
        Declared columns and types of the result.
    batch_rows
        Most rows of one batch (DuckDB).
    order_by
        Columns to sort by first (DuckDB), so that batches, and with them the last bit of every
        float, are the same in two builds of the same input.

    Returns
    -------
    pyarrow.RecordBatchReader or pyspark data frame
    """
    declared = schema if isinstance(schema, Schema) else Schema(schema)
    engine = _engine(relation)
    if engine == "pyspark":

        def on_executor(frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
            for frame in frames:
                yield typed_table(function(frame), declared).to_pandas()

        return relation.mapInPandas(on_executor, schema=declared.to_ddl())
    if engine == "duckdb":
        if order_by is not None:
            relation = relation.order(", ".join(map(_quoted, _columns(order_by))))
        batches: Iterable[pa.RecordBatch] = relation.to_arrow_reader(batch_rows)
    else:
        frame = to_pandas(relation)
        if order_by is not None:
            frame = frame.sort_values(_columns(order_by), kind="stable")
        table = pa.Table.from_pandas(frame, preserve_index=False)
        batches = table.to_batches(max_chunksize=batch_rows)

    scored = in_order(partial(_typed_rows, function, declared), batches)
    made = chain.from_iterable(table.to_batches() for table in scored)
    return pa.RecordBatchReader.from_batches(declared.to_arrow(), made)


def _typed_rows(
    function: Callable[[pd.DataFrame], pd.DataFrame], schema: Schema, batch: pa.RecordBatch
) -> pa.Table:
    return typed_table(function(batch.to_pandas()), schema)

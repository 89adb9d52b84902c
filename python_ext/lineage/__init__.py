"""Column lineage: from which source columns every column of every model is made.

Read from the manifest of a build: SQL models from their compiled SQL, Python models from what their
yml declares. Two kinds of flow are followed:

- *values*: every column that stands in the expression of a column, conditions of a ``case`` and
  filters of an aggregate included;
  that a value is null tells only whether it is known, a condition that shows or hides another
  column likewise, the groups of a window or its order (but for a rank) only the order of rows, and
  a look into the suppression list only whether somebody was forgotten: what is made of personal
  data so is not readable;
- *look-ups*: what is taken from a table about nobody (a seed, or a source without a personal
  column) tells the value it was joined on: the income of an area tells the postcode. Joins on keys
  to tables about people are links and no look-ups.

Which rows there are (``where``, inner joins) is not followed: that a row exists tells no value.

A column tagged ``meta: {pii: true}`` in the sources is personal. A column tagged
``meta: {declassified: "<how>"}`` ends the personal flow: what is made of it further on carries the
form given there (a keyed hash, bands of age). Of a Python model every column is taken to come from
every column of every input, unless its own ``meta: {derived_from: [model.column, …]}`` says less.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlglot import parse_one
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from python_ext.errors import SegmentationError
from python_ext.lineage._trace import (
    FORGOTTEN,
    ORDER,
    PRESENCE,
    Flow,
    Flows,
    Tracer,
    brought_into,
)

__all__ = [
    "FORGOTTEN",
    "ORDER",
    "PRESENCE",
    "Flow",
    "Leak",
    "Lineage",
    "load_manifest",
    "read_lineage",
]

# Personal data may stand in staging, quality and identity. The number of a cookie goes as far as
# web, where visits are counted by it. No model further right holds any.
MAY_BE_PERSONAL = (
    "models/staging/",
    "models/intermediate/quality/",
    "models/intermediate/identity/",
    "models/ml/identity/",
)
COOKIES = "models/intermediate/web/"
COOKIE_COLUMN = "visitor_id"


@dataclass(frozen=True)
class Leak:
    """A column right of identity that personal data reach, and which."""

    model: str
    column: str
    sources: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.model}.{self.column} is made of {', '.join(self.sources)}"


@dataclass
class Lineage:
    """Where every column comes from.

    Attributes
    ----------
    columns : dict
        By relation (name of a model or seed, or ``crm.customers``) and column, its flows.
    declassified : dict
        By (model, column): how, and the flows that were declassified there.
    paths : dict
        File of each model.
    """

    columns: dict[str, dict[str, Flows]] = field(default_factory=dict)
    declassified: dict[tuple[str, str], tuple[str, Flows]] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)

    def leaks(self) -> list[Leak]:
        """Columns right of identity that personal data reach in readable form."""
        found = []
        for model, path in sorted(self.paths.items()):
            if path.startswith(MAY_BE_PERSONAL):
                continue
            for column, flows in self.columns[model].items():
                readable = sorted(flow for flow in flows if flow.is_readable)
                if path.startswith(COOKIES):
                    readable = [flow for flow in readable if flow.column != COOKIE_COLUMN]
                if readable:
                    sources = tuple(f"{flow.table}.{flow.column}" for flow in readable)
                    found.append(Leak(model, column, sources))
        return found

    def idle_declassifications(self) -> list[str]:
        """Columns said to be declassified that no readable personal data reach."""
        return sorted(
            f"{model}.{column}"
            for (model, column), (_, flows) in self.declassified.items()
            if not any(flow.is_readable for flow in flows)
        )


def read_lineage(manifest: Path | Mapping[str, Any], project_dir: Path | None = None) -> Lineage:
    """Follow every column of a built project.

    Parameters
    ----------
    manifest
        ``target/manifest.json`` of a build (its SQL is compiled), or its content.
    project_dir
        Folder of ``dbt_project.yml``, for the headers of the seeds; here by default.

    Returns
    -------
    Lineage

    Raises
    ------
    SegmentationError
        The manifest cannot be read, is not of a build, or holds SQL that cannot be followed.
    """
    content = load_manifest(manifest) if isinstance(manifest, Path) else manifest
    nodes = {**content["nodes"], **content["sources"]}
    lineage = Lineage()
    personal_tables = set()
    names: dict[str, str] = {}
    for unique_id, node in sorted(nodes.items()):
        if node["resource_type"] == "source":
            table = f"{node['source_name']}.{node['name']}"
            names[unique_id] = table
            tagged = {c["name"]: bool(_meta(c).get("pii")) for c in node["columns"].values()}
            lineage.columns[table] = {
                column: frozenset({Flow(table, column, is_pii)})
                for column, is_pii in tagged.items()
            }
            if any(tagged.values()):
                personal_tables.add(table)
        elif node["resource_type"] == "seed":
            names[unique_id] = node["name"]
            lineage.columns[node["name"]] = {
                column: frozenset({Flow(f"seeds.{node['name']}", column)})
                for column in _header(node, project_dir or Path())
            }
        elif node["resource_type"] == "model":
            names[unique_id] = node["name"]
    tables = {nodes[uid]["relation_name"]: name for uid, name in names.items()}
    for unique_id in _in_order(nodes):
        node = nodes[unique_id]
        inputs = [names[uid] for uid in node["depends_on"]["nodes"] if uid in names]
        lineage.paths[node["name"]] = node["original_file_path"]
        if node["language"] == "python":
            made = _of_python(node, inputs, lineage.columns)
        else:
            made = _of_sql(node, tables, lineage.columns, personal_tables)
        lineage.columns[node["name"]] = _declassify(node, made, lineage)
    return lineage


def load_manifest(file: Path) -> dict[str, Any]:
    """The manifest of a build.

    Raises
    ------
    SegmentationError
        There is none, or it cannot be read.
    """
    if not file.is_file():
        raise SegmentationError(f"There is no {file}: it is written by a build. Run `make build`.")
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SegmentationError(f"{file} cannot be read: {error}. Run `make build`.") from error


def _meta(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    """The meta of a column, wherever dbt keeps it."""
    return (thing.get("config") or {}).get("meta") or thing.get("meta") or {}


def _header(seed: Mapping[str, Any], project_dir: Path) -> list[str]:
    """Columns of a seed: those of its file, else those described."""
    file = project_dir / seed["original_file_path"]
    if file.is_file():
        with file.open(encoding="utf-8") as stream:
            return next(csv.reader(stream), [])
    return list(seed["columns"])


def _in_order(nodes: Mapping[str, Any]) -> list[str]:
    """Models of this project, each after what it is made of."""
    models = {uid for uid, node in nodes.items() if node["resource_type"] == "model"}
    models = {uid for uid in models if nodes[uid]["original_file_path"].startswith("models/")}
    models = {uid for uid in models if nodes[uid]["package_name"] == _project_of(nodes)}
    ordered: dict[str, None] = {}

    def visit(unique_id: str) -> None:
        if unique_id in models and unique_id not in ordered:
            for parent in sorted(nodes[unique_id]["depends_on"]["nodes"]):
                visit(parent)
            ordered[unique_id] = None

    for unique_id in sorted(models):
        visit(unique_id)
    return list(ordered)


def _project_of(nodes: Mapping[str, Any]) -> str:
    """Name of the project the sources belong to."""
    return next(n["package_name"] for n in nodes.values() if n["resource_type"] == "source")


def _declassify(
    node: Mapping[str, Any], made: dict[str, Flows], lineage: Lineage
) -> dict[str, Flows]:
    """End personal flows at the columns that say how."""
    tags = {name.lower(): _meta(column) for name, column in node["columns"].items()}
    result = {}
    for column, flows in made.items():
        if how := tags.get(column, {}).get("declassified"):
            lineage.declassified[node["name"], column] = (str(how), flows)
            flows = brought_into(flows, str(how))
        result[column] = flows
    return result


def _of_python(
    node: Mapping[str, Any], inputs: list[str], columns: Mapping[str, Mapping[str, Flows]]
) -> dict[str, Flows]:
    """Flows of a Python model's columns: everything, unless the column says less."""
    everything = frozenset().union(*(f for name in inputs for f in columns[name].values()))
    made = {}
    for name, column in node["columns"].items():
        derived = _meta(column).get("derived_from")
        if derived is None:
            made[name] = everything
            continue
        try:
            parts = [str(reference).rsplit(".", 1) for reference in derived]
            made[name] = frozenset().union(*(columns[model][field] for model, field in parts))
        except (KeyError, ValueError) as error:
            raise SegmentationError(
                f"{node['name']}.{name}: derived_from names {error}, which is no column of a "
                "model it is made of. Write model.column."
            ) from error
    return made


def _of_sql(
    node: Mapping[str, Any],
    tables: Mapping[str, str],
    columns: Mapping[str, Mapping[str, Flows]],
    personal_tables: set[str],
) -> dict[str, Flows]:
    """Flows of the columns of a SQL model."""
    sql = node.get("compiled_code")
    if not sql:
        raise SegmentationError(
            f"The manifest has no compiled SQL of {node['name']}: it is not that of a build. "
            "Run `make build`, and give the manifest it leaves in target/."
        )
    # An incremental model may read itself: what stood there before flowed in like the rest.
    columns = {**columns, node["name"]: {column: frozenset() for column in node["columns"]}}
    # A relation is given a name of one part, so that a file to be read is one like any other.
    schema = {}
    for relation, name in sorted(tables.items(), key=lambda item: -len(item[0])):
        if relation in sql:
            short = name.replace(".", "__")
            sql = sql.replace(relation, f'"{short}"')
            schema[short] = tuple(columns[name])
    relations = {
        name.replace(".", "__"): columns[name] for name in tables.values() if name in columns
    }
    try:
        scope = _scope(sql, tuple(schema.items()))
        return Tracer(relations, personal_tables).trace(scope)
    except (SqlglotError, KeyError) as error:
        raise SegmentationError(
            f"The columns of {node['name']} ({node['original_file_path']}) cannot be followed: "
            f"{error}"
        ) from error


@lru_cache(maxsize=512)
def _scope(sql: str, schema: tuple[tuple[str, tuple[str, ...]], ...]) -> Scope:
    """A query with every column under its relation; what was read once is not read again.

    Parameters
    ----------
    schema
        Columns of each relation the query reads.
    """
    tree = qualify(
        parse_one(sql, dialect="duckdb"),
        dialect="duckdb",
        schema={name: dict.fromkeys(columns, "text") for name, columns in schema},
        validate_qualify_columns=False,
        quote_identifiers=False,
    )
    root = build_scope(tree)
    if root is None:
        raise SqlglotError("not a query")
    return root

"""The adapter: dbt-spark with sources in files, seeds without bindings, and Python models."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from typing import Any

import pandas as pd
from dbt.adapters.base import PythonJobHelper, available
from dbt.adapters.spark.impl import SparkAdapter
from dbt.adapters.spark.relation import SparkRelation
from dbt.adapters.sparksession.connections import (
    SessionConnectionManager,
    SessionCredentials,
    get_session,
)
from dbt_common.exceptions import DbtRuntimeError

from python_ext.input_check_plugin import Suppression, input_report
from python_ext.settings import project_root

# How DuckDB is told to read a file, and the name of the format in Spark.
READER = re.compile(r"^read_(parquet|json)\('([^']+)'(?:, union_by_name = true)?\)$")


@dataclass(frozen=True, eq=False, repr=False)
class SessionRelation(SparkRelation):
    """A relation that may be a file: a source with `external_location`, as in dbt-duckdb."""

    external: str | None = None

    @classmethod
    def create_from(cls, quoting: Any, relation_config: Any, **kwargs: Any) -> SessionRelation:
        if relation_config.resource_type != "source":
            return super().create_from(quoting, relation_config, **kwargs)
        location = relation_config.meta.get("external_location", "")
        location = location.format(name=relation_config.name).strip()
        found = READER.match(location)
        if location and not found:
            raise DbtRuntimeError(
                f"Spark reads raw files in Parquet or JSON, not {location}: set `raw_format`, or "
                "write the files as Parquet first"
            )
        return cls.create(
            schema=relation_config.schema,
            identifier=relation_config.identifier,
            external=f"{found[1]}.`{found[2]}`" if found else None,
        )

    def render(self) -> str:
        return self.external or super().render()


class SessionPythonJob(PythonJobHelper):
    """Runs a Python model here, where the session is."""

    def __init__(self, parsed_model: dict, credential: SessionCredentials) -> None:
        self.model = parsed_model
        self.credentials = credential

    def submit(self, compiled_code: str) -> None:
        """Run the code of a model; its last line writes the table."""
        session = get_session(self.credentials)
        if self.credentials.url.startswith("sc://"):
            # The active session belongs to a thread; another one may have opened it.
            type(session)._set_default_and_active_session(session)
        name = f"{self.model['schema']}.{self.model['alias']}"
        session.addTag(name)
        try:
            code = compile(compiled_code, f"<{name}>", "exec")
            exec(code, {"__name__": name, "session": session})
        except Exception as error:
            trace = "".join(traceback.format_exception(error))
            raise DbtRuntimeError(f"Python model {name} failed:\n{trace}") from error
        finally:
            session.removeTag(name)


def register_suppression(session: Any, found: Any) -> None:
    """Make `is_suppressed(kind, value)` a function of the session; executors get the list."""
    from pyspark.sql.functions import pandas_udf

    @pandas_udf("boolean")
    def is_suppressed(kinds: pd.Series, values: pd.Series) -> pd.Series:
        pairs = zip(kinds, values, strict=True)
        return pd.Series([found.holds(kind, value) for kind, value in pairs], dtype=bool)

    session.udf.register("is_suppressed", is_suppressed)


class SparkSessionAdapter(SparkAdapter):
    Relation = SessionRelation
    ConnectionManager = SessionConnectionManager

    @classmethod
    def type(cls) -> str:
        return "sparksession"

    @property
    def default_python_submission_method(self) -> str:
        return "session"

    @property
    def python_submission_helpers(self) -> dict[str, type[PythonJobHelper]]:
        return {"session": SessionPythonJob}

    @available.parse(lambda *arguments, **named: "")
    def input_report(
        self,
        raw_data: str,
        raw_format: str,
        sources_json: str,
        folders_json: str,
        base_currency: str,
        demo_secret_allowed: bool,
    ) -> str:
        """What is wrong with raw files, secret or suppression list; empty for nothing."""
        asked = (raw_data, raw_format, sources_json, folders_json, base_currency)
        return input_report(project_root(), *asked, demo_secret_allowed)

    @available.parse(lambda *arguments, **named: False)
    def has_suppressions(self, raw_data: str, demo_secret_allowed: bool) -> bool:
        """Whether the dataset has a suppression list; then the session learns `is_suppressed`."""
        found = Suppression(project_root()).read(raw_data, demo_secret_allowed)
        if found is not None:
            register_suppression(get_session(self.config.credentials), found)
        return found is not None

    @available
    def write_rows(self, relation: SessionRelation, rows: Any, types: dict[str, str]) -> None:
        """Fill a table with the rows of a seed.

        dbt-spark writes literals into a statement, where an empty cell becomes the text 'None'.
        """
        session = get_session(self.config.credentials)
        columns = ", ".join(f"`{name}` {kind}" for name, kind in types.items())
        texts = session.createDataFrame(
            [tuple(None if cell is None else str(cell) for cell in row) for row in rows.rows],
            ", ".join(f"`{name}` string" for name in types),
        )
        cast = texts.selectExpr(*(f"cast(`{c}` as {kind}) as `{c}`" for c, kind in types.items()))
        session.sql(f"create table {relation.render()} ({columns}) using parquet")
        cast.coalesce(1).write.insertInto(relation.render())

"""The Spark session of a dbt process: embedded, on a cluster, or of a Connect server."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbt.adapters.contracts.connection import Connection, ConnectionState
from dbt.adapters.spark.connections import (
    SparkConnectionManager,
    SparkConnectionMethod,
    SparkCredentials,
)
from dbt.adapters.spark.session import Cursor, SessionConnectionWrapper
from dbt_common.exceptions import DbtRuntimeError

# What the models count on, whoever made the session: dirty text casts to null as in dbt-spark, a
# timestamp has no zone, and a table that a crash left behind does not stop the next build.
SETTINGS = {
    "spark.sql.ansi.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.legacy.allowNonEmptyLocationInCTAS": "true",
    # Conditions with many alternatives (audiences) take the optimiser minutes and gigabytes.
    "spark.sql.constraintPropagation.enabled": "false",
}


@dataclass
class SessionCredentials(SparkCredentials):
    """Profile of type `sparksession`.

    Attributes
    ----------
    url : str
        `local[2]`, `spark://host:port`, or `sc://host:port` of a Connect server.
    home : str
        Folder of tables and catalogue, for a session that brings its own (not `sc://`).
    server_side_parameters : dict
        Further settings of Spark; of a Connect server only those of a session can be set.
    """

    url: str = "local[2]"
    home: str = "target/spark"

    def __post_init__(self) -> None:
        self.method = SparkConnectionMethod.SESSION
        self.host = self.host or self.url
        super().__post_init__()

    @property
    def type(self) -> str:
        return "sparksession"

    @property
    def unique_field(self) -> str:
        return self.url

    def _connection_keys(self) -> tuple[str, ...]:
        return ("url", "schema", "home", "server_side_parameters")


_lock = threading.Lock()
_sessions: dict[str, Any] = {}


def get_session(credentials: SessionCredentials) -> Any:
    """The one session of this process for a profile; every thread of dbt shares it."""
    with _lock:
        if credentials.url not in _sessions:
            _sessions[credentials.url] = _open(credentials)
        return _sessions[credentials.url]


def _open(credentials: SessionCredentials) -> Any:
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    settings = {**SETTINGS, **credentials.server_side_parameters}
    if credentials.url.startswith("sc://"):
        # pyspark.sql.functions ask the environment which kind of session they are for.
        os.environ.update({"SPARK_REMOTE": credentials.url, "SPARK_CONNECT_MODE_ENABLED": "1"})
        from pyspark.sql.connect.session import SparkSession

        builder = SparkSession.builder.remote(credentials.url)
        session = builder.create()
        settings = {name: value for name, value in settings.items() if name.startswith("spark.sql")}
    else:
        from pyspark.sql import SparkSession

        home = Path(credentials.home).absolute()
        home.mkdir(parents=True, exist_ok=True)
        builder = (
            SparkSession.builder.master(credentials.url)
            .appName("customer segmentation")
            .config("spark.sql.warehouse.dir", str(home / "warehouse"))
            .config(
                "spark.hadoop.javax.jdo.option.ConnectionURL",
                f"jdbc:derby:;databaseName={home / 'metastore'};create=true",
            )
            .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={home}")
        )
        for name, value in settings.items():
            builder = builder.config(name, value)
        session = builder.enableHiveSupport().getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
    for name, value in settings.items():
        if name.startswith("spark.sql") and session.conf.isModifiable(name):
            session.conf.set(name, value)
    return session


class SessionCursor(Cursor):
    """A cursor whose statements run in the session of the profile."""

    def __init__(self, credentials: SessionCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def execute(self, sql: str, *parameters: Any) -> None:
        from pyspark.errors import PySparkException

        self._rows = None
        try:
            self._df = get_session(self._credentials).sql(sql % parameters if parameters else sql)
        except PySparkException as error:
            raise DbtRuntimeError(str(error)) from error


class SessionConnection:
    """What dbt-spark takes for a connection."""

    def __init__(self, credentials: SessionCredentials) -> None:
        self.credentials = credentials

    def cursor(self) -> SessionCursor:
        return SessionCursor(self.credentials)


class SessionConnectionManager(SparkConnectionManager):
    TYPE = "sparksession"

    @classmethod
    def open(cls, connection: Connection) -> Connection:
        if connection.state != ConnectionState.OPEN:
            connection.handle = SessionConnectionWrapper(SessionConnection(connection.credentials))
            connection.state = ConnectionState.OPEN
        return connection

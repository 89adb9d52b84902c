"""dbt-duckdb plugin that lets SQL run the input check and ask the suppression list.

It also looks at the warehouse before a build opens it, so that one in use or damaged is told in
words.

Named in ``profiles.yml`` (``plugins: [{module: python_ext.input_check_plugin}]``), it registers
``input_problems(raw_data, raw_format, sources_json, folders_json) -> text`` on the connection, so
that a plain ``dbt build`` stops on bad input with the same words as ``segmentation check``.
dbt-duckdb asks only for these methods, not for its base class, so nothing of dbt is imported here.
"""

import atexit
import hashlib
import json
import os
import sys
from collections.abc import Callable
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from python_ext.errors import SegmentationError
from python_ext.input_check import check_dataset, report
from python_ext.loads import settings_fingerprint
from python_ext.privacy import SuppressionList, privacy_directory, read_secrets
from python_ext.raw_files import changes, raw_file_stamps
from python_ext.remote import load_address_reading
from python_ext.settings import currency_problem, is_remote, project_root
from python_ext.unchanged import made_of
from python_ext.warehouse import warehouse_problem

FUNCTION = "input_problems"
SECRET_FUNCTION = "secret_problem"
CURRENCY_FUNCTION = "currency_problem"
RAW_FILES_FUNCTION = "raw_files"
CHANGES_FUNCTION = "raw_file_changes"
SUPPRESSION_FUNCTION = "is_suppressed"
HAS_SUPPRESSIONS_FUNCTION = "has_suppressions"
DECIDING_FUNCTION = "what_decides"
SETTINGS_FUNCTION = "settings_fingerprint"
MADE_OF_FUNCTION = "made_of"
SUPPRESSION_PROBLEM_FUNCTION = "suppression_problem"


def input_problems_function(
    project_dir: Path, *, setup: tuple[str, ...] = ()
) -> Callable[[str, str, str, str], str]:
    """The check as a function of four texts; the answer is empty when all is well."""

    def input_problems(raw_data: str, raw_format: str, sources_json: str, folders_json: str) -> str:
        try:
            problems = check_dataset(
                project_dir,
                raw_data,
                sources=json.loads(sources_json or "{}"),
                raw_format=raw_format,
                folders=json.loads(folders_json or "[]"),
                setup=setup,
            )
        except SegmentationError as error:
            return str(error)
        return report(problems)

    return input_problems


def secret_problem(demo_secret_allowed: bool) -> str:
    """What is wrong with the secret of the keyed hash; empty when nothing is."""
    from python_ext.identity import read_secret

    try:
        read_secret(demo_secret_allowed=demo_secret_allowed)
    except SegmentationError as error:
        return str(error)
    return ""


def say_if_given_up(connection: duckdb.DuckDBPyConnection) -> None:
    """What to do when DuckDB has given up a warehouse it could not write; no hook runs then."""
    try:
        connection.execute("select 1")
    except duckdb.FatalException as error:
        print(
            f"What to do: the warehouse could not be written ({str(error).splitlines()[-1]}). If "
            "the disk is full, free some space. Then run the build again. What was published is "
            "whole.",
            file=sys.stderr,
        )
    except duckdb.Error:
        pass


class RawFiles:
    """Whether the raw files are still those a build began with, as functions for SQL.

    Parameters
    ----------
    project_dir : Path
        Folder that the dataset's is relative to.
    """

    def __init__(self, project_dir: Path) -> None:
        self.project_dir = project_dir

    def stamps(self, raw_data: str) -> str:
        """Size and time of change of each file, as JSON."""
        return json.dumps(raw_file_stamps(raw_data, project_dir=self.project_dir))

    def changes(self, raw_data: str, before: str) -> str:
        """What happened to the files since, in words; empty when nothing did."""
        now = raw_file_stamps(raw_data, project_dir=self.project_dir)
        return changes(json.loads(before), now)


@cache
def code_of_run(project_dir: Path, started: str) -> str:
    """Hash of the code that decides over staged rows, as a run found it.

    Asked once a run, for dbt reads macros once. What was edited after the run began may be what
    dbt has read or not: such a hash is of this run alone, so that the next one stages all anew.

    Parameters
    ----------
    project_dir : Path
        Folder that has ``macros``.
    started : str
        When the run began, ISO 8601 with a zone.

    Returns
    -------
    str
        64 hexadecimal digits, and ``started`` where code was edited since.
    """
    files = [*sorted((project_dir / "macros").rglob("*.sql"))]
    files += sorted((Path(__file__).parent / "privacy").glob("*.py"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    began = datetime.fromisoformat(started).timestamp()
    edited = any(file.stat().st_mtime >= began for file in files)
    return digest.hexdigest() + (started if edited else "")


class Suppression:
    """The suppression list of each dataset, as functions for SQL.

    Parameters
    ----------
    project_dir : Path
        Folder that ``privacy/<dataset>`` lies in.
    """

    def __init__(self, project_dir: Path) -> None:
        self.project_dir = project_dir
        self._lists: dict[tuple[str, bool], tuple[tuple[int, int], SuppressionList]] = {}

    def read(self, raw_data: str, demo_secret_allowed: bool) -> SuppressionList | None:
        """The list, read again when its file has changed; None when there is none."""
        file = privacy_directory(raw_data, project_dir=self.project_dir) / "suppression.csv"
        try:
            state = file.stat()
        except FileNotFoundError:
            return None
        version = (state.st_mtime_ns, state.st_size)
        known = self._lists.get((raw_data, demo_secret_allowed))
        if known is None or known[0] != version:
            secrets = read_secrets(demo_secret_allowed=demo_secret_allowed)
            known = (version, SuppressionList(file, secrets))
            self._lists[raw_data, demo_secret_allowed] = known
        return known[1]

    def exists(self, raw_data: str) -> bool:
        """Whether there is a list at all."""
        folder = privacy_directory(raw_data, project_dir=self.project_dir)
        return (folder / "suppression.csv").exists()

    def version(self, raw_data: str, started: str) -> str:
        """What a staged row depends on beside files, settings and seeds: code, and this list."""
        file = privacy_directory(raw_data, project_dir=self.project_dir) / "suppression.csv"
        listed = file.read_bytes() if file.is_file() else b""
        code = code_of_run(self.project_dir, started)
        return hashlib.sha256(code.encode() + listed).hexdigest()

    def problem(self, raw_data: str, demo_secret_allowed: bool) -> str:
        """What keeps the list from being asked; empty when nothing does."""
        try:
            self.read(raw_data, demo_secret_allowed)
        except SegmentationError as error:
            return str(error)
        return ""

    def holds(
        self,
        kinds: pa.ChunkedArray,
        values: pa.ChunkedArray,
        raw_data: pa.ChunkedArray,
        demo_secret_allowed: pa.ChunkedArray,
    ) -> pa.ChunkedArray:
        """Whether each value is on the list of its kind; false for a null."""
        found = None
        if len(values) and values.null_count < len(values):
            found = self.read(raw_data[0].as_py(), demo_secret_allowed[0].as_py())
        if not found:
            return pa.chunked_array([pa.repeat(pa.scalar(False), len(values))])
        kind = kinds[0].as_py()
        answers = [found.holds(kind, value) for value in values.to_pylist()]
        return pa.chunked_array([pa.array(answers, pa.bool_())])


def input_report(
    project_dir: Path,
    raw_data: str,
    raw_format: str,
    sources_json: str,
    folders_json: str,
    base_currency: str,
    demo_secret_allowed: bool,
) -> str:
    """The answers of all functions that check, for an engine that has none of them in SQL."""
    return (
        input_problems_function(project_dir)(raw_data, raw_format, sources_json, folders_json)
        + currency_problem(project_dir, base_currency)
        + secret_problem(demo_secret_allowed)
        + Suppression(project_dir).problem(raw_data, demo_secret_allowed)
    )


class Plugin:
    """What dbt-duckdb makes of a module named under ``plugins``.

    Parameters
    ----------
    name : str
        Name of the plugin.
    plugin_config : dict
        ``config`` of the profile; ``project_dir`` overrides where the sources are declared.
    credentials : object, optional
        The profile's connection; its secrets are used to read addresses such as ``s3://``.
    """

    def __init__(
        self, name: str, plugin_config: dict[str, Any], credentials: Any | None = None
    ) -> None:
        self.name = name
        self.creds = credentials
        self.project_dir = Path(plugin_config.get("project_dir") or project_root())

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:
        """Take out settings left empty, and look whether the warehouse can be opened.

        Raises
        ------
        RuntimeError
            It cannot; dbt tells that kind without a traceback.
        """
        for setting in [name for name, value in config.items() if value == ""]:
            del config[setting]
        path = str(getattr(creds, "path", ":memory:"))
        if (
            path != ":memory:"
            and not is_remote(path)
            and (problem := warehouse_problem(Path(path)))
        ):
            raise RuntimeError(problem)

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Register the function; every cursor of the connection sees it.

        Where the raw data lie at an address, the connection learns to read it as well.
        """
        if is_remote(os.environ.get("RAW_DATA", "")):
            load_address_reading(conn)
        atexit.register(say_if_given_up, conn)
        secrets = tuple(self.creds.secrets_sql()) if self.creds is not None else ()
        conn.create_function(
            SECRET_FUNCTION, secret_problem, ["BOOLEAN"], "VARCHAR", side_effects=True
        )
        conn.create_function(
            CURRENCY_FUNCTION,
            partial(currency_problem, self.project_dir),
            ["VARCHAR"],
            "VARCHAR",
            side_effects=True,
        )
        raw_files = RawFiles(self.project_dir)
        conn.create_function(
            RAW_FILES_FUNCTION, raw_files.stamps, ["VARCHAR"], "VARCHAR", side_effects=True
        )
        conn.create_function(
            CHANGES_FUNCTION,
            raw_files.changes,
            ["VARCHAR", "VARCHAR"],
            "VARCHAR",
            side_effects=True,
        )
        suppression = Suppression(self.project_dir)
        conn.create_function(
            SUPPRESSION_PROBLEM_FUNCTION,
            suppression.problem,
            ["VARCHAR", "BOOLEAN"],
            "VARCHAR",
            side_effects=True,
        )
        # Without side effects it is answered once, when a query is planned: where there is no list,
        # no row is looked at.
        conn.create_function(HAS_SUPPRESSIONS_FUNCTION, suppression.exists, ["VARCHAR"], "BOOLEAN")
        conn.create_function(
            SETTINGS_FUNCTION,
            partial(settings_fingerprint, self.project_dir),
            ["VARCHAR"],
            "VARCHAR",
            side_effects=True,
        )
        conn.create_function(
            MADE_OF_FUNCTION,
            partial(made_of, self.project_dir),
            ["VARCHAR"] * 5,
            "VARCHAR",
            # None where it cannot be told.
            null_handling="special",
            side_effects=True,
        )
        conn.create_function(
            DECIDING_FUNCTION,
            suppression.version,
            ["VARCHAR", "VARCHAR"],
            "VARCHAR",
            side_effects=True,
        )
        conn.create_function(
            SUPPRESSION_FUNCTION,
            suppression.holds,
            ["VARCHAR", "VARCHAR", "VARCHAR", "BOOLEAN"],
            "BOOLEAN",
            type="arrow",
            null_handling="special",
            # The list may grow between two builds.
            side_effects=True,
        )
        conn.create_function(
            FUNCTION,
            input_problems_function(self.project_dir, setup=secrets),
            ["VARCHAR"] * 4,
            "VARCHAR",
            # Files change between two calls with the same arguments.
            side_effects=True,
        )

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Nothing is lost in a cursor."""

    def load(self, source_config: Any) -> Any:
        """Refuse: this plugin reads no sources."""
        raise NotImplementedError(f"{self.name} loads no sources")

    def store(self, target_config: Any) -> None:
        """Refuse: this plugin writes no relations."""
        raise NotImplementedError(f"{self.name} stores no relations")

    def default_materialization(self) -> str:
        """How dbt-duckdb would keep a loaded source."""
        return "table"

"""What a dataset folder and the project say about themselves, as dbt vars and Python values."""

import csv
import os
import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from python_ext.errors import SegmentationError

RAW_FORMATS = ("parquet", "csv", "json")
REQUIRED_TABLES = ("shop.orders", "shop.order_lines")
ARRIVING_TABLES = ("shop.orders", "shop.order_lines", "web.events", "email.events")
"""Tables that may be a folder of files, each file one arrival, sorted by name."""
DATASET_KEYS = {"name", "title", "synthetic", "public", "vars"}
DEFAULT_READERS = {
    "parquet": "read_parquet('{path}.parquet', union_by_name = true)",
    "csv": "read_csv('{path}.csv', header = true, all_varchar = true, quote = '\"', escape = '\"', "
    "nullstr = ['', 'NULL', 'null', 'N/A', '#N/A'])",
    # Moments stay text (no format is found): the reader would take 22:30Z for 22:30 of the shop.
    "json": "read_json('{path}.json', union_by_name = true, timestampformat = 'none')",
}
EVERY_FILE = "/[!.]*"
"""What follows the path of a table that is a folder; a file being written has a leading point."""

_ENV_VAR = re.compile(
    r"\{\{\s*env_var\(\s*['\"](\w+)['\"]\s*(?:,\s*['\"]([^'\"]*)['\"]\s*)?\)\s*\}\}"
)


@dataclass(frozen=True)
class DatasetSettings:
    """The vars of one dataset and what was decided on the way.

    Attributes
    ----------
    vars : dict
        For ``dbt --vars``.
    messages : list of str
        What a person should know, one sentence each.
    """

    vars: dict[str, Any]
    messages: list[str] = field(default_factory=list)


def project_root() -> Path:
    """The dbt project at work: the current folder, else the one this package lies in."""
    here = Path.cwd()
    return here if (here / "dbt_project.yml").exists() else Path(__file__).resolve().parents[1]


def read_yaml(file: Path) -> dict[str, Any]:
    """A YAML file as a mapping; Jinja inside strings is left as it stands.

    Raises
    ------
    SegmentationError
        The file cannot be read, or is no mapping.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SegmentationError(f"{file} cannot be read: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SegmentationError(f"{file} must be a mapping of keys to values.")
    return content


def declared_tables(project_dir: Path) -> dict[str, dict[str, str]]:
    """The raw tables that the dbt sources declare.

    Parameters
    ----------
    project_dir : Path
        Folder of ``dbt_project.yml``.

    Returns
    -------
    dict
        ``{"shop.orders": {"order_id": "string", …}, …}``, in the order of the files.

    Raises
    ------
    SegmentationError
        No sources are declared there.
    """
    tables: dict[str, dict[str, str]] = {}
    for file in sorted((project_dir / "models" / "staging").glob("*/_*__sources.yml")):
        for source in read_yaml(file).get("sources") or []:
            for table in source.get("tables") or []:
                tables[f"{source['name']}.{table['name']}"] = {
                    column["name"]: str(column.get("data_type", "string")).lower()
                    for column in table.get("columns") or []
                }
    if not tables:
        raise SegmentationError(
            f"No sources are declared in {project_dir / 'models' / 'staging'}. "
            "Run the command from the root of the project."
        )
    return tables


def is_on(table: str, sources: dict[str, bool]) -> bool:
    """Whether a table (``crm.consents``) is switched on, by itself and by its source."""
    return bool(sources.get(table.split(".")[0], True)) and bool(sources.get(table, True))


def is_remote(raw_data: str) -> bool:
    """Whether a location is an address (``s3://…``) and not a local folder."""
    return "://" in raw_data


def raw_files(folder: Path, table: str, raw_format: str) -> list[Path]:
    """The files of a raw table, in the order in which they arrived; none where it has none.

    Parameters
    ----------
    folder : Path
        Folder of the dataset.
    table : str
        Source and table: ``web.events`` is ``web/events.parquet``, or every file in ``web/events``.
    raw_format : str
        ``parquet``, ``csv`` or ``json``.
    """
    path = folder / table.replace(".", "/")
    file = path.with_suffix(f".{raw_format}")
    if file.is_file():
        return [file]
    return sorted(path.glob(f"{EVERY_FILE[1:]}.{raw_format}")) if table in ARRIVING_TABLES else []


def table_of_file(folder: Path, file: Path) -> str:
    """The table that a raw file belongs to, itself or as one arrival: ``web.events``."""
    source, *rest = file.relative_to(folder).with_suffix("").parts
    return f"{source}.{rest[0]}" if rest else source


def project_vars(project_dir: Path) -> dict[str, Any]:
    """The ``vars`` of ``dbt_project.yml``; empty where there is no such file."""
    file = project_dir / "dbt_project.yml"
    return dict(read_yaml(file).get("vars") or {}) if file.exists() else {}


def currency_problem(project_dir: Path, currency: str) -> str:
    """What is wrong with a base currency; empty when the seed has a rate for it."""
    with (project_dir / "seeds/reference/exchange_rates.csv").open(encoding="utf-8") as file:
        known = [row["currency"] for row in csv.DictReader(file)]
    if currency in known:
        return ""
    return (
        f"base_currency is {currency}, for which there is no rate. Known are {', '.join(known)}; "
        "add a row to seeds/reference/exchange_rates.csv."
    )


def raw_readers(project_dir: Path) -> dict[str, str]:
    """How each raw format is read in SQL: those of the project, so that all read alike."""
    return {**DEFAULT_READERS, **(project_vars(project_dir).get("raw_readers") or {})}


def vars_of(project_dir: Path, raw_data: str) -> dict[str, Any]:
    """The ``vars`` of the project, and over them those that the dataset has of its own.

    Parameters
    ----------
    project_dir : Path
        Folder of ``dbt_project.yml``.
    raw_data : str
        Folder of the dataset, with or without a ``dataset.yml``.
    """
    file = Path(raw_data) / "dataset.yml"
    described = read_yaml(file) if not is_remote(raw_data) and file.exists() else {}
    return {**project_vars(project_dir), **(described.get("vars") or {})}


def date_formats(project_dir: Path, raw_data: str) -> list[str]:
    """Formats in which staging reads dates that are no ISO text, in the order they are tried."""
    return list(vars_of(project_dir, raw_data).get("date_formats") or [])


def warehouse_path(project_dir: Path) -> Path:
    """The DuckDB file of the default target in ``profiles.yml``, relative to the project.

    Raises
    ------
    SegmentationError
        The profile names no file.
    """
    profiles = read_yaml(project_dir / "profiles.yml")
    profiles.pop("config", None)
    for profile in profiles.values():
        output = (profile.get("outputs") or {}).get(profile.get("target", "dev")) or {}
        if path := output.get("path"):
            resolved = _ENV_VAR.sub(lambda m: os.environ.get(m[1], m[2] or ""), str(path))
            return project_dir / resolved
    raise SegmentationError("profiles.yml names no database file; give it with --database.")


def dataset_vars(raw_data: str, *, project_dir: Path) -> DatasetSettings:
    """The dbt vars of a dataset folder, with or without a ``dataset.yml``.

    Without one, every table that has no file is switched off, but the required ones: their
    absence is for the check to report. With one, nothing is guessed but the format of the files.

    Parameters
    ----------
    raw_data : str
        Folder ``data/<dataset>`` or an address such as ``s3://bucket/dataset``.
    project_dir : Path
        Folder of ``dbt_project.yml``.

    Returns
    -------
    DatasetSettings

    Raises
    ------
    SegmentationError
        The folder is missing, its files have several formats, or ``dataset.yml`` is wrong.
    """
    raw_data = raw_data if raw_data.endswith("://") else raw_data.rstrip("/") or raw_data
    tables = declared_tables(project_dir)
    name = raw_data.rsplit("/", 1)[-1]
    messages: list[str] = []
    if is_remote(raw_data):
        described: dict[str, Any] = {}
        found = {"parquet": list(tables)}
        messages.append(
            f"{raw_data} is not a local folder: its files are taken to be Parquet and every "
            "source to be on. Say otherwise with --vars."
        )
    else:
        folder = Path(raw_data)
        if not folder.is_dir():
            raise SegmentationError(
                f"There is no folder {raw_data}. Generate the demo with `make data`, import a "
                "dataset with `segmentation datasets import`, or name your own folder.",
                exit_code=2,
            )
        file = folder / "dataset.yml"
        described = _described(file, tables) if file.exists() else {}
        name = folder.resolve().name
        found = _files_by_format(folder, tables)
        if not file.exists():
            messages.append(f"{raw_data} has no dataset.yml: its files say what is switched on.")

    given = {
        key: str(value) if isinstance(value, date) else value
        for key, value in (described.get("vars") or {}).items()
    }
    raw_format = _raw_format(raw_data, found, given.get("raw_format"))
    sources = dict(given.get("sources") or {})
    if not described and not is_remote(raw_data):
        sources = _switches(tables, set(found.get(raw_format, [])))
        if off := sorted(key for key, on in sources.items() if not on):
            messages.append(f"Switched off, because no file was found: {', '.join(off)}.")
        if strange := _strange_files(Path(raw_data), tables, raw_format):
            messages.append(f"Not part of the contract, so not read: {', '.join(strange)}.")
        currency = project_vars(project_dir).get("base_currency", "EUR")
        messages.append(
            f"Amounts are reported in {currency}; name another base_currency in dataset.yml."
        )
    synthetic = bool(described.get("synthetic", False))
    return DatasetSettings(
        vars={
            "dataset": described.get("name", name),
            **given,
            "sources": sources,
            "raw_data": raw_data,
            "raw_format": raw_format,
            "raw_folders": _folders(raw_data, given, raw_format),
            "demo_secret_allowed": synthetic or bool(described.get("public", False)),
            "dataset_title": described.get("title") or described.get("name", name),
            "is_synthetic": synthetic,
        },
        messages=messages,
    )


def _described(file: Path, tables: dict[str, dict[str, str]]) -> dict[str, Any]:
    """The content of a dataset.yml, every key of it known."""
    content = read_yaml(file)
    if unknown := sorted(set(content) - DATASET_KEYS):
        raise SegmentationError(
            f"{file}: unknown key {', '.join(unknown)}; "
            f"known are {', '.join(sorted(DATASET_KEYS))}."
        )
    given = content.get("vars") or {}
    sources = given.get("sources") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(sources or {}, dict):
        raise SegmentationError(f"{file}: `vars` and `vars: sources` must be mappings.")
    known = {*tables, *(table.split(".")[0] for table in tables)}
    for switch, value in (sources or {}).items():
        if switch not in known:
            raise SegmentationError(
                f"{file}: `sources` names {switch}, which is no source or table. "
                f"Known are {', '.join(sorted(known))}."
            )
        if not isinstance(value, bool):
            raise SegmentationError(f"{file}: `sources: {switch}` must be true or false.")
    content.setdefault("name", file.resolve().parent.name)
    return content


def _files_by_format(folder: Path, tables: dict[str, dict[str, str]]) -> dict[str, list[str]]:
    """Which declared tables have a file, for each format that has any."""
    found = {
        raw_format: [table for table in tables if raw_files(folder, table, raw_format)]
        for raw_format in RAW_FORMATS
    }
    return {raw_format: names for raw_format, names in found.items() if names}


def _folders(raw_data: str, given: dict[str, Any], raw_format: str) -> list[str]:
    """The tables that are delivered as a folder of files."""
    if is_remote(raw_data):
        return list(given.get("raw_folders") or [])
    folders = []
    for table in ARRIVING_TABLES:
        path = Path(raw_data) / table.replace(".", "/")
        if not path.is_dir():
            continue
        if path.with_suffix(f".{raw_format}").exists():
            raise SegmentationError(
                f"{raw_data} holds {table} twice: {path.name}.{raw_format} and the folder "
                f"{path.name}. Keep the one that is complete."
            )
        folders.append(table)
    return folders


def _raw_format(raw_data: str, found: dict[str, list[str]], given: str | None) -> str:
    """The one format of a dataset's files."""
    if given is not None:
        if given not in RAW_FORMATS:
            raise SegmentationError(
                f"{raw_data}: raw_format {given} is not one of {', '.join(RAW_FORMATS)}."
            )
        return given
    if len(found) > 1:
        examples = ", ".join(
            f"{names[0].replace('.', '/')}.{raw_format}" for raw_format, names in found.items()
        )
        raise SegmentationError(
            f"{raw_data} holds files of several formats ({examples}). Convert them to one, or "
            "name the one that counts as raw_format under vars in dataset.yml."
        )
    return next(iter(found), "parquet")


def _strange_files(folder: Path, tables: dict[str, dict[str, str]], raw_format: str) -> list[str]:
    """Files of the dataset's format that are no declared table: perhaps a wrong name."""
    return sorted(
        f"{file.parent.name}/{file.name}"
        for file in folder.glob(f"*/*.{raw_format}")
        if f"{file.parent.name}.{file.stem}" not in tables and not file.parent.name.startswith("_")
    )


def _switches(tables: dict[str, dict[str, str]], present: set[str]) -> dict[str, bool]:
    """Off for what has no file; a source none of whose tables has one is off as a whole."""
    wanted = present | set(REQUIRED_TABLES)
    switches: dict[str, bool] = {}
    for source in dict.fromkeys(table.split(".")[0] for table in tables):
        own = [table for table in tables if table.split(".")[0] == source]
        if not wanted.intersection(own):
            switches[source] = False
        else:
            switches[source] = True
            switches.update({table: False for table in own if table not in wanted})
    return switches

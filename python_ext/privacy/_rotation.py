"""Another secret: new keys for everyone, and a list old → new in the vault alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from python_ext.errors import SegmentationError
from python_ext.identity import customer_key
from python_ext.privacy._files import columns_of, name, next_name, rewrite_database, text
from python_ext.privacy._places import Places
from python_ext.privacy._vault import ROTATIONS, open_vault


@dataclass(frozen=True)
class Rotated:
    """What a rotation did.

    Attributes
    ----------
    people
        Customers with a new key.
    tables
        Tables of the warehouse in which keys were replaced, with the rows concerned.
    """

    people: int
    tables: dict[str, int]


def rotate_secret(
    places: Places, *, old_secret: bytes, new_secret: bytes, vault_key: str
) -> Rotated:
    """Give every customer the key of a new secret, in the warehouse and its history.

    The new key is the keyed hash of the same record under the new secret, so a build with that
    secret gives the same keys. What was published keeps the old keys until it is published again.

    Parameters
    ----------
    old_secret, new_secret
        The secret of the keys in the warehouse, and the one from now on.
    vault_key
        Key of the vault, which alone gets the list old → new.

    Raises
    ------
    SegmentationError
        The keys in the warehouse were not made with the old secret, or the secrets are equal.
    """
    if old_secret == new_secret:
        raise SegmentationError(
            "The old and the new secret are the same: set SEGMENTATION_SECRET to the new one and "
            "SEGMENTATION_OLD_SECRETS to the one before."
        )
    mapping = _mapping(places, old_secret, new_secret)
    _keep_mapping(places, mapping, vault_key)
    counts: dict[str, int] = {}

    def prepare(connection: duckdb.DuckDBPyConnection) -> None:
        _bring(connection, mapping)

    def selection(
        connection: duckdb.DuckDBPyConnection, schema: str, table: str, source: str
    ) -> tuple[str, int] | None:
        keys = _columns_with_keys(connection, source)
        if not keys:
            return None
        rows = connection.execute(f"select count(*) from {source}").fetchone()[0]
        counts[f"{schema}.{table}"] = rows
        return f"select * {_replaced(keys)} from {source}", rows

    rewrite_database(places.database, selection, prepare=prepare)
    next_name(places.database).replace(places.database)
    return Rotated(people=_people(places), tables=counts)


def _people(places: Places) -> int:
    with duckdb.connect(str(places.database), read_only=True) as connection:
        return connection.execute(
            "select count(distinct customer_key) from ml.ml_customer_identities"
        ).fetchone()[0]


def _mapping(places: Places, old_secret: bytes, new_secret: bytes) -> list[tuple[str, str]]:
    """Old and new key of every customer, record and household, the old ones checked."""
    if not places.database.is_file():
        raise SegmentationError(f"There is no warehouse {places.database}. Build it first.")
    with duckdb.connect() as connection:
        try:
            connection.execute(f"attach {text(places.database)} as warehouse (read_only)")
        except duckdb.Error as error:
            raise SegmentationError(f"{places.database} cannot be opened: {error}") from None
        records = connection.execute(
            "select record_id, customer_key from warehouse.ml.ml_customer_identities order by all"
        ).fetchall()
        remembered = _remembered_keys(connection)
    keys = {key for _, key in records}
    mapping = {
        customer_key(record_id, secret=old_secret): customer_key(record_id, secret=new_secret)
        for record_id, _ in records
    }
    if keys and not keys & set(mapping):
        raise SegmentationError(
            f"No key in {places.database} was made with the old secret (the first of "
            "SEGMENTATION_OLD_SECRETS): another one is needed, or the keys have been rotated "
            "already. Nothing was changed."
        )
    for key in sorted((keys | remembered) - set(mapping)):
        # The record that gave the key is gone; the memory of keys carries the new one on. A hash
        # under the old secret must not stay: who has the secret can tell whose it is.
        mapping[key] = customer_key(f"rotated:{key}", secret=new_secret)
    for key in sorted(keys):
        old, new = f"household:{key}", f"household:{mapping[key]}"
        mapping[customer_key(old, secret=old_secret)] = customer_key(new, secret=new_secret)
    return sorted(mapping.items())


def _remembered_keys(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Keys in the memory of keys, also of records that no delivery holds any more."""
    if not connection.execute(
        "select count(*) from duckdb_tables() "
        "where database_name = 'warehouse' and table_name = 'ml_record_keys'"
    ).fetchone()[0]:
        return set()
    rows = connection.execute(
        "select record_key, customer_key from warehouse.ml.ml_record_keys"
    ).fetchall()
    return {key for row in rows for key in row}


def _bring(connection: duckdb.DuckDBPyConnection, mapping: list[tuple[str, str]]) -> None:
    import pandas as pd

    frame = pd.DataFrame(mapping, columns=["old_key", "new_key"])
    connection.register("rotation_frame", frame)
    connection.execute("create or replace temp table rotation as select * from rotation_frame")
    connection.unregister("rotation_frame")


def _columns_with_keys(connection: duckdb.DuckDBPyConnection, source: str) -> list[str]:
    """Columns in which an old key stands, whatever they are called."""
    texts = [column for column, kind in columns_of(connection, source) if kind == "VARCHAR"]
    if not texts:
        return []
    found = connection.execute(
        "select "
        + ", ".join(f"bool_or({name(c)} in (select old_key from rotation))" for c in texts)
        + f" from {source}"
    ).fetchone()
    return [column for column, is_there in zip(texts, found, strict=True) if is_there]


def _replaced(keys: list[str]) -> str:
    """SQL that puts the new key in the place of the old one."""
    cells = (
        f"coalesce((select new_key from rotation where old_key = {name(key)}), {name(key)}) "
        f"as {name(key)}"
        for key in keys
    )
    return f"replace ({', '.join(cells)})"


def _keep_mapping(places: Places, mapping: list[tuple[str, str]], vault_key: str) -> None:
    """Add the list to the vault; one that is there keeps its earlier rotations."""
    places.directory.mkdir(parents=True, exist_ok=True)
    following = next_name(places.vault)
    for leftover in (following, Path(f"{following}.wal")):
        leftover.unlink(missing_ok=True)
    with duckdb.connect() as connection:
        _bring(connection, mapping)
        kept: list[str] = []
        if places.vault.exists():
            open_vault(connection, places.vault, vault_key, alias="old_vault")
            kept = [
                row[0]
                for row in connection.execute(
                    "select table_name from duckdb_tables() where database_name = 'old_vault'"
                ).fetchall()
            ]
        open_vault(connection, following, vault_key, writable=True)
        for table in kept:
            source = f"old_vault.{name(table)}"
            keys = _columns_with_keys(connection, source) if table != ROTATIONS else []
            replaced = _replaced(keys) if keys else ""
            connection.execute(
                f"create table vault.{name(table)} as select * {replaced} from {source}"
            )
        if ROTATIONS not in kept:
            connection.execute(
                f"create table vault.{ROTATIONS} "
                "(rotation integer, old_key varchar, new_key varchar)"
            )
        connection.execute(
            f"""
            insert into vault.{ROTATIONS}
            select (select coalesce(max(rotation), 0) + 1 from vault.{ROTATIONS}), old_key, new_key
            from rotation
            where (old_key, new_key) not in (select (old_key, new_key) from vault.{ROTATIONS})
            order by old_key
            """
        )
        connection.execute("detach vault")
    following.chmod(0o600)
    following.replace(places.vault)

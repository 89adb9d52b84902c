"""Another secret: new keys that a build agrees with, and a list old → new in the vault alone."""

import shutil

import duckdb
import pytest
from _private_copy import SECRET, VAULT_KEY, ask, places_in, private_copy

from python_ext.errors import SegmentationError
from python_ext.identity import customer_key
from python_ext.privacy import open_vault, rotate_secret, write_vault

NEW = b"the secret from now on, for tests"
GONE = customer_key("id:gone", secret=SECRET)
KEYS = "select record_id, customer_key from ml.ml_customer_identities order by all"


@pytest.fixture(scope="module")
def original(demo_build, tmp_path_factory):
    places = private_copy(demo_build, tmp_path_factory.mktemp("rotation"))
    write_vault(places, key=VAULT_KEY)
    return places


@pytest.fixture(scope="module")
def rotated(original, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rotated") / "copy"
    shutil.copytree(original.published.parent, folder)
    places = places_in(folder)
    with duckdb.connect(str(places.database)) as connection:
        connection.execute(
            "create table marts.some_history as select customer_key, 'first' as run "
            "from marts.customers"
        )
        # A record that stands in no delivery any more is remembered all the same.
        connection.execute(
            "insert into ml.ml_record_keys select * replace ($1 as record_key, $1 as customer_key) "
            "from ml.ml_record_keys limit 1",
            [GONE],
        )
    return places, rotate_secret(places, old_secret=SECRET, new_secret=NEW, vault_key=VAULT_KEY)


def vault_rows(places, query):
    with duckdb.connect() as connection:
        open_vault(connection, places.vault, VAULT_KEY)
        return connection.execute(query).fetchall()


def test_everybody_has_the_key_that_the_new_secret_gives(original, rotated):
    before, after = dict(ask(original.database, KEYS)), dict(ask(rotated[0].database, KEYS))
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())
    for record, key in before.items():
        giver = next(r for r, k in before.items() if customer_key(r, secret=SECRET) == key)
        assert after[record] == customer_key(giver, secret=NEW)
    assert rotated[1].people == len(set(before.values()))


def test_history_follows_and_nothing_else_changes(original, rotated):
    places = rotated[0]
    assert ask(
        places.database,
        "select count(*) from marts.some_history inner join marts.customers using (customer_key)",
    ) == ask(places.database, "select count(*) from marts.customers")
    for table in ("marts.customer_rfm", "intermediate.int_customer_features", "marts.customers"):
        rest = f"select columns(c -> not ends_with(c, '_key')) from {table} order by all"
        assert ask(original.database, rest) == ask(places.database, rest)


def test_no_old_key_is_left_in_the_warehouse(original, rotated):
    old = {GONE} | {key for _, key in ask(original.database, KEYS)}
    with duckdb.connect(str(rotated[0].database), read_only=True) as connection:
        columns = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() "
            "where not internal and data_type = 'VARCHAR'"
        ).fetchall()
        assert len(columns) > 100
        for schema, table, column in columns:
            found = connection.execute(f'select distinct "{column}" from {schema}.{table}')
            assert not {row[0] for row in found.fetchall()} & old, f"{schema}.{table}.{column}"


def test_the_list_is_in_the_vault_and_leads_from_old_to_new(original, rotated):
    mapping = dict(vault_rows(rotated[0], "select old_key, new_key from vault.key_rotations"))
    before, after = dict(ask(original.database, KEYS)), dict(ask(rotated[0].database, KEYS))
    assert all(mapping[key] == after[record] for record, key in before.items())
    assert (
        dict(vault_rows(rotated[0], "select record_id, customer_key from vault.identities"))
        == after
    )
    # The next `vault write` keeps the list.
    write_vault(rotated[0], key=VAULT_KEY)
    assert mapping == dict(
        vault_rows(rotated[0], "from vault.key_rotations select old_key, new_key")
    )


def test_a_wrong_old_secret_changes_nothing(original):
    before = original.database.read_bytes()
    for old in (b"not the secret it was, for sure", NEW):
        with pytest.raises(SegmentationError):
            rotate_secret(original, old_secret=old, new_secret=NEW, vault_key=VAULT_KEY)
    assert original.database.read_bytes() == before


def test_rotating_twice_with_the_same_secrets_is_refused(rotated):
    with pytest.raises(SegmentationError, match="rotated already"):
        rotate_secret(rotated[0], old_secret=SECRET, new_secret=NEW, vault_key=VAULT_KEY)

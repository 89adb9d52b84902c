"""The vault: readable identity that only its key opens, and the export that joins it once."""

import csv
import shutil
import stat

import duckdb
import pytest
from _datasets import ROOT
from _private_copy import SECRET, VAULT_KEY, ask, person_with, places_in, private_copy
from click.testing import CliRunner

from python_ext.cli import main
from python_ext.errors import SegmentationError
from python_ext.privacy import (
    export_people,
    find_people,
    look_up,
    need_vault_key,
    open_vault,
    read_vault_key,
    write_vault,
)
from python_ext.privacy._suppression import add_entries
from python_ext.remote import load_address_reading


@pytest.fixture(scope="module")
def places(demo_build, tmp_path_factory):
    places = private_copy(demo_build, tmp_path_factory.mktemp("vault"))
    write_vault(places, key=VAULT_KEY)
    return places


def test_the_vault_holds_every_current_record(places):
    with duckdb.connect() as connection:
        open_vault(connection, places.vault, VAULT_KEY)
        kept = connection.execute(
            "select record_id, customer_key from vault.identities order by all"
        ).fetchall()
    assert kept == ask(
        places.database,
        "select record_id, customer_key from ml.ml_customer_identities order by all",
    )


def test_the_file_is_encrypted_with_aes_in_gcm_mode(places):
    with duckdb.connect() as connection:
        open_vault(connection, places.vault, VAULT_KEY)
        assert connection.execute(
            "select encrypted, cipher from duckdb_databases() where database_name = 'vault'"
        ).fetchone() == (True, "GCM")


def test_the_bytes_of_the_file_name_nobody(places):
    """An unencrypted file with the same rows does hold the names, so the search can find them."""
    content = places.vault.read_bytes().lower()
    plain = places.vault.with_name("plain.duckdb")
    with duckdb.connect() as connection:
        connection.execute("set force_compression = 'uncompressed'")
        open_vault(connection, places.vault, VAULT_KEY)
        connection.execute(f"attach '{plain}' as plain")
        connection.execute("create table plain.identities as from vault.identities")
        connection.execute("detach plain")
        values = [
            value.lower().encode()
            for row in connection.execute(
                "select email, first_name || last_name, phone, customer_key, address "
                "from vault.identities"
            ).fetchall()
            for value in row
            if value
        ]
    readable = plain.read_bytes().lower()
    plain.unlink()
    assert len(values) > 1000
    assert not [value for value in values if value in content]
    assert sum(value in readable for value in values) > 1000


def test_a_wrong_key_opens_nothing_and_is_not_told(places):
    wrong = "another key, long enough to be one"
    with pytest.raises(SegmentationError, match="does not open with this key") as caught:
        look_up(places, key=wrong, customer_key="x")
    assert wrong not in str(caught.value) and caught.value.__cause__ is None
    with pytest.raises(SegmentationError, match="does not open with this key"):
        write_vault(places, key=wrong)
    assert look_up(places, key=VAULT_KEY, customer_key=person_with(places, "records > 0"))


def test_a_copied_file_is_worth_nothing_without_the_key(places, tmp_path):
    copy = tmp_path / "stolen.duckdb"
    shutil.copyfile(places.vault, copy)
    for setup in (lambda connection: None, load_address_reading):
        with duckdb.connect() as connection:
            setup(connection)
            with pytest.raises(duckdb.Error, match="without a key"):
                connection.execute(f"attach '{copy}' as stolen (read_only)")
    with pytest.raises(duckdb.Error):
        duckdb.connect(str(copy), read_only=True)


def test_a_changed_byte_is_noticed(places, tmp_path):
    """GCM authenticates: a block that was tampered with is not read as if it were true."""
    content = bytearray(places.vault.read_bytes())
    changed = tmp_path / "privacy" / "identity.duckdb"
    changed.parent.mkdir()
    noticed = 0
    for position in range(3 * 4096 + 200, len(content), len(content) // 6):
        tampered = bytearray(content)
        tampered[position] ^= 1
        changed.write_bytes(tampered)
        with duckdb.connect() as connection:
            try:
                open_vault(connection, changed, VAULT_KEY)
                rows = connection.execute("select * from vault.identities order by all").fetchall()
            except (duckdb.Error, SegmentationError):
                noticed += 1
                continue
            # A byte of a block that holds no rows.
            open_vault(connection, places.vault, VAULT_KEY, alias="original")
            assert (
                rows
                == connection.execute("select * from original.identities order by all").fetchall()
            )
    assert noticed >= 3


def test_a_file_that_is_not_encrypted_is_refused(places, tmp_path):
    plain = tmp_path / "identity.duckdb"
    duckdb.connect(str(plain)).close()
    with duckdb.connect() as connection, pytest.raises(SegmentationError, match="not an encrypted"):
        open_vault(connection, plain, VAULT_KEY)


@pytest.mark.parametrize("key", ["short", "x" * 31])
def test_a_short_key_is_refused_with_how_to_make_one(key):
    with pytest.raises(SegmentationError, match="openssl rand") as caught:
        read_vault_key({"SEGMENTATION_VAULT_KEY": key})
    assert key not in str(caught.value)


def test_a_missing_key_is_named():
    assert read_vault_key({}) is None
    with pytest.raises(SegmentationError, match="SEGMENTATION_VAULT_KEY"):
        need_vault_key({"SEGMENTATION_VAULT_KEY": "  "})


def test_only_its_owner_reads_the_vault(places):
    assert stat.S_IMODE(places.vault.stat().st_mode) == 0o600
    assert {file.name for file in places.directory.iterdir()} == {"identity.duckdb"}


def call(*arguments, places, **environment):
    return CliRunner().invoke(
        main,
        [
            *(str(argument) for argument in arguments),
            *("--raw-data", places.raw_data),
            *("--database", str(places.database)),
            *("--publish-dir", str(places.published)),
            *("--privacy-dir", str(places.directory)),
            *(option for cache in places.caches for option in ("--cache-dir", str(cache))),
        ],
        env={"SEGMENTATION_VAULT_KEY": "", **environment},
    )


def test_without_a_key_the_command_writes_nothing_and_says_so(places, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    (tmp_path / "demo").symlink_to(places.raw_folder)
    elsewhere = places_in(tmp_path)
    result = call("vault", "write", places=elsewhere)
    assert result.exit_code == 0 and "No vault was written" in result.output
    assert not elsewhere.directory.exists()
    result = call("vault", "lookup", "--customer-key", "x", places=places)
    assert result.exit_code == 1 and "SEGMENTATION_VAULT_KEY" in result.output


def test_a_key_leads_to_the_person(places, monkeypatch):
    monkeypatch.chdir(ROOT)
    key = person_with(places, "numbers > 1")
    result = call(
        "vault", "lookup", "--customer-key", key, places=places, SEGMENTATION_VAULT_KEY=VAULT_KEY
    )
    assert result.exit_code == 0, result.output
    for (email,) in ask(
        places.database,
        "select email from intermediate.int_identity_records inner join ml.ml_customer_identities "
        f"using (record_id) where customer_key = '{key}' and email is not null",
    ):
        assert email in result.output
    assert VAULT_KEY not in result.output


# The export -------------------------------------------------------------------------------------


@pytest.fixture
def selling(places, tmp_path):
    """A copy of the copy, to withdraw consent and forget people in."""
    shutil.copytree(places.published.parent, tmp_path / "selling")
    return places_in(tmp_path / "selling")


def exported(places, out, *, segment="1", purpose="email_marketing"):
    done = export_people(
        places, out, key=VAULT_KEY, secrets=(SECRET,), purpose=purpose, segment=segment
    )
    with out.open(encoding="utf-8", newline="") as stream:
        return done, list(csv.DictReader(stream))


def test_only_who_agreed_is_exported_and_the_rest_is_counted(selling, tmp_path):
    done, rows = exported(selling, tmp_path / "list.csv")
    agreed = {
        key
        for (key,) in ask(
            selling.database,
            "select customer_key from marts.customers where has_email_consent",
        )
    }
    members = {
        key
        for (key,) in ask(
            selling.database,
            "select customer_key from marts.customer_segments where segment_id = 1",
        )
    }
    assert rows and {row["customer_key"] for row in rows} <= agreed & members
    assert all("@" in row["email"] for row in rows)
    assert done.chosen == len(members) == done.written + sum(done.left_out.values())
    assert done.left_out["no consent when the marts were published"] == len(members - agreed) > 0
    assert stat.S_IMODE((tmp_path / "list.csv").stat().st_mode) == 0o600


def test_a_withdrawal_since_publishing_counts(selling, tmp_path):
    _, rows = exported(selling, tmp_path / "before.csv")
    key = rows[0]["customer_key"]
    with duckdb.connect(str(selling.database)) as connection:
        connection.execute(
            "update intermediate.int_consents_current set is_granted = false "
            "where customer_key = ? and purpose = 'email_marketing'",
            [key],
        )
    done, rows = exported(selling, tmp_path / "after.csv")
    assert key not in {row["customer_key"] for row in rows}
    assert done.left_out["consent withdrawn since"] == 1


@pytest.mark.parametrize("where", ["int_consents_current", "int_customer_permissions"])
def test_an_objection_to_profiling_since_publishing_counts(where, selling, tmp_path):
    """The second is made from the first; a build may have stopped in between."""
    _, rows = exported(selling, tmp_path / "before.csv")
    key = rows[0]["customer_key"]
    statement = (
        "insert into intermediate.int_consents_current by name "
        "select ? as customer_key, 'profiling' as purpose, false as is_granted"
        if where == "int_consents_current"
        else f"update intermediate.{where} set may_be_profiled = false where customer_key = ?"
    )
    with duckdb.connect(str(selling.database)) as connection:
        connection.execute(statement, [key])
    done, after = exported(selling, tmp_path / "after.csv")
    assert {row["customer_key"] for row in rows} - {row["customer_key"] for row in after} == {key}
    assert done.left_out["objected to profiling since"] == 1
    # Who never bought was not chosen by a profile.
    done, _ = exported(selling, tmp_path / "prospects.csv", segment="0")
    assert done.written and not done.left_out["objected to profiling since"]


def test_a_forgotten_person_is_left_out_whatever_the_vault_says(selling, tmp_path):
    _, rows = exported(selling, tmp_path / "before.csv")
    people = find_people(selling, customer_keys=(rows[0]["customer_key"],))
    add_entries(selling.suppression, people.suppressed, secret=SECRET, receipt_id="r")
    done, after = exported(selling, tmp_path / "after.csv")
    assert {row["customer_key"] for row in rows} - {row["customer_key"] for row in after} == {
        rows[0]["customer_key"]
    }
    assert done.left_out["forgotten"] == 1


def test_consent_is_asked_for_the_purpose_at_hand(selling, tmp_path):
    _, mailed = exported(selling, tmp_path / "mail.csv")
    _, shown = exported(selling, tmp_path / "ads.csv", purpose="ad_targeting")
    assert {row["customer_key"] for row in mailed} != {row["customer_key"] for row in shown}


def test_an_audience_is_exported_by_its_name(selling, tmp_path):
    published = selling.published / "segments.duckdb"
    name, members = ask(
        published,
        "select audience, count(*) from marts.audience_members group by 1 order by 2 desc, 1",
    )[0]
    done = export_people(
        selling,
        tmp_path / "audience.csv",
        key=VAULT_KEY,
        secrets=(SECRET,),
        purpose="email_marketing",
        audience=name,
    )
    assert done.chosen == members == done.written + sum(done.left_out.values())
    assert done.written > 0


def test_what_cannot_be_exported_is_told(selling, tmp_path):
    with pytest.raises(SegmentationError, match="Known are"):
        exported(selling, tmp_path / "x.csv", segment="nobody")
    with pytest.raises(SegmentationError, match="not a purpose"):
        exported(selling, tmp_path / "x.csv", purpose="profit")
    assert not (tmp_path / "x.csv").exists()

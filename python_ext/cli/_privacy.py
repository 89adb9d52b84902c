"""Commands about personal data: the vault, exports, search, erasure, reports, retention."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.table import Table

from python_ext.cli import _output, _raw_data_option, _working
from python_ext.errors import SegmentationError
from python_ext.settings import project_root, warehouse_path

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


def _place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where things are; hands the command one ``places``."""
    from functools import wraps

    @_raw_data_option
    @click.option(
        "--database", type=_FILE, help="Warehouse of the build.  [default: the one in profiles.yml]"
    )
    @click.option(
        "--publish-dir",
        type=_FOLDER,
        default=Path("publish"),
        show_default=True,
        help="Folder of what was published.",
    )
    @click.option(
        "--privacy-dir",
        type=_FOLDER,
        help="Folder of the vault, the suppression list and the receipts. Also read from "
        "SEGMENTATION_PRIVACY_DIR.  [default: privacy/<dataset>]",
    )
    @click.option(
        "--cache-dir",
        "cache_dirs",
        type=_FOLDER,
        multiple=True,
        default=(Path("target"), Path("logs")),
        show_default=True,
        help="Folders of what a build leaves behind; may be given several times.",
    )
    @wraps(command)
    def with_places(
        raw_data: str,
        database: Path | None,
        publish_dir: Path,
        privacy_dir: Path | None,
        cache_dirs: tuple[Path, ...],
        **arguments: Any,
    ) -> Any:
        from python_ext.privacy import find_places

        root = project_root()
        places = find_places(
            raw_data,
            project_dir=root,
            database=database or warehouse_path(root),
            published=publish_dir,
            caches=cache_dirs,
            directory=privacy_dir,
        )
        return command(places=places, **arguments)

    return with_places


def _person_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How a person is named."""
    for option, text in (
        ("--customer-key", "Pseudonymous key, as in the marts."),
        ("--email", "E-mail address that is the person's alone."),
        ("--customer-id", "Number of one of the person's CRM records."),
    ):
        name = option.strip("-").replace("-", "_") + "s"
        command = click.option(option, name, multiple=True, metavar="TEXT", help=text)(command)
    return command


@click.group(short_help="Readable identity, encrypted in a file of its own.")
def vault() -> None:
    """Readable identity, encrypted with AES-256-GCM in a file of its own.

    \b
    The key comes from the environment variable SEGMENTATION_VAULT_KEY, at least 32 characters
    (openssl rand -base64 32). It is never written anywhere. Without it no vault is written.
    """


@vault.command("write", short_help="Write the vault from the warehouse.")
@_place_options
def vault_write(places: Any) -> None:
    """Write the vault from the warehouse, whole, in the place of the one before.

    Run it after a build. One row per record: its customer_key, name, e-mail, phone, address and
    birth date.
    """
    from python_ext.privacy import VAULT_KEY_VARIABLE, read_vault_key, write_vault

    key = read_vault_key()
    if key is None:
        click.echo(f"No vault was written: {VAULT_KEY_VARIABLE} is not set.")
        return
    with _working("Writing the vault"):
        written = write_vault(places, key=key)
    click.echo(
        f"Wrote {places.vault}: {written.records:,} records of {written.people:,} people, "
        "encrypted with AES-256-GCM."
    )


@vault.command("lookup")
@click.option("--customer-key", required=True, help="Pseudonymous key, as in the marts.")
@_place_options
def vault_lookup(places: Any, customer_key: str) -> None:
    """Show who is behind a customer_key.

    The answer is personal data: it goes to the screen and nowhere else.
    """
    from python_ext.privacy import look_up, need_vault_key

    records = look_up(places, key=need_vault_key(), customer_key=customer_key)
    if not records:
        raise SegmentationError("The vault holds nobody with this key.")
    for record in records:
        table = Table(title=str(record["record_id"]), title_justify="left", box=box.SIMPLE_HEAD)
        table.add_column("Column")
        table.add_column("Value", overflow="fold")
        for column, value in record.items():
            table.add_row(column, "" if value is None else str(value))
        _output().print(table)


@click.command(short_help="Write the people of a segment who may be addressed.")
@click.option("--segment", help="Segment, by name or number.")
@click.option("--audience", help="Audience, by name.")
@click.option(
    "--purpose",
    type=click.Choice(["email_marketing", "ad_targeting"]),
    required=True,
    help="What the people must have agreed to.",
)
@click.option("--out", type=_FILE, required=True, help="CSV file to write.")
@_place_options
def export(places: Any, segment: str | None, audience: str | None, purpose: str, out: Path) -> None:
    """Write the people of a segment or an audience who may be addressed.

    The only place where readable identity meets the published marts. Consent is asked twice: of
    the published marts, and of the warehouse as it is now. Forgotten people are left out. Says how
    many were left out and why. The file is not looked after by `forget`: delete it after use.
    """
    from python_ext.privacy import export_people, need_vault_key, read_secrets

    done = export_people(
        places,
        out,
        key=need_vault_key(),
        secrets=read_secrets(demo_secret_allowed=places.demo_secret_allowed),
        purpose=purpose,
        segment=segment,
        audience=audience,
    )
    click.echo(f"Wrote {out}: {done.written:,} of {done.chosen:,} people.")
    for reason, count in done.left_out.items():
        click.echo(f"  left out, {reason}: {count:,}")
    click.echo("Delete the file after use: nothing else here knows of it.")


@click.command(short_help="Remove people from every file and table.")
@_person_options
@click.option("--requests", is_flag=True, help="Everybody in crm.erasure_requests.")
@click.option(
    "--returned",
    "has_returned",
    is_flag=True,
    help="Everybody on the suppression list whom a delivery or a backup brought back.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option(
    "--at",
    type=click.DateTime(),
    metavar="YYYY-MM-DD",
    help="Date of the receipt.  [default: now]",
)
@_place_options
def forget(
    places: Any,
    customer_ids: tuple[str, ...],
    emails: tuple[str, ...],
    customer_keys: tuple[str, ...],
    requests: bool,
    has_returned: bool,
    dry_run: bool,
    at: datetime | None,
) -> None:
    """Remove people from raw files, warehouse, vault, published files and caches.

    All records of a person go. Orders stay without their buyer, so revenue is what it was. A
    suppression list of keyed hashes keeps the person out of later deliveries, a receipt without
    any readable identifier is written, and a search through every file and table proves that
    nothing is left. Run it again after an interruption: it completes.
    """
    from python_ext.privacy import find_people, read_secrets, requested, returned

    if has_returned:
        secrets = read_secrets(demo_secret_allowed=places.demo_secret_allowed)
        people = returned(places, secrets=secrets)
        if people:
            _forget(places, people, at=at, dry_run=dry_run)
        else:
            click.echo("Nobody on the suppression list has come back.")
        if not (requests or customer_ids or emails or customer_keys):
            return
    if requests:
        customer_ids = (*customer_ids, *requested(places))
        if not customer_ids:
            click.echo("Every request for erasure has been carried out.")
            return
    if not (customer_ids or emails or customer_keys):
        raise SegmentationError(
            "Name people with --customer-id, --email or --customer-key, or use --requests or "
            "--returned.",
            exit_code=2,
        )
    people = find_people(
        places, customer_ids=customer_ids, emails=emails, customer_keys=customer_keys
    )
    _forget(places, people, at=at, dry_run=dry_run)


def _forget(places: Any, people: Any, *, at: datetime | None, dry_run: bool) -> None:
    from python_ext.privacy import forget as forget_people
    from python_ext.privacy import read_secrets, read_vault_key

    secrets = read_secrets(demo_secret_allowed=places.demo_secret_allowed)
    with _working("Forgetting"):
        done = forget_people(
            places,
            people,
            secret=secrets[0],
            at=at or datetime.now(),
            vault_key=read_vault_key(),
            dry_run=dry_run,
        )
    table = Table(
        title="Would be removed" if dry_run else "Removed",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("File", overflow="fold")
    table.add_column("Table", overflow="fold")
    table.add_column("Rows", justify="right")
    table.add_column("Cells emptied", justify="right")
    for item in done.removals:
        rows = "file" if item.file_removed else f"{item.rows_removed:,}"
        table.add_row(item.file, item.table, rows, f"{item.cells_emptied:,}")
    if done.removals:
        _output().print(table)
    else:
        click.echo("Nothing of these people is kept.")
    if people.unknown:
        click.echo(
            f"Nobody in the warehouse has {people.unknown} of the names given. Look for a typing "
            + (
                "error."
                if dry_run
                else "error: they stand on the suppression list now, under the receipt below."
            )
        )
    if count := sum(done.shared.values()):
        click.echo(f"Kept, because another customer has them too: {count} contact details.")
    for line in done.at_source:
        click.echo(f"Delete at the source: {line}")
    if done.found is None:
        return
    click.echo(_looked_through(done.found) + " Nothing was found.")
    for closed in done.found.closed:
        click.echo(f"Not searched: {closed}")
    click.echo(f"Receipt: {places.receipts / (done.receipt_id + '.json')}")


def _looked_through(found: Any) -> str:
    return (
        f"Searched {found.files:,} files ({found.bytes:,} bytes) and {found.columns:,} columns of "
        f"{found.tables:,} tables."
    )


@click.command("search-person", short_help="Look for people in every file and table.")
@_person_options
@click.option(
    "--uncompressed",
    is_flag=True,
    help="Also search the bytes of an uncompressed copy of the warehouse (removed afterwards).",
)
@_place_options
def search_person(
    places: Any,
    customer_ids: tuple[str, ...],
    emails: tuple[str, ...],
    customer_keys: tuple[str, ...],
    uncompressed: bool,
) -> None:
    """Look for people in every file and table.

    Every text column of every table, and the bytes of every file. Tells where and how often,
    never the value. What the warehouse knows of the person is looked for as well.
    """
    from python_ext.privacy import find_people, read_vault_key, search, search_uncompressed

    people = find_people(
        places, customer_ids=customer_ids, emails=emails, customer_keys=customer_keys
    )
    with _working("Searching"):
        found = search(places, people, vault_key=read_vault_key())
    if found.hits:
        table = Table(box=box.SIMPLE_HEAD)
        for heading in ("File", "Table", "Column", "Found as"):
            table.add_column(heading, overflow="fold")
        table.add_column("Count", justify="right")
        for hit in found.hits:
            table.add_row(hit.file, hit.table, hit.column, hit.how, f"{hit.count:,}")
        _output().print(table)
    click.echo(_looked_through(found) + ("" if found.hits else " Nothing was found."))
    for closed in found.closed:
        click.echo(f"Not searched: {closed}")
    if uncompressed:
        count = search_uncompressed(places.database, people)
        click.echo(f"In the bytes of an uncompressed copy of the warehouse: {count:,}.")


@click.command("subject-report", short_help="Write all data about one person.")
@_person_options
@click.option("--out", type=_FOLDER, required=True, help="Folder to write.")
@_place_options
def subject_report(
    places: Any,
    customer_ids: tuple[str, ...],
    emails: tuple[str, ...],
    customer_keys: tuple[str, ...],
    out: Path,
) -> None:
    """Write all data about one person: OUT/subject.json and OUT/subject.html.

    What came in, source by source, with purpose, legal basis and retention; and what was worked
    out: profile, scores, segment, with their meaning. For the right of access, article 15 GDPR.
    """
    from python_ext.privacy import find_people
    from python_ext.privacy import subject_report as write_report

    people = find_people(
        places, customer_ids=customer_ids, emails=emails, customer_keys=customer_keys
    )
    done = write_report(places, people, out)
    click.echo(f"Wrote {done.page} and {done.json_file.name}: {done.rows:,} rows of {done.tables}.")


@click.command("rotate-secret", short_help="Give every customer a new key.")
@_place_options
def rotate(places: Any) -> None:
    """Give every customer a new key after the secret has changed.

    \b
    Set SEGMENTATION_SECRET to the new secret, SEGMENTATION_OLD_SECRETS to the one before (the
    newest first, commas between) and SEGMENTATION_VAULT_KEY. The keys in the warehouse and its
    history are replaced; the list old to new is kept in the vault and nowhere else. Publish
    afterwards. Keep the old secrets set: the suppression list is compared under all of them.
    """
    from python_ext.privacy import need_vault_key, read_secrets, rotate_secret

    secrets = read_secrets(demo_secret_allowed=places.demo_secret_allowed)
    if len(secrets) < 2:
        raise SegmentationError("Set SEGMENTATION_OLD_SECRETS to the secret of the keys before.")
    with _working("Rotating"):
        done = rotate_secret(
            places, old_secret=secrets[1], new_secret=secrets[0], vault_key=need_vault_key()
        )
    click.echo(
        f"{done.people:,} customers have a new key, in {len(done.tables)} tables of "
        f"{places.database}. The list old to new is in the vault. Now build and publish again."
    )


@click.command(short_help="List what is kept longer than allowed.")
@click.option("--apply", is_flag=True, help="Remove what is past its retention.")
@click.option(
    "--inactive-months",
    type=click.IntRange(min=1),
    help="Also count customers without any contact for so long; with --apply, forget them.",
)
@click.option(
    "--at",
    type=click.DateTime(),
    metavar="YYYY-MM-DD",
    help="Date of the receipt.  [default: now]",
)
@_place_options
def retention(places: Any, apply: bool, inactive_months: int | None, at: datetime | None) -> None:
    """List what is kept longer than the seed `retention` allows.

    Per table: how long a row is kept, the oldest, and how many rows are past it. With --apply
    they are removed from the local raw files; a build sets them aside in any case.
    """
    from python_ext.privacy import as_of_date, find_people, past_retention, silent_customers

    found = past_retention(places, as_of=as_of_date(places), apply=apply)
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("Table", "Kept for", "Oldest row", "Limit"):
        table.add_column(heading)
    for heading in ("Rows", "Past it"):
        table.add_column(heading, justify="right")
    for each in found:
        table.add_row(
            each.table,
            f"{each.months} months" if each.months else "the relation",
            str(each.oldest or ""),
            str(each.limit or ""),
            f"{each.rows:,}",
            f"{each.past:,}",
        )
    _output().print(table)
    past = sum(each.past for each in found)
    click.echo(f"{past:,} rows {'were removed' if apply else 'are past their retention'}.")
    if inactive_months is None:
        return
    silent = silent_customers(places, months=inactive_months)
    click.echo(f"{len(silent):,} customers without contact for {inactive_months} months.")
    if apply and silent:
        _forget(places, find_people(places, customer_keys=silent), at=at, dry_run=False)


COMMANDS = (vault, export, forget, search_person, subject_report, rotate, retention)

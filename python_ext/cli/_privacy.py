"""Commands about personal data: search, erasure, reports, rotation, retention."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.table import Table

from python_ext.cli import _output, _working
from python_ext.cli._places import FOLDER, person_options, place_options
from python_ext.cli._vault import export, vault
from python_ext.errors import SegmentationError


@click.command(short_help="Remove people from every file and table.")
@person_options
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
@place_options
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
            click.echo(
                "Every request for erasure by a known customer has been carried out. Those under "
                "a number that nobody has are in marts.quarantined_records."
            )
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
@person_options
@click.option(
    "--uncompressed",
    is_flag=True,
    help="Also search the bytes of an uncompressed copy of the warehouse (removed afterwards).",
)
@place_options
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
@person_options
@click.option("--out", type=FOLDER, required=True, help="Folder to write.")
@place_options
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
@place_options
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
@place_options
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

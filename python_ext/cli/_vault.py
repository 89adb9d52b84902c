"""Commands about readable identity: the vault, and exports from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich import box
from rich.table import Table

from python_ext.cli import _output, _working
from python_ext.cli._places import FILE, place_options
from python_ext.errors import SegmentationError


@click.group(short_help="Readable identity, encrypted in a file of its own.")
def vault() -> None:
    """Readable identity, encrypted with AES-256-GCM in a file of its own.

    \b
    The key comes from the environment variable SEGMENTATION_VAULT_KEY, at least 32 characters
    (openssl rand -base64 32). It is never written anywhere. Without it no vault is written.
    """


@vault.command("write", short_help="Write the vault from the warehouse.")
@place_options
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
@place_options
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
@click.option("--out", type=FILE, required=True, help="CSV file to write.")
@place_options
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

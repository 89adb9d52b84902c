"""What every command that writes a page is asked."""

from collections.abc import Callable
from pathlib import Path

import click


def page_options(out: str) -> Callable:
    """``--published``, ``--out`` and ``--language`` of a command; ``out`` is the default page."""
    options = (
        click.option(
            "--published",
            type=click.Path(path_type=Path, dir_okay=False),
            default=Path("publish/segments.duckdb"),
            show_default=True,
            help="The published file; opened read-only.",
        ),
        click.option(
            "--out",
            type=click.Path(path_type=Path, dir_okay=False),
            default=Path(out),
            show_default=True,
            help="Page to write.",
        ),
        click.option(
            "--language",
            type=click.Choice(["en", "fr"]),
            default="en",
            show_default=True,
            help="Language of the page.",
        ),
    )

    def decorate(command: Callable) -> Callable:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def say_written(out: Path, size: int) -> None:
    """Where the page is and how large, in bytes."""
    click.echo(f"Wrote {out} ({size / 1000:,.0f} kB). Open it in a browser, or print it.")

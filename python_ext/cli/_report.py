"""``segmentation report``."""

from pathlib import Path

import click


@click.command(short_help="Write the segments as one page for people.")
@click.option(
    "--published",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("publish/segments.duckdb"),
    show_default=True,
    help="The published file; opened read-only.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("publish/segments.html"),
    show_default=True,
    help="Page to write.",
)
@click.option(
    "--language",
    type=click.Choice(["en", "fr"]),
    default="en",
    show_default=True,
    help="Language of the page.",
)
def report(published: Path, out: Path, language: str) -> None:
    """Write the published segments as one HTML page for marketing.

    Who the segments are, what marks them, how far to trust them, who moved, and what to mind. The
    page is one file, opens without a network and prints; it holds no customer, and no group under
    the floor of the build.
    """
    from python_ext.report import write_report

    size = write_report(published, out, language=language)
    click.echo(f"Wrote {out} ({size / 1000:,.0f} kB). Open it in a browser, or print it.")

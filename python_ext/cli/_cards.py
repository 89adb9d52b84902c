"""``segmentation models cards``."""

from pathlib import Path

import click


@click.command(short_help="Write a card per champion as one page.")
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
    default=Path("publish/models.html"),
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
def cards(published: Path, out: Path, language: str) -> None:
    """Write the cards of all champions as one HTML page.

    What each score predicts, of whom, what it is for, how good it is out of time, for whom it is
    less good, what has drifted, and its limits. The page is one file, opens without a network and
    prints; it holds no customer, and no group under the floor of the build.
    """
    from python_ext.model_cards import write_model_cards

    size = write_model_cards(published, out, language=language)
    click.echo(f"Wrote {out} ({size / 1000:,.0f} kB). Open it in a browser, or print it.")

"""``segmentation models cards``."""

from pathlib import Path

import click

from python_ext.cli._page_options import page_options, say_written


@click.command(short_help="Write a card per champion as one page.")
@page_options("publish/models.html")
def cards(published: Path, out: Path, language: str) -> None:
    """Write the cards of all champions as one HTML page.

    What each score predicts, of whom, what it is for, how good it is out of time, for whom it is
    less good, what has drifted, and its limits. The page is one file, opens without a network and
    prints; it holds no customer, and no group under the floor of the build.
    """
    from python_ext.model_cards import write_model_cards

    say_written(out, write_model_cards(published, out, language=language))

"""``segmentation report``."""

from pathlib import Path

import click

from python_ext.cli._page_options import page_options, say_written


@click.command(short_help="Write the segments as one page for people.")
@page_options("publish/segments.html")
def report(published: Path, out: Path, language: str) -> None:
    """Write the published segments as one HTML page for marketing.

    Who the segments are, what marks them, how far to trust them, who moved, and what to mind. The
    page is one file, opens without a network and prints; it holds no customer, and no group under
    the floor of the build.
    """
    from python_ext.report import write_report

    say_written(out, write_report(published, out, language=language))

"""The command line: ``segmentation``."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from python_ext.errors import SegmentationError
from python_ext.settings import (
    currency_problem,
    dataset_vars,
    project_root,
    project_vars,
    warehouse_path,
)

DATASETS = ("complete_journey", "online_retail", "cdnow")
PUBLISHED = Path("publish/segments.duckdb")


class _Commands(click.Group):
    """Tells an expected failure in one message, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SegmentationError as error:
            message = click.ClickException(str(error))
            message.exit_code = error.exit_code
            raise message from error


@contextmanager
def _working(message: str) -> Iterator[Callable[..., None]]:
    """A line on stderr that says what is being done; silent where nobody watches."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda *_args, **_kwargs: None
        return
    with console.status(message) as status:
        yield lambda text, *_args, **_kwargs: status.update(f"{message}: {text}")


def _output() -> Console:
    """Where results go; wide enough for a table when it is a file."""
    console = Console()
    return console if console.is_terminal else Console(width=110)


_raw_data_option = click.option(
    "--raw-data",
    envvar="RAW_DATA",
    default="data/demo",
    show_default=True,
    metavar="DIR",
    help="Folder of the dataset, or an address such as s3://bucket/dataset. "
    "Also read from the environment variable RAW_DATA.",
)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def main() -> None:
    """Customer segments from raw retail data: what stands around `dbt build`.

    A usual round: get a dataset (`datasets`), look whether it can be built (`check`), build it
    (`make build`, or `dbt build --vars "$(segmentation vars --raw-data DIR)"`), publish the marts
    (`publish`) and look at them (`summary`).
    """


@main.group(short_help="Get a dataset: the demo, or real purchases.")
def datasets() -> None:
    """Get a dataset: generate the demo, or import real purchases."""


@datasets.command(short_help="Generate the demo dataset, with known truth.")
@click.option(
    "--customers",
    type=int,
    default=5_000,
    show_default=True,
    help="How many people the fictitious retailer knows, 200 or more.",
)
@click.option("--seed", type=int, default=42, show_default=True, help="Equal seeds, equal data.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data/demo"),
    show_default=True,
    help="Folder to write.",
)
@click.option(
    "--end-on",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Last day of the history. [default: the generator's own]",
)
@click.option(
    "--arrivals",
    type=int,
    default=0,
    metavar="DAYS",
    help="Deliver the event tables as folders, the last DAYS days a file each.  [default: one "
    "file a table]",
)
def generate(customers: int, seed: int, out: Path, end_on: datetime | None, arrivals: int) -> None:
    """Generate the demo: a fictitious French retailer, every source, known truth.

    The people, the process that makes them buy and every planted defect stand in OUT/_truth, so
    that a build can be judged. Nothing in it is real.
    """
    from python_ext import synth

    last_day: dict[str, date] = {} if end_on is None else {"end_on": end_on.date()}
    with _working(f"Generating {customers:,} customers") as progress:
        try:
            made = synth.generate(
                customers, seed, out, progress=progress, arrivals=arrivals, **last_day
            )
        except (ValueError, FileExistsError) as error:
            raise SegmentationError(str(error), exit_code=2) from error
    rows = sum(made["tables"].values())
    click.echo(f"Wrote {out}: a synthetic dataset, {customers:,} people and {rows:,} rows.")


@datasets.command("import")
@click.argument("name", type=click.Choice(DATASETS))
@click.option(
    "--source-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The downloaded file; needed for online_retail (xlsx, csv or parquet).",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write.  [default: data/NAME]",
)
@click.option("--all-customers", is_flag=True, help="cdnow: all 23,570 customers, not one in ten.")
def import_dataset(
    name: str, source_file: Path | None, out: Path | None, all_customers: bool
) -> None:
    """Import real purchases into the raw contract.

    \b
    complete_journey  groceries of 2,469 households in 2017 (ships with this package)
    online_retail     invoices of a British web shop, 2010 to 2011 (a file from UCI)
    cdnow             CDs sold online, 1997 to 1998 (ships with this package)

    What a dataset does not know is switched off in its dataset.yml, never made up.
    """
    from python_ext import datasets as importers

    if source_file is not None and name != "online_retail":
        raise SegmentationError(f"{name} needs no --source-file.", exit_code=2)
    if all_customers and name != "cdnow":
        raise SegmentationError(f"{name} has no --all-customers.", exit_code=2)
    out = out or Path("data") / name
    with _working(f"Importing {name}") as progress:
        if name == "complete_journey":
            importers.import_complete_journey(out, progress=progress)
        elif name == "online_retail":
            importers.import_online_retail(out, source_file, progress=progress)
        else:
            importers.import_cdnow(out, all_customers=all_customers, progress=progress)
    click.echo(f"Wrote {out}.")


@main.command(short_help="Look whether a dataset can be built.")
@_raw_data_option
@click.option(
    "--database",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Look as well whether a build can write to this warehouse.",
)
@click.pass_context
def check(ctx: click.Context, raw_data: str, database: Path | None) -> None:
    """Look whether a dataset can be built, and say everything that is wrong.

    Compares every file of the dataset with the declared tables, columns and types: missing and
    unreadable files, missing columns, values that cannot be read. A build begins with the same
    check. Also asks for the secret that customer_key needs, unless the dataset is public. Exit
    code 1 when there is a problem.
    """
    from python_ext.identity import read_secret
    from python_ext.input_check import check_dataset
    from python_ext.warehouse import warehouse_problem

    if database is not None and (problem := warehouse_problem(database)):
        raise SegmentationError(problem)
    settings = _settings(raw_data)
    with _working(f"Checking {raw_data}"):
        problems = check_dataset(
            project_root(),
            settings["raw_data"],
            sources=settings["sources"],
            raw_format=settings["raw_format"],
            folders=settings["raw_folders"],
        )
    if not problems:
        currency = settings.get("base_currency") or project_vars(project_root())["base_currency"]
        if problem := currency_problem(project_root(), currency):
            raise SegmentationError(problem)
        read_secret(demo_secret_allowed=settings["demo_secret_allowed"])
        click.echo(f"{raw_data} can be built: every declared table and column was found.")
        return
    table = Table(title=f"Problems in {raw_data}", title_justify="left", box=box.SIMPLE_HEAD)
    for heading in ("Table", "Column", "Rows", "What was found", "What to do"):
        table.add_column(heading, overflow="fold")
    for problem in problems:
        table.add_row(
            f"{problem.source}.{problem.table}",
            problem.column or "",
            "" if problem.rows is None else f"{problem.rows:,}",
            f"{problem.what}\n({problem.file})",
            problem.todo,
        )
    _output().print(table)
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    click.echo(f"{raw_data} cannot be built: {count}.", err=True)
    ctx.exit(1)


@main.command("vars")
@_raw_data_option
@click.option(
    "--run",
    type=click.Choice(["hourly", "daily", "retrain"]),
    default="retrain",
    show_default=True,
    help="The selector the settings are for: hourly and daily learn nothing.",
)
def print_vars(raw_data: str, run: str) -> None:
    """Print a dataset's settings as JSON for `dbt --vars`.

    They come from the folder's dataset.yml. A folder without one works too: the tables that have
    no file are switched off, and stderr says which.
    """
    learns_nothing = {"cutoffs": "score", "segments_refit": "never"}
    settings = {**_settings(raw_data), **({} if run == "retrain" else learns_nothing)}
    click.echo(json.dumps(settings, ensure_ascii=False))


@main.command()
@click.option(
    "--database",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Warehouse of the build.  [default: the one in profiles.yml]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=PUBLISHED.parent,
    show_default=True,
    help="Folder to publish to.",
)
@click.option(
    "--run-results",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What the build left behind; only a passed build is published.  [default: "
    "run_results.json in DBT_TARGET_PATH, else in target]",
)
def publish(database: Path | None, out: Path, run_results: Path | None) -> None:
    """Publish the marts of the build that just passed.

    Writes OUT/segments.duckdb and OUT/parquet, and puts them in the place of the old ones only
    when they are whole. After a failed build nothing changes.
    """
    from python_ext.publish import publish as publish_marts

    root = project_root()
    warehouse = database or warehouse_path(root)
    target = Path(os.environ.get("DBT_TARGET_PATH") or "target")
    with _working("Publishing"):
        published = publish_marts(
            warehouse, out, run_results or target / "run_results.json", project_dir=root
        )
    rows = sum(published.rows.values())
    click.echo(f"Published {len(published.rows)} marts with {rows:,} rows to {out}.")
    if published.erasure_requests:
        click.echo(
            f"Erasure requests that wait: {published.erasure_requests:,}. "
            "Carry them out with `segmentation forget --requests`."
        )


@main.command()
@click.option(
    "--published",
    type=click.Path(path_type=Path, dir_okay=False),
    default=PUBLISHED,
    show_default=True,
    help="The published file.",
)
@click.option("--truth", is_flag=True, help="Compare with the known truth of a generated dataset.")
@click.option(
    "--database",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Warehouse of the build, read with --truth.  [default: the one in profiles.yml]",
)
@_raw_data_option
def summary(published: Path, truth: bool, database: Path | None, raw_data: str) -> None:
    """Show the published segments on one screen.

    Customers per segment with their share of revenue, purchase propensity and engagement, the
    RFM segments, the rows that were set aside, how good the models are, and what to mind.
    """
    from python_ext.summary import summary as print_summary

    print_summary(
        published,
        console=_output(),
        truth=Path(raw_data) / "_truth" if truth else None,
        database=(database or warehouse_path(project_root())) if truth else None,
    )


def _settings(raw_data: str) -> dict[str, Any]:
    """The vars of a dataset; what a person should know of them goes to stderr."""
    settings = dataset_vars(raw_data, project_dir=project_root())
    for message in settings.messages:
        click.echo(message, err=True)
    return settings.vars


from python_ext.cli._cards import cards  # noqa: E402
from python_ext.cli._identity import identity  # noqa: E402
from python_ext.cli._models import models  # noqa: E402
from python_ext.cli._privacy import COMMANDS  # noqa: E402
from python_ext.cli._processing import record_of_processing  # noqa: E402
from python_ext.cli._report import report  # noqa: E402

for _command in (record_of_processing, identity, *COMMANDS):
    main.add_command(_command)
main.add_command(report)
models.add_command(cards)
main.add_command(models)


if __name__ == "__main__":
    main()

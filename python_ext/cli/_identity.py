"""``segmentation identity``: train the weights, and measure how well records become people."""

import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import click

from python_ext.errors import SegmentationError
from python_ext.settings import dataset_vars, project_root, project_vars

_STARTS, _ENDS = "<!-- figures: start -->", "<!-- figures: end -->"
_SETTINGS = ("match_threshold", "max_records_per_key", "max_records_per_person", "twins_stay_apart")


@click.group(short_help="Who is who: train the weights, measure how good it is.")
def identity() -> None:
    """Who is who: train the weights of the comparison, measure how good it is."""


@identity.command(short_help="Learn the weights of the comparison from a dataset.")
@click.option(
    "--raw",
    "raw_data",
    default="data/demo",
    show_default=True,
    metavar="DIR",
    help="Dataset to learn from; who is who need not be known.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File to write. The var identity_model makes a build use it.",
)
@click.option("--name", default="person", show_default=True, help="Name of the model.")
@click.option("--seed", type=int, default=42, show_default=True, help="Of the random pairs.")
def train(raw_data: str, out: Path, name: str, seed: int) -> None:
    """Learn the weights of the comparison from a dataset, without knowing who is who.

    How often strangers agree comes from random pairs, how often records of one person agree from
    expectation-maximisation. A build learns nothing: it reads the file, so that a rebuild gives the
    same people.
    """
    from python_ext.identity import save_model, train_model
    from python_ext.identity._evaluation import read_records
    from python_ext.identity._records import connect, prepare

    with tempfile.TemporaryDirectory() as folder:
        records, _ = read_records(_records_of(raw_data, Path(folder)))
    with connect() as connection:
        limit = project_vars(project_root())["max_records_per_key"]
        prepare(connection, records, max_records_per_key=limit)
        model = train_model(connection, name=name, trained_on=Path(raw_data).name, seed=seed)
    save_model(model, out)
    click.echo(
        f"Wrote {out}: weights of {len(model['comparisons'])} columns, from {len(records):,} "
        "records."
    )


@identity.command(short_help="Measure identity where the truth is known.")
@click.option(
    "--febrl/--no-febrl",
    default=True,
    show_default=True,
    help="FEBRL 1, 2 and 3 without the social security number.",
)
@click.option(
    "--customers",
    type=int,
    multiple=True,
    default=(5_000, 100_000),
    show_default=True,
    help="Size of a generated dataset; may be given several times, 0 for none.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="Of the generated datasets.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Page whose table of figures is replaced, as docs/IDENTITY.md.",
)
def evaluate(febrl: bool, customers: tuple[int, ...], seed: int, out: Path | None) -> None:
    """Measure identity where the truth is known, and print the figures as a table.

    Pairs of records and whole clusters, with the seconds from records to clusters.
    """
    from python_ext.identity import _evaluation as evaluation
    from python_ext.identity import load_model
    from python_ext.synth import generate

    project = project_vars(project_root())
    settings = {name: project[name] for name in _SETTINGS}
    figures = []
    if febrl:
        as_one = {**settings, "twins_stay_apart": False}
        figures += [evaluation.evaluate_febrl(n, settings=as_one) for n in (1, 2, 3)]
        apart = {**settings, "twins_stay_apart": True}
        figures.append(evaluation.evaluate_febrl(3, settings=apart))
    for size in filter(None, customers):
        with tempfile.TemporaryDirectory() as folder:
            raw_data = Path(folder) / "demo"
            try:
                generate(size, seed, raw_data)
            except ValueError as error:
                raise SegmentationError(str(error), exit_code=2) from error
            database = _records_of(str(raw_data), Path(folder))
            figures.append(
                evaluation.evaluate_demo(
                    database, raw_data / "_truth", model=load_model(), settings=settings
                )
            )
    table = evaluation.as_markdown(figures)
    click.echo(table)
    if out is not None:
        sizes = " ".join(f"--customers {size}" for size in customers)
        command = f"segmentation identity evaluate {'' if febrl else '--no-febrl '}{sizes}"
        machine = (
            f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
        )
        _replace_table(out, f"`{command} --seed {seed}`, {date.today()}, {machine}.\n\n{table}")


def _records_of(raw_data: str, folder: Path) -> Path:
    """Build only the records and the links by key; the warehouse, in ``folder``."""
    root = project_root()
    settings: dict[str, Any] = dataset_vars(raw_data, project_dir=root).vars
    settings["raw_data"] = str(Path(settings["raw_data"]).resolve())
    database = folder / "records.duckdb"
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "dbt"),
            "--no-use-colors",
            "build",
            "--select",
            "+int_identity_links",
            "--exclude-resource-type",
            "test",
            "unit_test",
            "--vars",
            json.dumps(settings),
        ],
        cwd=root,
        env={
            **os.environ,
            "SEGMENTATION_DATABASE": str(database),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
            "DBT_PROFILES_DIR": str(root),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SegmentationError(
            f"The records of {raw_data} could not be built. See what dbt says: "
            f"`segmentation check --raw-data {raw_data}`.\n{done.stdout[-1500:]}"
        )
    return database


def _replace_table(page: Path, text: str) -> None:
    """Put the text between the marks of the page."""
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    if _STARTS not in old or _ENDS not in old:
        raise SegmentationError(
            f"{page} has no place for the figures: add the lines {_STARTS} and {_ENDS}."
        )
    head, rest = old.split(_STARTS, 1)
    tail = rest.split(_ENDS, 1)[1]
    page.write_text(f"{head}{_STARTS}\n{text}\n{_ENDS}{tail}", encoding="utf-8")

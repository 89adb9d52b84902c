"""``segmentation models``: the models that give the scores, as files one can check."""

import hashlib
from pathlib import Path

import click
import pandas as pd

from python_ext.errors import SegmentationError
from python_ext.settings import project_root, warehouse_path

TABLE = "ml.ml_propensity_models"
_database_option = click.option(
    "--database",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Warehouse to read. Default: the one dbt builds.",
)


@click.group(short_help="List, export, check and describe the models that give the scores.")
def models() -> None:
    """List the models that give the scores, export one to a file, check such a file."""


@models.command("list", short_help="Every model whose artefact is stored.")
@_database_option
def list_models(database: Path | None) -> None:
    """Every model whose artefact is stored, the latest first, with its out-of-time AUC."""
    rows = _stored(database)
    if rows.empty:
        click.echo("No model is stored yet: build first.")
        return
    click.echo(f"{'model_id':16}  {'target':18}  {'algorithm':19}  {'role':10}  trained     auc")
    for row in rows.to_dict("records"):
        auc = "-" if pd.isna(row["auc"]) else f"{row['auc']:.3f}"
        click.echo(
            f"{row['model_id']:16}  {row['target']:18}  {row['algorithm']:19}  {row['role']:10}  "
            f"{row['trained_on']:%Y-%m-%d}  {auc}"
        )


@models.command(short_help="What each score is worth, beside both baselines.")
@_database_option
def figures(database: Path | None) -> None:
    """What the scores are worth out of time, with intervals, as a Markdown table.

    Each champion is shown beside recency alone, the prevalence, and what a random split of the
    customers would have said. The file is a warehouse or what was published of it.
    """
    import duckdb

    from python_ext.score_figures import figures_table

    with duckdb.connect(str(_existing(database)), read_only=True) as connection:
        click.echo(figures_table(connection))


@models.command(short_help="Write one model to a file, with its hash beside it.")
@click.argument("model_id")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write. Default: <target>_<model_id>.skops.",
)
@_database_option
def export(model_id: str, out: Path | None, database: Path | None) -> None:
    """Write one model to a file in the skops format, and its hash beside it as <file>.sha256.

    The file holds the fitted pipeline and no customer, unless a feature is imputed by knn: then
    the values of its neighbours are in it, without their keys.
    """
    from python_ext.propensity._memory import read_champion

    rows = _stored(database)
    found = rows[rows["model_id"] == model_id].to_dict("records")
    if not found:
        raise SegmentationError(
            f"The model {model_id} is not stored. `segmentation models list` names those that are."
        )
    row = found[0]
    read_champion(row)
    out = out or Path(f"{row['target']}_{model_id}.skops")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(bytes(row["artefact"]))
    _hash_file(out).write_text(f"{row['artefact_sha256']}  {out.name}\n", encoding="utf-8")
    click.echo(f"Wrote {out} and {_hash_file(out).name}: {row['algorithm']} of {row['target']}.")


@models.command(short_help="Whether a file is the model that was exported.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--sha256", help="Hash it must have. Default: the one in <file>.sha256.")
def check(file: Path, sha256: str | None) -> None:
    """Whether a file is the model that was exported; nothing in it is run.

    A file whose bytes were changed, that holds a type no model of ours has, or that is of another
    version is refused.
    """
    from python_ext.propensity import ArtefactError, read_artefact

    if not file.exists():
        raise SegmentationError(f"{file} does not exist.", exit_code=2)
    expected = (sha256 or _expected(file)).lower()
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != expected:
        raise SegmentationError(
            f"{file} is refused: it was changed after it was exported, for its hash is not "
            f"{expected[:12]}…. Export the model again."
        )
    try:
        model = read_artefact(content, sha256=expected)
    except ArtefactError as error:
        raise SegmentationError(f"{file} is refused: {error}") from error
    click.echo(
        f"{file} is the model {model.model_id} as it was exported: {model.algorithm} of "
        f"{model.target}, {len(model.features)} features."
    )


@models.command(short_help="Take out stored models that are damaged.")
@_database_option
def repair(database: Path | None) -> None:
    """Take out stored models that are not the ones once written, so that a build can go on.

    Looks at the models of scores, segments and value. A model that another run kept undamaged is
    taken from there. Else the next build goes on from the run before, or trains anew where there
    is none; segments keep their ids. If somebody may have altered a model on purpose, find out
    who could write to the warehouse before you go on.
    """
    from python_ext.stored_models import remove_damaged_models

    removed = remove_damaged_models(_existing(database))
    for model in removed:
        done = "Taken from another run for" if model.has_copy else "Removed from"
        click.echo(f"{done} {model.table}: {model.of}, run of {model.as_of_date}.")
    click.echo(
        f"{len(removed)} damaged. Build again." if removed else "Every stored model is as written."
    )


def _hash_file(file: Path) -> Path:
    return file.with_name(file.name + ".sha256")


def _expected(file: Path) -> str:
    if not _hash_file(file).exists():
        raise SegmentationError(
            f"{_hash_file(file)} does not exist, so that nobody can say whether {file} was "
            "changed. Give the hash of the registry (column artefact_sha256) with --sha256.",
            exit_code=2,
        )
    text = _hash_file(file).read_text(encoding="utf-8").split()
    if not text:
        raise SegmentationError(f"{_hash_file(file)} is empty. Export the model again.")
    return text[0]


def _existing(database: Path | None) -> Path:
    file = Path(database or warehouse_path(project_root()))
    if not file.exists():
        raise SegmentationError(f"There is no warehouse {file}: build first, or name one.")
    return file


def _stored(database: Path | None) -> pd.DataFrame:
    """The last row with an artefact of each model, the latest first."""
    import duckdb

    file = _existing(database)
    with duckdb.connect(str(file), read_only=True) as connection:
        try:
            return connection.sql(
                f"""
                select * from {TABLE} where artefact is not null
                qualify row_number() over (
                    partition by model_id order by as_of_date desc, target
                ) = 1
                order by as_of_date desc, target, is_champion desc, algorithm, model_id
                """
            ).df()
        except duckdb.Error as error:
            raise SegmentationError(
                f"{file} has no table {TABLE} of this version: build first."
            ) from error

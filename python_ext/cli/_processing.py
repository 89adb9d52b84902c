"""``segmentation record-of-processing``."""

from pathlib import Path

import click

from python_ext.settings import project_root, vars_of


@click.command("record-of-processing", short_help="Write the record of processing (art. 30 GDPR).")
@click.option(
    "--manifest",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("target/manifest.json"),
    show_default=True,
    help="Of a build with every source switched on.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("docs/RECORD_OF_PROCESSING.md"),
    show_default=True,
    help="Page to write.",
)
@click.option(
    "--raw-data",
    envvar="RAW_DATA",
    default="data/demo",
    show_default=True,
    help="Dataset whose settings count (profiling_basis, k_anonymity).",
)
def record_of_processing(manifest: Path, out: Path, raw_data: str) -> None:
    """Write which source columns reach which mart, in which form, why and for how long.

    Made from the column lineage of the last build, the seed retention and the exposures, so that
    the record says what the project does. Refuses to write while personal data reach a mart in
    readable form.
    """
    from python_ext.processing import record_of_processing as write_record

    root = project_root()
    text = write_record(manifest, project_dir=root, settings=vars_of(root, raw_data))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    click.echo(f"Wrote {out}.")

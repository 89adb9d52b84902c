"""Options that the commands about personal data share: where things are, and who is meant."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from python_ext.cli import _raw_data_option
from python_ext.errors import SegmentationError
from python_ext.settings import project_root, warehouse_path

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
WAREHOUSE_VARIABLE = "SEGMENTATION_DATABASE"


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where things are; hands the command one ``places``."""
    from functools import wraps

    @_raw_data_option
    @click.option(
        "--database", type=FILE, help="Warehouse of the build.  [default: the one in profiles.yml]"
    )
    @click.option(
        "--publish-dir",
        type=FOLDER,
        default=Path("publish"),
        show_default=True,
        help="Folder of what was published.",
    )
    @click.option(
        "--privacy-dir",
        type=FOLDER,
        help="Folder of the vault, the suppression list and the receipts. Also read from "
        "SEGMENTATION_PRIVACY_DIR.  [default: privacy/<dataset>]",
    )
    @click.option(
        "--cache-dir",
        "cache_dirs",
        type=FOLDER,
        multiple=True,
        default=(Path("target"), Path("logs")),
        show_default=True,
        help="Folders of what a build leaves behind; may be given several times.",
    )
    @wraps(command)
    def with_places(
        raw_data: str,
        database: Path | None,
        publish_dir: Path,
        privacy_dir: Path | None,
        cache_dirs: tuple[Path, ...],
        **arguments: Any,
    ) -> Any:
        from python_ext.privacy import find_places

        root = project_root()
        places = find_places(
            raw_data,
            project_dir=root,
            database=database or _default_warehouse(root, raw_data),
            published=publish_dir,
            caches=cache_dirs,
            directory=privacy_dir,
        )
        return command(places=places, **arguments)

    return with_places


def _default_warehouse(root: Path, raw_data: str) -> Path:
    """The warehouse of the profile; what is the demo's is not taken for that of another dataset.

    A person of whom another dataset's warehouse knows nothing would look like one who was erased.
    """
    warehouse, dataset = warehouse_path(root), raw_data.rstrip("/").rsplit("/", 1)[-1]
    if WAREHOUSE_VARIABLE not in os.environ and warehouse.stem != dataset:
        raise SegmentationError(
            f"Which warehouse was built of {raw_data}? Name it with --database or in "
            f"{WAREHOUSE_VARIABLE} (make builds {warehouse.with_stem(dataset).name}); {warehouse} "
            "is taken for its own dataset alone. Nothing was read or written.",
            exit_code=2,
        )
    return warehouse


def person_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How a person is named."""
    for option, text in (
        ("--customer-key", "Pseudonymous key, as in the marts."),
        ("--email", "E-mail address that is the person's alone."),
        ("--customer-id", "Number of one of the person's CRM records."),
    ):
        name = option.strip("-").replace("-", "_") + "s"
        command = click.option(option, name, multiple=True, metavar="TEXT", help=text)(command)
    return command

"""Options that the commands about personal data share: where things are, and who is meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from python_ext.cli import _raw_data_option
from python_ext.settings import project_root, warehouse_path

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


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
            database=database or warehouse_path(root),
            published=publish_dir,
            caches=cache_dirs,
            directory=privacy_dir,
        )
        return command(places=places, **arguments)

    return with_places


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

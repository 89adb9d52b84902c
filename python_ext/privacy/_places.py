"""Where a dataset's personal data may lie, and the keys that open or hide them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from python_ext.errors import SegmentationError
from python_ext.identity import DEMO_SECRET, MIN_SECRET_LENGTH, read_secret
from python_ext.settings import dataset_vars, is_remote, raw_files

VAULT_KEY_VARIABLE = "SEGMENTATION_VAULT_KEY"
OLD_SECRETS_VARIABLE = "SEGMENTATION_OLD_SECRETS"
DIRECTORY_VARIABLE = "SEGMENTATION_PRIVACY_DIR"
MIN_VAULT_KEY_LENGTH = 32


@dataclass(frozen=True)
class Places:
    """Every place that one dataset's personal data can be in.

    Attributes
    ----------
    project_dir
        Folder of ``dbt_project.yml``.
    raw_data
        Folder of the raw files, or an address such as ``s3://…``.
    raw_format
        ``parquet``, ``csv`` or ``json``.
    demo_secret_allowed
        Whether the visible demo secret serves.
    database
        Warehouse of the build.
    published
        Folder of the published files.
    caches
        Folders of what a build leaves behind and can make again: ``target``, ``logs``.
    directory
        Folder of the vault, the suppression list and the receipts.
    """

    project_dir: Path
    raw_data: str
    raw_format: str
    demo_secret_allowed: bool
    database: Path
    published: Path
    caches: tuple[Path, ...]
    directory: Path

    @property
    def raw_folder(self) -> Path | None:
        """The folder of the raw files; None when they lie at an address."""
        if is_remote(self.raw_data):
            return None
        return self.project_dir / self.raw_data

    def raw_files(self, table: str) -> list[Path]:
        """The local files of a raw table (``web.events``), in the order in which they arrived."""
        folder = self.raw_folder
        return [] if folder is None else raw_files(folder, table, self.raw_format)

    @property
    def vault(self) -> Path:
        return self.directory / "identity.duckdb"

    @property
    def suppression(self) -> Path:
        return self.directory / "suppression.csv"

    @property
    def receipts(self) -> Path:
        return self.directory / "receipts"


def privacy_directory(raw_data: str, *, project_dir: Path) -> Path:
    """``privacy/<folder of the dataset>``, unless the environment names another.

    The name is that of the folder and not the one in ``dataset.yml``, so that a build without
    ``--vars`` reads the same suppression list.
    """
    if given := os.environ.get(DIRECTORY_VARIABLE, "").strip():
        return project_dir / given
    return project_dir / "privacy" / raw_data.rstrip("/").rsplit("/", 1)[-1]


def find_places(
    raw_data: str,
    *,
    project_dir: Path,
    database: Path,
    published: Path = Path("publish"),
    caches: tuple[Path, ...] = (Path("target"), Path("logs")),
    directory: Path | None = None,
) -> Places:
    """The places of one dataset; relative paths are taken from the project's folder."""
    settings = dataset_vars(raw_data, project_dir=project_dir).vars
    return Places(
        project_dir=project_dir,
        raw_data=settings["raw_data"],
        raw_format=settings["raw_format"],
        demo_secret_allowed=settings["demo_secret_allowed"],
        database=project_dir / database,
        published=project_dir / published,
        caches=tuple(project_dir / cache for cache in caches),
        directory=(
            project_dir / directory
            if directory
            else privacy_directory(settings["raw_data"], project_dir=project_dir)
        ),
    )


def read_vault_key(environ: Mapping[str, str] | None = None) -> str | None:
    """The key of the vault, from the environment; None when it is not set.

    Raises
    ------
    SegmentationError
        The key is too short to protect anything.
    """
    key = (os.environ if environ is None else environ).get(VAULT_KEY_VARIABLE, "").strip()
    if not key:
        return None
    if len(key) < MIN_VAULT_KEY_LENGTH:
        raise SegmentationError(
            f"{VAULT_KEY_VARIABLE} has {len(key)} characters, at least {MIN_VAULT_KEY_LENGTH} are "
            "needed. Make one with `openssl rand -base64 32` and keep it in a password store: "
            "without it the vault cannot be read by anyone."
        )
    return key


def need_vault_key(environ: Mapping[str, str] | None = None) -> str:
    """The key of the vault; an error that says how to set it when it is missing."""
    key = read_vault_key(environ)
    if key is None:
        raise SegmentationError(
            f"Set the environment variable {VAULT_KEY_VARIABLE} to the key of the vault, a random "
            f"text of at least {MIN_VAULT_KEY_LENGTH} characters (`openssl rand -base64 32`). "
            "Readable identity is kept encrypted or not at all."
        )
    return key


def read_secrets(
    *, demo_secret_allowed: bool, environ: Mapping[str, str] | None = None
) -> tuple[bytes, ...]:
    """The secret of today, then those of before (``SEGMENTATION_OLD_SECRETS``, commas between).

    Where the demo secret is allowed it is always among them: a dataset that begins to use a
    secret of its own has been keyed with it before.

    Raises
    ------
    SegmentationError
        No secret, or one that is too short.
    """
    environ = os.environ if environ is None else environ
    secrets = [read_secret(demo_secret_allowed=demo_secret_allowed, environ=environ)]
    for text in environ.get(OLD_SECRETS_VARIABLE, "").split(","):
        old = text.strip()
        if not old:
            continue
        if len(old) < MIN_SECRET_LENGTH:
            raise SegmentationError(
                f"{OLD_SECRETS_VARIABLE} holds a secret of {len(old)} characters; at least "
                f"{MIN_SECRET_LENGTH} were always needed. Give what SEGMENTATION_SECRET was "
                "before, with commas between several."
            )
        secrets.append(old.encode())
    if str(demo_secret_allowed).lower() == "true":
        secrets.append(DEMO_SECRET.encode())
    return tuple(dict.fromkeys(secrets))

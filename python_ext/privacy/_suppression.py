"""Keyed hashes of forgotten people, so that the next delivery does not bring them back.

The list holds no value that a person could be read from: HMAC-SHA-256 with the secret of
``customer_key``, under a prefix of its own, so that no entry equals a ``customer_key`` or an entry
of another kind.
"""

from __future__ import annotations

import csv
import hmac
import io
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from python_ext.errors import SegmentationError
from python_ext.privacy._places import OLD_SECRETS_VARIABLE

KINDS = (
    "email",
    "phone_and_first_name",
    "customer_id",
    "name_and_birth_date",
    "social_handle",
    "visitor_id",
)
HEADER = ("secret_id", "kind", "digest", "receipt_id")
SEPARATOR = "\x1f"


@dataclass(frozen=True)
class Entry:
    """One keyed hash of the list and the receipt it was made for."""

    secret_id: str
    kind: str
    digest: str
    receipt_id: str


def _fold(text: str) -> str:
    """Lower case letters and digits, without accents."""
    plain = unicodedata.normalize("NFKD", text)
    return re.sub(r"[^a-z0-9]", "", plain.encode("ascii", "ignore").decode().lower())


def normalise(kind: str, value: str | None) -> str | None:
    """The form of a value that is hashed; None when it says too little to know a person by.

    Parameters
    ----------
    kind
        One of ``KINDS``.
    value
        An address, a number, or the parts of a pair with ``SEPARATOR`` between them: phone and
        first name; first name, last name and birth date as 1980-12-31.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of the suppression list: {', '.join(KINDS)}")
    if value is None:
        return None
    parts = str(value).split(SEPARATOR)
    if kind in ("email", "social_handle"):
        return parts[0].strip().lower() or None
    if kind in ("customer_id", "visitor_id"):
        return parts[0].strip() or None
    if kind == "phone_and_first_name":
        if len(parts) != 2:
            return None
        digits, name = re.sub("[^0-9]", "", parts[0])[-9:], _fold(parts[1])
        return f"{digits} {name}" if len(digits) >= 8 and name else None
    if len(parts) != 3:
        return None
    first, last, born = _fold(parts[0]), _fold(parts[1]), parts[2].strip()[:10]
    return f"{first} {last} {born}" if first and last and born else None


def secret_id(secret: bytes) -> str:
    """A short name of a secret, from which it cannot be found."""
    return hmac.digest(secret, b"suppression:secret-id", "sha256").hex()[:8]


def keyed_hash(kind: str, normalised: str, *, secret: bytes) -> str:
    """HMAC-SHA-256 in hexadecimal of a normalised value."""
    return hmac.digest(secret, f"suppression:{kind}:{normalised}".encode(), "sha256").hex()


def read_entries(file: Path) -> list[Entry]:
    """The list; empty when there is none.

    Raises
    ------
    SegmentationError
        The file is no suppression list: a build must not go on as if nobody were on it.
    """
    if not file.exists():
        return []
    try:
        rows = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8"))))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SegmentationError(f"{file} cannot be read: {error}") from error
    if not rows or tuple(rows[0]) != HEADER or any(len(row) != len(HEADER) for row in rows[1:]):
        raise SegmentationError(
            f"{file} is not a suppression list (its columns are {', '.join(HEADER)}). Restore it "
            "from a backup: without it forgotten people come back with the next delivery."
        )
    return [Entry(*row) for row in rows[1:]]


def add_entries(
    file: Path, values: Iterable[tuple[str, str]], *, secret: bytes, receipt_id: str
) -> int:
    """Put kinds and values on the list; the file is replaced whole.

    Returns
    -------
    int
        How many entries are new.
    """
    old = read_entries(file)
    known = {(entry.secret_id, entry.kind, entry.digest) for entry in old}
    name = secret_id(secret)
    new = []
    for kind, value in values:
        normalised = normalise(kind, value)
        if normalised is None:
            continue
        digest = keyed_hash(kind, normalised, secret=secret)
        if (name, kind, digest) not in known:
            known.add((name, kind, digest))
            new.append(Entry(name, kind, digest, receipt_id))
    if not new:
        return 0
    file.parent.mkdir(parents=True, exist_ok=True)
    following = file.with_suffix(".csv.next")
    with following.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(HEADER)
        for entry in sorted(
            [*old, *new], key=lambda e: (e.secret_id, e.kind, e.digest, e.receipt_id)
        ):
            writer.writerow((entry.secret_id, entry.kind, entry.digest, entry.receipt_id))
        stream.flush()
        os.fsync(stream.fileno())
    following.replace(file)
    return len(new)


def list_problem(file: Path, secrets: Sequence[bytes]) -> str:
    """What is wrong with a list for these secrets; empty when nothing is.

    An entry under a secret that is not given cannot be compared, and a person would come back.
    """
    try:
        entries = read_entries(file)
    except SegmentationError as error:
        return str(error)
    missing = {entry.secret_id for entry in entries} - {secret_id(secret) for secret in secrets}
    if not missing:
        return ""
    count = sum(entry.secret_id in missing for entry in entries)
    return (
        f"{file} holds {count} entries under a secret that is not given (named "
        f"{', '.join(sorted(missing))}), so forgotten people would come back. Give the former "
        f"values of SEGMENTATION_SECRET in {OLD_SECRETS_VARIABLE}, with commas between them."
    )


class SuppressionList:
    """Answers whether a value belongs to a forgotten person.

    Parameters
    ----------
    file
        The list; a missing one suppresses nobody.
    secrets
        Every secret that entries were made with.

    Raises
    ------
    SegmentationError
        The list has entries under another secret, or cannot be read.
    """

    def __init__(self, file: Path, secrets: Sequence[bytes]) -> None:
        if problem := list_problem(file, secrets):
            raise SegmentationError(problem)
        digests: dict[str, set[str]] = {}
        entries = read_entries(file)
        used = {entry.secret_id for entry in entries}
        for entry in entries:
            digests.setdefault(entry.kind, set()).add(entry.digest)
        self.__setstate__((digests, [secret for secret in secrets if secret_id(secret) in used]))

    def __getstate__(self) -> tuple[dict[str, set[str]], list[bytes]]:
        """What another process needs to answer: executors of Spark get the list this way."""
        return self._digests, self._secrets

    def __setstate__(self, state: tuple[dict[str, set[str]], list[bytes]]) -> None:
        self._digests, self._secrets = state
        self._known = lru_cache(maxsize=1_000_000)(self._holds)

    def __len__(self) -> int:
        return sum(len(digests) for digests in self._digests.values())

    def _holds(self, kind: str, value: str) -> bool:
        normalised = normalise(kind, value)
        return normalised is not None and any(
            keyed_hash(kind, normalised, secret=secret) in self._digests[kind]
            for secret in self._secrets
        )

    def holds(self, kind: str, value: str | None) -> bool:
        """Whether the value is on the list; a null never is."""
        if kind not in KINDS:
            normalise(kind, value)
        if value is None or kind not in self._digests:
            return False
        return self._known(kind, value)

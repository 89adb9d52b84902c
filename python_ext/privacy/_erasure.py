"""Forgets people: in every file that the project controls, so that nothing of them is left."""

from __future__ import annotations

import hmac
import json
import os
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path

import duckdb

from python_ext.errors import SegmentationError
from python_ext.privacy._files import clear_leftovers, next_name
from python_ext.privacy._job import Job, Removal
from python_ext.privacy._people import People
from python_ext.privacy._places import Places
from python_ext.privacy._search import Found, search
from python_ext.privacy._suppression import add_entries
from python_ext.swap import alone_in


@dataclass(frozen=True)
class Forgotten:
    """What came of it.

    Attributes
    ----------
    receipt_id
        Name of the receipt; depends on the people and the secret alone.
    removals
        What was removed, or would be.
    suppressed
        New entries of the suppression list.
    at_source
        What is left for a person to delete, where the raw files are not ours to change.
    shared
        Values that stay because another customer has them too.
    found
        The search afterwards; None for a dry run.
    """

    receipt_id: str
    removals: tuple[Removal, ...]
    suppressed: int = 0
    at_source: tuple[str, ...] = ()
    shared: dict[str, int] = field(default_factory=dict)
    found: Found | None = None


def receipt_name(people: People, *, secret: bytes) -> str:
    """Name of the receipt for these people: a keyed hash, the same however often it is asked."""
    who = sorted(people.customer_keys) or sorted([*people.customer_ids, *people.emails])
    return hmac.digest(secret, ("receipt:" + "|".join(who)).encode(), "sha256").hex()[:16]


def forget(
    places: Places,
    people: People,
    *,
    secret: bytes,
    at: datetime,
    vault_key: str | None = None,
    dry_run: bool = False,
) -> Forgotten:
    """Remove people from raw files, warehouse, vault, published files and caches.

    Everything new is written beside the old first and then renamed over it, the warehouse last,
    when all the rest was searched: it knows who the people are, so a run that was killed is
    completed by running it again.

    Parameters
    ----------
    places, people
        Where, and whom; see ``find_people``.
    secret
        Secret of the keyed hashes.
    at
        When, for the receipt.
    vault_key
        Key of the vault; needed where there is one.
    dry_run
        Only say what would be removed.

    Raises
    ------
    SegmentationError
        Something cannot be read or is still found afterwards; the vault is there without its key.
    """
    if not people:
        raise SegmentationError("Nobody was named.", exit_code=2)
    if places.vault.exists() and vault_key is None:
        raise SegmentationError(
            f"{places.vault} holds readable identity and its key is not set. Set "
            "SEGMENTATION_VAULT_KEY, or remove the file; nothing was changed."
        )
    with ExitStack() as held:
        if places.published.is_dir():
            # A publish that has read the warehouse before must not put the people back.
            held.enter_context(alone_in(places.published))
        return _forget(places, people, secret, at, vault_key, dry_run)


def _forget(
    places: Places,
    people: People,
    secret: bytes,
    at: datetime,
    vault_key: str | None,
    dry_run: bool,
) -> Forgotten:
    clear_leftovers(
        [
            folder
            for folder in (
                places.raw_folder,
                places.published,
                places.directory,
                places.database.parent,
            )
            if folder
        ]
    )
    _close_receipts(places, secret=secret)
    receipt_id = receipt_name(people, secret=secret)
    result = Forgotten(receipt_id, (), shared=people.shared, at_source=_at_source(places, people))
    job = Job(places, people, receipt_id, vault_key)
    if dry_run:
        return replace(result, removals=tuple(job.plan()))
    planned = replace(result, removals=tuple(job.plan()))
    suppressed = add_entries(
        places.suppression, people.suppressed, secret=secret, receipt_id=receipt_id
    )
    hashes = [_person_hash(key, secret=secret) for key in sorted(people.customer_keys)]
    earlier = _write_receipt(places, planned, hashes, at, state="begun")
    try:
        job.write()
    except BaseException:
        job.undo()
        raise
    job.swap()
    # The next warehouse is searched and not the present one, so that the people are still known
    # when something is left and the command has to be run again.
    found = search(
        replace(places, database=next_name(places.database)), people, vault_key=vault_key
    )
    result = replace(
        result,
        removals=tuple(_together([*earlier, *job.removals])),
        suppressed=suppressed,
        found=found,
    )
    if found.hits:
        job.undo()
        shown = "; ".join(
            f"{hit.file} {hit.table} {hit.column} ({hit.count})".replace("  ", " ")
            for hit in found.hits[:10]
        )
        raise SegmentationError(
            f"Something of the person is still there: {shown}. Remove it by hand and run the "
            "command again; the receipt stays open until the search finds nothing."
        )
    _write_receipt(places, result, hashes, at, state="searched")
    job.swap_warehouse()
    _write_receipt(places, result, hashes, at, state="done")
    return result


def _person_hash(key: str, *, secret: bytes) -> str:
    return hmac.digest(secret, f"receipt-person:{key}".encode(), "sha256").hex()


def _close_receipts(places: Places, *, secret: bytes) -> None:
    """Close what was killed between the last renaming and the last word of its receipt.

    All was searched by then, so the receipt is done when the warehouse knows none of its people.
    """
    for leftover in places.receipts.glob("*.json.next"):
        leftover.unlink()
    searched = []
    for file in sorted(places.receipts.glob("*.json")):
        noted = json.loads(file.read_text(encoding="utf-8"))
        if noted.get("state") == "searched":
            searched.append((file, noted))
    if not searched:
        return
    with duckdb.connect(str(places.database), read_only=True) as connection:
        rows = connection.execute(
            "select distinct customer_key from ml.ml_customer_identities"
        ).fetchall()
    known = {_person_hash(key, secret=secret) for (key,) in rows}
    for file, noted in searched:
        if not known & set(noted["people"]):
            _replace_json(file, {**noted, "state": "done"})


def _replace_json(file: Path, content: dict[str, object]) -> None:
    following = file.with_suffix(".json.next")
    following.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(following, file)


def _at_source(places: Places, people: People) -> tuple[str, ...]:
    """What must be deleted where the raw files lie at an address."""
    if places.raw_folder is not None:
        return ()
    numbers, emails = ", ".join(sorted(people.customer_ids)), ", ".join(sorted(people.emails))
    left = []
    if numbers:
        left.append(
            f"{places.raw_data}: every row with customer_id {numbers} (in shop.orders empty the "
            "cell and keep the row)"
        )
    if emails:
        left.append(f"{places.raw_data}: shop.orders with guest_email {emails}: empty the cell")
    if people.handles:
        left.append(f"{places.raw_data}: social.mentions of {', '.join(sorted(people.handles))}")
    if people.visitors:
        left.append(
            f"{places.raw_data}: web.events of visitor_id {', '.join(sorted(people.visitors))}"
        )
    return tuple(left)


def _write_receipt(
    places: Places, result: Forgotten, hashes: list[str], at: datetime, *, state: str
) -> list[Removal]:
    """Write the receipt; gives what an earlier run had noted, finished or not."""
    file = places.receipts / f"{result.receipt_id}.json"
    earlier: list[Removal] = []
    if file.is_file():
        noted = json.loads(file.read_text(encoding="utf-8"))
        earlier = [Removal(**item) for item in noted.get("removed", [])]
        if state == "begun":
            result = replace(result, removals=tuple(_together([*earlier, *result.removals])))
    found = result.found
    content = {
        "receipt_id": result.receipt_id,
        "state": state,
        "at": at.isoformat(timespec="seconds"),
        "dataset": Path(places.raw_data).name,
        "people": hashes,
        "removed": [asdict(item) for item in result.removals],
        "entries_suppressed": result.suppressed,
        "left_at_the_source": len(result.at_source),
        "values_that_others_share": result.shared,
        "search_afterwards": None
        if found is None
        else {
            "files": found.files,
            "tables": found.tables,
            "columns": found.columns,
            "bytes": found.bytes,
            "hits": len(found.hits),
            "not_searched": list(found.closed),
        },
    }
    places.receipts.mkdir(parents=True, exist_ok=True)
    _replace_json(file, content)
    return earlier


def _together(removals: list[Removal]) -> list[Removal]:
    """Each file and table once."""
    seen: dict[tuple[str, str], Removal] = {}
    for item in removals:
        seen.setdefault((item.file, item.table), item)
    return list(seen.values())

"""The record of processing activities (art. 30 GDPR), written from the lineage of a build."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from python_ext.errors import SegmentationError
from python_ext.lineage import (
    FORGOTTEN,
    ORDER,
    PRESENCE,
    Flow,
    Lineage,
    load_manifest,
    read_lineage,
)

RETENTION = Path("seeds/reference/retention.csv")

_INTRODUCTION = """\
# Record of processing

What personal data this project processes, why, on what legal basis, for how long, where it goes
and in which form: the record that article 30 of the GDPR asks for. Whoever runs the project adds
their own name and that of their data protection officer.

This page is written by `segmentation record-of-processing` from the lineage of a build (sources and
columns tagged `pii` or `declassified` in the yml files, compiled SQL), the seed `retention` and the
exposures. Do not edit it: change what it is made of, and write it again.

How to read "reach": of SQL every column in an expression counts, and what was looked up by it. Of
a Python model every output is taken to come from every input, so it names more than is true and
never less. A personal column that reaches a mart does so in the form given and in no other: a test
fails otherwise. That rows are put in order by a personal column, or that it is empty, is not
listed.
"""

_MEASURES = """\
## Measures that hold everywhere

- People are known by `customer_key` after identity resolution: a keyed hash whose secret comes from
  the environment.
- Who may not be profiled (`profiling_basis: {profiling_basis}`) is fed to no model and has neither
  score nor segment. An audience holds only who agreed to its purpose. Publishing reads the consents
  once more and refuses otherwise.
- No figure is published of a group of fewer than {k_anonymity} customers (`k_anonymity`).
- A row older than its retention is set aside when it is loaded; months are counted from the latest
  row of the table.
"""


def record_of_processing(
    manifest: Path | Mapping[str, Any], *, project_dir: Path, settings: Mapping[str, Any]
) -> str:
    """The record as a Markdown page.

    Parameters
    ----------
    manifest
        ``target/manifest.json`` of a build with every source switched on, or its content.
    project_dir
        Folder of ``dbt_project.yml``, for the seeds.
    settings
        Vars of the project; ``profiling_basis`` and ``k_anonymity`` are told.

    Returns
    -------
    str

    Raises
    ------
    SegmentationError
        The manifest or the seed cannot be read, personal data reach a mart in readable form, or a
        source table has no row in the seed.
    """
    content = load_manifest(manifest) if isinstance(manifest, Path) else manifest
    lineage = read_lineage(content, project_dir)
    if leaks := lineage.leaks():
        raise SegmentationError(
            "No record was written: personal data reach columns that do not say in which form "
            f"({'; '.join(map(str, leaks[:5]))}). Take them out, or say so in "
            "meta: {declassified: …} of the column."
        )
    marts = _marts(content)
    sources = [node for _, node in sorted(content["sources"].items())]
    retention = _retention(project_dir)
    parts = [
        _INTRODUCTION,
        _purposes(sources, retention),
        _readers(content, marts, lineage),
        "## Personal columns of each source, and where they go\n",
        *(_source(node, marts, lineage) for node in sources),
        _MEASURES.format(**{key: settings[key] for key in ("profiling_basis", "k_anonymity")}),
    ]
    return "\n".join(parts)


def _marts(content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {
        node["name"]: node
        for _, node in sorted(content["nodes"].items())
        if node["resource_type"] == "model"
        and node["original_file_path"].startswith("models/marts/")
    }


def _retention(project_dir: Path) -> dict[str, dict[str, str]]:
    file = project_dir / RETENTION
    try:
        with file.open(encoding="utf-8") as stream:
            return {
                f"{row['source_name']}.{row['table_name']}": row for row in csv.DictReader(stream)
            }
    except (OSError, KeyError) as error:
        raise SegmentationError(
            f"{file} cannot be read ({error!r}): it says why each source table is processed."
        ) from error


def _purposes(sources: Iterable[Mapping[str, Any]], retention: Mapping[str, Any]) -> str:
    rows = []
    for node in sources:
        table = _table(node)
        if table not in retention:
            raise SegmentationError(
                f"{RETENTION} has no row for {table}: say for what it is processed, on what legal "
                "basis, and for how long it is kept."
            )
        row = retention[table]
        months = row["retention_months"]
        personal = [c["name"] for c in node["columns"].values() if _is_personal(c)]
        rows.append(
            (
                f"`{table}`",
                row["purpose"],
                row["legal_basis"],
                f"{months} months" if months else "as long as the relation lasts",
                _named(personal) or "none",
            )
        )
    heading = ("Source table", "Purpose", "Legal basis", "Kept for", "Personal columns")
    return "## What is processed, and why\n\n" + _markdown(heading, rows)


def _readers(
    content: Mapping[str, Any], marts: Mapping[str, Mapping[str, Any]], lineage: Lineage
) -> str:
    readers = defaultdict(list)
    for _, exposure in sorted(content["exposures"].items()):
        for unique_id in exposure["depends_on"]["nodes"]:
            owner = exposure["owner"].get("name") or exposure["owner"].get("email")
            readers[unique_id].append(f"{exposure['label'] or exposure['name']} ({owner})")
    groups = {group["name"]: group["owner"] for group in content["groups"].values()}
    rows = []
    for name, node in marts.items():
        owner = (groups.get(node.get("group") or "") or {}).get("name", "nobody")
        forms = sorted({flow.how for flow in _told(lineage, name) if flow.is_personal})
        read_by = ", ".join(readers[node["unique_id"]]) or "nobody outside the project"
        rows.append((f"`{name}`", owner, read_by, "; ".join(forms) or "none"))
    heading = ("Mart", "Owner", "Read by", "Personal data, in the form of")
    return "## Marts, and who reads them\n\n" + _markdown(heading, rows)


def _source(
    node: Mapping[str, Any], marts: Mapping[str, Mapping[str, Any]], lineage: Lineage
) -> str:
    table = _table(node)
    personal = [name for name, column in node["columns"].items() if _is_personal(column)]
    others = [name for name in node["columns"] if name not in personal]
    forms: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for mart in marts:
        for flow in _told(lineage, mart):
            if flow.table == table and flow.is_personal:
                forms[flow.how][0].add(flow.column)
                forms[flow.how][1].add(mart)
    # Forms of the same columns in the same marts stand in one row.
    together: dict[tuple[str, str], list[str]] = defaultdict(list)
    for form, (columns, reached) in sorted(forms.items()):
        listed = _named(column for column in personal if column in columns)
        together[listed, _named(sorted(reached))].append(form)
    rows = [("; ".join(told), *places) for places, told in together.items()]
    shown = {column for columns, _ in forms.values() for column in columns}
    if kept := [column for column in personal if column not in shown]:
        rows.append(("not at all", _named(kept), "no mart"))
    parts = [f"### `{table}`\n\n{node['description']}\n"]
    if rows:
        parts.append(_markdown(("In the form of", "Personal columns", "Reach"), rows))
    if others:
        parts.append(f"Not personal, used as they are or counted: {_named(others)}.\n")
    return "\n".join(parts)


def _told(lineage: Lineage, mart: str) -> Iterable[Flow]:
    """The flows into a mart that tell something of a value."""
    return (
        flow
        for flows in lineage.columns[mart].values()
        for flow in flows
        if flow.how not in (FORGOTTEN, ORDER, PRESENCE)
    )


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(node: Mapping[str, Any]) -> str:
    return f"{node['source_name']}.{node['name']}"


def _is_personal(column: Mapping[str, Any]) -> bool:
    meta = (column.get("config") or {}).get("meta") or column.get("meta") or {}
    return bool(meta.get("pii"))


def _markdown(heading: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heading, ("---",) * len(heading), *rows]
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)

"""Breaks builds in every way docs/FAULTS.md names, and writes there what came of each.

For each fault: whether the published marts stayed whole, what was said, how long the next command
took, and whether every table then equals that of an undisturbed build.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[1]
# In which load a row was read is no part of what it says.
KEPT = "select columns(name -> name <> 'loaded_in') from"
BIN = Path(sys.executable).parent
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
# Bytes of a block of the warehouse; a log shorter than this holds no table.
BLOCK, LEAST_LOG = 262_144, 10_000
# Enough of every kind of model, and no more: the subject is not how well they are chosen.
SETTINGS = {
    "segmentation_algorithms": ["kmeans"],
    "max_segments": 6,
    "projection_rows": 100,
    "stability_sample_rows": 500,
    "propensity_algorithms": ["logistic_regression"],
    "propensity_settings": 1,
}


ASKED = itertools.count()


@dataclass
class Shop:
    """A dataset with its warehouse, and what was published of it, in a folder of its own."""

    folder: Path
    customers: int
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.raw, self.warehouse = self.folder / "raw", self.folder / "house.duckdb"
        self.published = self.folder / "publish"
        self.environment = {
            **os.environ,
            "SEGMENTATION_DATABASE": str(self.warehouse),
            "SEGMENTATION_PRIVACY_DIR": str(self.folder / "privacy"),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "DBT_LOG_LEVEL_FILE": "none",
            "NO_COLOR": "1",
        }

    def run(
        self,
        *command: str,
        at: tuple[str, Callable[[subprocess.Popen], None]] | None = None,
        limit: int | None = None,
    ) -> int:
        """A command's exit code; `at` acts when a line holds a text, `limit` is bytes of a file."""

        def limited() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        process = subprocess.Popen(
            [str(BIN / command[0]), *command[1:]],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=limited if limit else None,
        )
        self.said = []
        for line in process.stdout:
            self.said.append(line.strip())
            if at and at[0] in line:
                at[1](process)
                at = None
        return process.wait()

    def dbt(self, *arguments: str, **options) -> int:
        """A dbt command with the settings of this dataset, without the tests of its data."""
        settings = {**self.vars(), **SETTINGS}
        if arguments[0] == "build":
            arguments = (*arguments, "--exclude-resource-type", "test", "unit_test")
            # A build like the last one would leave its tables.
            settings["asked"] = next(ASKED)
        return self.run("dbt", *arguments, "--vars", json.dumps(settings), **options)

    def vars(self) -> dict:
        told = subprocess.run(
            [
                str(BIN / "segmentation"),
                "vars",
                "--raw-data",
                str(self.raw),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(told.stdout)

    def publish(self, **options) -> int:
        return self.run(
            *("segmentation", "publish", "--database", str(self.warehouse)),
            *("--out", str(self.published)),
            *("--run-results", str(self.folder / "target" / "run_results.json")),
            **options,
        )

    def sentence(self, *words: str) -> str:
        """What was said that holds one of these words; the first of them that was said at all."""
        for word in words:
            for line in self.said:
                if word in line:
                    return line[line.index(word) :] if word.startswith("What to do") else line
        raise SystemExit(f"nothing was said of {words}: {self.said[-5:]}")


def killed(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGKILL)


def differing(one: Path, other: Path) -> list[str]:
    """Tables that two warehouses do not both have with the same rows, but the notes of builds."""
    with duckdb.connect() as connection:
        tables = []
        for name, file in (("one", one), ("other", other)):
            connection.execute(f"attach '{file}' as {name} (read_only)")
            tables.append(
                connection.execute(
                    "select schema_name || '.' || table_name from duckdb_tables() "
                    f"where database_name = '{name}' "
                    "and table_name not in ('last_build', 'arrivals')"
                ).fetchall()
            )
        found = [name for (name,) in set(tables[0]) ^ set(tables[1])]
        for (name,) in sorted(set(tables[0]) & set(tables[1])):
            for left, right in (("one", "other"), ("other", "one")):
                query = f"{KEPT} {left}.{name} except all {KEPT} {right}.{name} limit 1"
                if connection.execute(query).fetchall():
                    found.append(name)
                    break
    return found


def state_of(folder: Path) -> dict[str, bytes]:
    """Every published file."""
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


# The faults: each breaks something, and says which line told the reader, and what mends it.


def killed_in_staging(shop: Shop) -> str:
    shop.dbt("build", at=("model staging.stg_web__events", killed))
    shop.publish()
    return shop.sentence("Nothing was published")


def killed_in_a_python_model(shop: Shop) -> str:
    shop.dbt("build", at=("START python table model ml.ml_propensity_scores", killed))
    shop.publish()
    return shop.sentence("Nothing was published")


def file_truncated(shop: Shop) -> str:
    file = shop.raw / "web" / "events.parquet"
    content = file.read_bytes()
    shop.dbt(
        "build",
        at=("model staging.stg_crm__consents", lambda _: os.truncate(file, 9000)),
    )
    file.write_bytes(content)
    return shop.sentence("The input changed", "What to do")


def file_replaced(shop: Shop) -> str:
    file = shop.raw / "email" / "events.parquet"
    content = file.read_bytes()

    def replace(_: subprocess.Popen) -> None:
        # The delivery of another day: half of the rows, put in place by a rename.
        other = file.with_suffix(".new")
        duckdb.execute(f"copy (from '{file}' limit 1000) to '{other}' (format parquet)")
        other.replace(file)

    shop.dbt("build", at=("model marts.customer_rfm", replace))
    said = shop.sentence("The input changed")
    file.write_bytes(content)
    return said


def two_builds(shop: Shop) -> str:
    other = Shop(shop.folder, shop.customers)
    codes = []

    def second(_: subprocess.Popen) -> None:
        codes.append(other.dbt("build"))

    assert shop.dbt("build", at=("model staging.stg_crm__consents", second)) == 0
    assert codes == [2], other.said
    return other.sentence("is in use by")


def held_by_a_reader(shop: Shop) -> str:
    reader = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); "
            "print('open', flush=True); input()",
            str(shop.warehouse),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    reader.stdout.readline()
    shop.dbt("build")
    reader.communicate(b"\n")
    return shop.sentence("is in use by")


def disk_full(shop: Shop) -> str:
    # No file may grow beyond this, as on a disk that has no more.
    shop.dbt("build", limit=shop.warehouse.stat().st_size + 2_000_000)
    return shop.sentence("What to do")


def disk_full_in_publish(shop: Shop) -> str:
    shop.publish(limit=500_000)
    return shop.sentence("Nothing was published")


def killed_in_publish(shop: Shop) -> str:
    process = subprocess.Popen(
        [
            *(str(BIN / "segmentation"), "publish"),
            *("--database", str(shop.warehouse), "--out", str(shop.published)),
            *("--run-results", str(shop.folder / "target" / "run_results.json")),
        ],
        cwd=ROOT,
        env=shop.environment,
        stdout=subprocess.DEVNULL,
    )
    while not (shop.published / "parquet.next").exists() and process.poll() is None:
        time.sleep(0.001)
    process.kill()
    process.wait()
    shop.said = []
    return ""


def stored_models_damaged(shop: Shop) -> str:
    with duckdb.connect(str(shop.warehouse)) as connection:
        for table in ("ml_propensity_models", "ml_segment_models", "ml_value_models"):
            connection.execute(
                f"update ml.{table} set artefact = from_hex('00' || substr(hex(artefact), 3)) "
                "where artefact is not null"
            )
    shop.dbt("build")
    said = shop.sentence("What to do")
    shop.run("segmentation", "models", "repair", "--database", str(shop.warehouse))
    return said


def overwrite(file: Path, places: Iterable[int]) -> None:
    """Bytes that nobody wrote, at each of these places."""
    with file.open("r+b") as opened:
        for place in places:
            opened.seek(place)
            opened.write(b"\xff" * 64)


def warehouse_lost(shop: Shop) -> str:
    # Both headers that tell where its tables begin: there is no copy, so all is built from raw.
    overwrite(shop.warehouse, (4096, 8192))
    assert shop.dbt("build") != 0
    said = shop.sentence("is damaged")
    shop.warehouse.unlink()
    return said


def warehouse_replaced(shop: Shop) -> str:
    copy = shop.warehouse.with_suffix(".copy")
    shutil.copyfile(shop.warehouse, copy)
    overwrite(shop.warehouse, range(3 * BLOCK + 1000, shop.warehouse.stat().st_size, BLOCK))
    assert shop.dbt("build") != 0
    said = shop.sentence("is damaged")
    copy.replace(shop.warehouse)
    return said


def log_damaged(shop: Shop, *, share: float) -> str:
    log = Path(f"{shop.warehouse}.wal")
    # DuckDB empties the log now and then; a build killed just after leaves none.
    for place in ("intermediate.int_customer", "marts.", "staging.stg_web__events"):
        shop.dbt("build", at=(f"model {place}", killed))
        if log.exists() and log.stat().st_size >= LEAST_LOG:
            break
    else:
        raise SystemExit("no killed build left a log worth damaging; run this again")
    overwrite(log, [int(share * (log.stat().st_size - 64))])
    # As the build itself does first; where the log is taken, the next command is that build.
    asked = ("segmentation", "check", "--raw-data", str(shop.raw))
    if shop.run(*asked, "--database", str(shop.warehouse)) == 0:
        return "(nothing: DuckDB leaves a log aside that it does not know for its own)"
    assert shop.dbt("build") != 0
    said = shop.sentence("is damaged")
    log.unlink()
    return said


FAULTS: dict[str, tuple[Callable[[Shop], str], str]] = {
    "kill -9 in staging": (killed_in_staging, "build"),
    "kill -9 in a Python model": (killed_in_a_python_model, "build"),
    "kill -9 in `segmentation publish`": (killed_in_publish, "publish"),
    "disk full in a build": (disk_full, "build"),
    "disk full in `segmentation publish`": (disk_full_in_publish, "publish"),
    "input file cut short while it is read": (file_truncated, "build"),
    "input file replaced during a build": (file_replaced, "build"),
    "a second build at the same time": (two_builds, "publish"),
    "warehouse open in a BI tool": (held_by_a_reader, "publish"),
    "stored models damaged": (stored_models_damaged, "build"),
    "warehouse file damaged, and no copy of it": (warehouse_lost, "build"),
    "warehouse file damaged, a copy put back": (warehouse_replaced, "build"),
    "write-ahead log damaged in its first bytes": (partial(log_damaged, share=0), "build"),
    "write-ahead log damaged in the middle": (partial(log_damaged, share=0.5), "build"),
    "write-ahead log damaged at its end": (partial(log_damaged, share=1), "build"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=400)
    parser.add_argument(
        "--only", nargs="*", default=[], help="Faults whose name holds one of these."
    )
    parser.add_argument("--out", type=Path, help="Page to write the table into, as docs/FAULTS.md.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="segmentation-faults-") as base:
        shop = Shop(Path(base), options.customers)
        shop.run(
            *("segmentation", "datasets", "generate", "--customers", str(options.customers)),
            *("--seed", "1", "--out", str(shop.raw)),
        )
        began = time.perf_counter()
        assert shop.dbt("build") == 0, shop.said[-5:]
        whole = time.perf_counter() - began
        assert shop.publish() == 0, shop.said
        kept, results = shop.folder / "kept.duckdb", shop.folder / "target" / "run_results.json"
        shutil.copyfile(shop.warehouse, kept)
        passed = results.read_bytes()
        rows, failed = [], 0
        for name, (fault, mend) in FAULTS.items():
            if options.only and not any(word in name for word in options.only):
                continue
            Path(f"{shop.warehouse}.wal").unlink(missing_ok=True)
            shutil.copyfile(kept, shop.warehouse)
            results.write_bytes(passed)
            before = state_of(shop.published)
            said = fault(shop)
            after = state_of(shop.published)
            kept_whole = all(after.get(file) == content for file, content in before.items())
            began = time.perf_counter()
            code = shop.publish() if mend == "publish" else shop.dbt(mend)
            seconds = time.perf_counter() - began
            differs = differing(kept, shop.warehouse)
            published = shop.publish() == 0
            lost = "nothing" if kept_whole and not differs else f"{differs or 'published'}"
            failed += code != 0 or lost != "nothing" or not published
            rows.append((name, lost if published else "publish", said, f"`{mend}`", seconds))
            print(f"{name}: lost {lost}; {mend} {seconds:.1f} s, exit code {code}", flush=True)
            print(f"    {said}", flush=True)
            if options.out:
                _write(options.out, _table(rows, shop, whole, options.customers))
    sys.exit(1 if failed else 0)


def _write(page: Path, table: str) -> None:
    """The table between its two marks on a page."""
    text = page.read_text(encoding="utf-8")
    start, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    page.write_text(f"{text[:start]}\n{table}\n{text[end:]}", encoding="utf-8")


def _table(rows: list[tuple], shop: Shop, whole: float, customers: int) -> str:
    """The faults as Markdown, with the machine."""
    lines = ["| fault | lost | what was said | then | seconds |", "|---|---|---|---|---|"]
    for name, lost, said, mend, seconds in rows:
        told = said.replace(str(shop.folder) + "/", "").replace("|", "/") or "(the command is gone)"
        lines.append(f"| {name} | {lost} | {told} | {mend} | {seconds:.0f} |")
    load = os.getloadavg()[1]
    lines += [
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()}, Python {platform.python_version()}, "
        f"DuckDB {duckdb.__version__}, {os.cpu_count()} processors, load {load:.1f}; demo of "
        f"{customers} customers, reduced settings, without data tests: an undisturbed first build "
        f"takes {whole:.0f} s.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

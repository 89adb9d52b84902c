"""Very many customers put through the segments of all views, and the error of fitting on a sample.

Segments are chosen and nested on the feature rows at hand (the demo, generated and built where no
``--features`` are given). Those rows are repeated under new keys up to ``--customers`` in a DuckDB
file; another process, whose memory is measured, assigns them all in batches into a table, as the
build does. Exits with 1 if that takes more than a minute or 4 GB, or if the sample costs more than
0.1 % of inertia.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
from segments_truth import ROOT, error_of_sample, features_of, scored, views_of

from python_ext import clustering, frames

MAIN, THREADS = "all", 2
MOST_SECONDS, MOST_GIGABYTES, MOST_ERROR = 60, 4.0, 0.001


def fit_models(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that ``ml_segment_models`` would hold."""
    views = list(views_of(frame).values())
    return clustering.run_segmentation(frame, views, None, as_of=date(2026, 7, 1))


def prepare(frame: pd.DataFrame, customers: int, base: Path) -> None:
    """A warehouse with the feature rows repeated under new keys, and the fitted models."""
    models = fit_models(frame)
    with duckdb.connect(str(base), config={"threads": THREADS}) as connection:
        connection.register("fitted", models)
        connection.register("features", frame)
        connection.execute("create table models as from fitted")
        columns = ", ".join(f'"{name}"' for name in frame.columns if name != "customer_key")
        rounds = -(-customers // len(frame))
        connection.execute(
            f"create table customers as select customer_key || '-' || round as customer_key, "
            f"{columns} from range({rounds}) as rounds(round), features limit {customers}"
        )


def assign(base: Path) -> dict[str, float]:
    """All customers through all views into a table; seconds and peak memory of this process."""
    started = time.perf_counter()
    with duckdb.connect(str(base), config={"threads": THREADS}) as connection:
        connection.execute("set memory_limit = '2GB'")
        segmentation = clustering.Segmentation.load(frames.to_pandas(connection.table("models")))
        reader = frames.map_batches(
            connection,
            connection.table("customers"),
            segmentation.assign,
            clustering.CLUSTERS_SCHEMA,
            order_by="customer_key",
        )
        # Rows are read and written over one file: a second cursor, as a query is still open.
        writing = connection.cursor()
        writing.register("assigned", reader)
        writing.execute("create table clusters as from assigned")
        seconds = time.perf_counter() - started
        rows, customers = connection.sql(
            "select count(*), count(distinct customer_key) from clusters"
        ).fetchone()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    views = len(segmentation.models)
    return {
        "customers": customers,
        "views": views,
        "rows": rows,
        "seconds": round(seconds, 1),
        "peak_gigabytes": round(peak, 2),
    }


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--features", type=Path, help="feature table already built")
    parser.add_argument("--demo-customers", type=int, default=20_000)
    parser.add_argument("--folder", type=Path, default=ROOT / "target" / "benchmarks")
    parser.add_argument("--assign", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.assign:
        print(json.dumps(assign(options.assign)))
        return 0
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.features:
        frame = scored(pd.read_parquet(options.features))
    else:
        frame = features_of(1, options.demo_customers, options.folder)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        base = Path(folder) / "scale.duckdb"
        prepare(frame, options.customers, base)
        # A process of its own, so that its peak is that of the assignment alone.
        done = subprocess.run(
            [sys.executable, __file__, "--assign", str(base)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    figures = json.loads(done.stdout)
    print("assignment:", json.dumps(figures), flush=True)
    error = error_of_sample(frame, views_of(frame)[MAIN])
    print(f"fit on 2,000 of {len(frame)}, against all with 50 starts:", json.dumps(error))
    holds = (
        figures["customers"] == options.customers
        and figures["seconds"] < MOST_SECONDS
        and figures["peak_gigabytes"] < MOST_GIGABYTES
        and error["refined_over_full"] <= MOST_ERROR
    )
    print("holds" if holds else "DOES NOT HOLD")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())

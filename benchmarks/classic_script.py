"""The classic script and this project on the same customers, both timed from start to end.

50,000 customers with five features (``_rfm_like.py``). Each program is a process of its own, reads
the same file, and is timed whole, imports included; the classic one runs first. Exits with 1 if
the numbers of segments differ, the inertia is more than 0.1 % higher, or the ratio is below 50.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _rfm_like import FEATURES, KINDS, generate

HERE = Path(__file__).resolve().parent
LEAST_RATIO, MOST_INERTIA = 50, 1.001


def timed(script: str, data: Path) -> tuple[dict, float]:
    """What a program printed, and its seconds."""
    path = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    started = time.perf_counter()
    run = subprocess.run(
        [sys.executable, str(HERE / script), str(data)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    return json.loads(run.stdout), time.perf_counter() - started


def main() -> int:
    """Run both, print the table, say whether the claims hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=3, help="runs of ours; the median counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "customers.parquet"
        frame, _ = generate(options.customers)
        keys = [f"c{number:06d}" for number in range(len(frame))]
        frame.assign(customer_key=keys).to_parquet(data)
        classic, classic_seconds = timed("_classic.py", data)
        runs = sorted((timed("_ours.py", data) for _ in range(options.repeats)), key=lambda r: r[1])
    ours, seconds = runs[len(runs) // 2]
    ratio, inertia = classic_seconds / seconds, ours["inertia"] / classic["inertia"]
    print(f"{options.customers:,} customers, {len(FEATURES)} features, {len(KINDS)} kinds planted")
    print(f"{'':14}{'segments':>10}{'inertia':>14}{'seconds':>10}")
    print(f"{'classic':14}{classic['k']:>10}{classic['inertia']:>14.1f}{classic_seconds:>10.1f}")
    print(f"{'ours':14}{ours['k']:>10}{ours['inertia']:>14.1f}{seconds:>10.2f}")
    print(f"{ratio:.0f} times faster, inertia {inertia - 1:+.4%}")
    holds = ours["k"] == classic["k"] and inertia <= MOST_INERTIA and ratio >= LEAST_RATIO
    print("holds" if holds else "DOES NOT HOLD")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())

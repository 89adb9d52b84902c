"""What a benchmark measures of another program: seconds, processor seconds, peak memory."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("staging", "intermediate", "ml", "marts")


@dataclass
class Run:
    """One run of a program: ``seconds`` of wall, of processor, and peak memory of its tree."""

    seconds: float
    processor_seconds: float
    peak_gigabytes: float
    output: str

    def to_dict(self) -> dict:
        """Without what the program printed."""
        return {name: value for name, value in asdict(self).items() if name != "output"}


def _resident(pid: int) -> int:
    """Bytes of memory that a process and its descendants hold."""
    total, waiting = 0, [pid]
    while waiting:
        one = waiting.pop()
        try:
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1])
            # Each thread has the children that it started.
            for children in Path(f"/proc/{one}/task").glob("*/children"):
                waiting += map(int, children.read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total * resource.getpagesize()


def run(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, check: bool = True
) -> Run:
    """Run a program to its end.

    Parameters
    ----------
    command
        Program and arguments; started in the project's folder.
    environment
        Variables beside those of this process.
    check
        Whether a failure raises.

    Raises
    ------
    RuntimeError
        If the program fails, with the end of what it printed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    process = subprocess.Popen(
        list(command),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    peak = [0]

    def watch() -> None:
        while process.poll() is None:
            peak[0] = max(peak[0], _resident(process.pid))
            time.sleep(0.5)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    output = process.communicate()[0]
    seconds = time.perf_counter() - started
    watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if check and process.returncode:
        told = "\n".join(output.splitlines()[-25:])
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {process.returncode}\n{told}")
    spent = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return Run(seconds, spent, peak[0] / 1e9, output)


def machine() -> str:
    """Processors, memory, Python and DuckDB of this machine, in one line."""
    import duckdb

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{len(os.sched_getaffinity(0))} cores ({platform.machine()}), {memory:.0f} GiB, "
        f"Python {platform.python_version()}, DuckDB {duckdb.__version__}"
    )


def loop_seconds() -> float:
    """How long ten million additions in Python take: machines of one description differ by far."""
    started, total = time.perf_counter(), 0
    for number in range(10_000_000):
        total += number
    return round(time.perf_counter() - started, 2)


def state_of_code() -> str:
    """The commit that is measured, with a plus where files differ from it; empty without git."""
    try:
        commit = run(["git", "rev-parse", "--short", "HEAD"]).output.strip()
        changed = run(["git", "status", "--porcelain", "--untracked-files=no"]).output.strip()
    except (OSError, RuntimeError):
        return ""
    return commit + ("+" if changed else "")


def program(name: str) -> str:
    """A program of this environment (dbt, segmentation)."""
    return str(Path(sys.executable).parent / name)


def results_of(target: Path) -> list[dict]:
    """Each node that dbt ran: id, layer, start and end in seconds, status."""
    manifest = json.loads((target / "manifest.json").read_text())
    nodes = {**manifest["nodes"], **manifest.get("unit_tests", {})}
    found = []
    for result in json.loads((target / "run_results.json").read_text())["results"]:
        node = nodes.get(result["unique_id"])
        timing = {part["name"]: part for part in result["timing"]}
        # Hooks and exposures run nothing of their own.
        if node is None or "execute" not in timing or node["resource_type"] == "operation":
            continue
        kind = node["resource_type"]
        layer = node["fqn"][1] if kind == "model" else kind + "s"
        start, end = (_seconds(timing["execute"][key]) for key in ("started_at", "completed_at"))
        found.append(
            {
                "id": result["unique_id"],
                "name": node["name"],
                "layer": layer,
                "language": node.get("language", "sql"),
                "relation": node.get("relation_name"),
                "start": start,
                "end": end,
                "status": result["status"],
            }
        )
    return found


def _seconds(moment: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()


def covered(intervals: Sequence[tuple[float, float]]) -> float:
    """Seconds in which at least one of the intervals was open."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(intervals):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total

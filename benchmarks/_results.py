"""The page of what was measured, and its plot."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable
from pathlib import Path

from _measured import LAYERS

HERE = Path(__file__).resolve().parent
# What a build should take on two cores, and what it is measured against below.
AIMS = {
    "full build": (600, "s"),
    "its peak memory": (8, "GB"),
    "growth exponent of the last step": (1.1, ""),
    "daily run after one more day, share of a full build": (0.10, ""),
    "dbt over the same SQL run directly": (1.3, ""),
}
AIMED_AT = 1_000_000
SMALL_AIM = 45


def write_results(found: dict, page: Path, python: str | None) -> None:
    """Write RESULTS.md from what was measured, and its plot where matplotlib is at hand."""
    numbers = sorted((size for size in found if size.isdigit()), key=int)
    sizes = [found[size] for size in numbers if "full" in found[size]]
    picture = page.with_name("results.png")
    drawn = python is not None and len(sizes) > 1 and draw(sizes, picture, python)
    parts = [
        "# Results",
        "Written by `benchmarks/at_scale.py` (`make bench`). One program ran after the other. "
        "The data is the generated demo, delivered as a folder of arrivals; a full build has every "
        "data test and no unit test. The build of 5,000 reads plain files and has the unit tests "
        "too. A daily or hourly run is `dbt build` alone, without publishing.",
        circumstances([*([found["small"]] if "small" in found else []), *sizes]),
        f"![Wall time of a build by customers]({picture.name})" if drawn else "",
        "## Aims",
        aims(sizes, found.get("small")),
        "Why an aim is missed, and what was tried, is told in [SCALING.md](../docs/SCALING.md).",
        "## Full build",
        full_build(sizes),
        "## Where the time goes",
        slowest(sizes[-1]),
    ]
    for heading, told in (
        ("## One more day", refresh(sizes)),
        ("## dbt's own share", direct(sizes)),
        ("## Beside other programs", beside(sizes, found)),
    ):
        parts += [heading, told or "Not measured."]
    page.write_text("\n\n".join(part for part in parts if part) + "\n")


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown, the first column to the left."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def circumstances(sizes: list[dict]) -> str:
    """When, where and how each size was measured."""
    head = ["customers", "measured on", "machine", "10 million additions in Python, s"]
    head += ["settings", "state of the code"]
    names = ("date", "machine", "loop_seconds", "settings", "state")
    rows = [
        [f"{size['customers']:,}", *(str(size.get(name, "–")) for name in names)] for size in sizes
    ]
    told = []
    for size in sizes:
        later = [
            f"{stage} measured on {of['date']} at {of['state']}"
            for stage, of in size.get("measured", {}).items()
            if (of["date"], of["state"]) != (size.get("date"), size.get("state"))
        ]
        remarks = "; ".join([size["remark"]] * bool(size.get("remark")) + later)
        told += [f"- {size['customers']:,}: {remarks}."] * bool(remarks)
    return "\n\n".join([table(head, rows), *(["\n".join(told)] if told else [])])


def growth(sizes: list[dict]) -> float | None:
    """The exponent with which time grows between the two largest sizes, on one machine."""
    if len(sizes) < 2:
        return None
    small, large = sizes[-2:]
    if any(small.get(name) != large.get(name) for name in ("machine", "settings")):
        return None
    return math.log(large["full"]["seconds"] / small["full"]["seconds"]) / math.log(
        large["customers"] / small["customers"]
    )


def aims(sizes: list[dict], small: dict | None) -> str:
    """Each aim, what was measured, and whether it holds; an aim of another size is not judged."""
    told = [
        _largest(sizes, lambda size: size["full"]["seconds"]),
        _largest(sizes, lambda size: size["full"]["peak_gigabytes"]),
        (sizes[-1]["customers"], growth(sizes)),
        _largest(sizes, lambda size: _share_of_full(size, "daily")),
        _largest(sizes, lambda size: size["sql_by_dbt"] / size["sql_direct"]),
    ]
    rows = []
    for (name, (aim, unit)), (customers, value) in zip(AIMS.items(), told, strict=True):
        verdict = "not measured"
        if value is not None:
            verdict = "met" if value <= aim else "not met"
            if customers != AIMED_AT:
                verdict = f"not measured at {AIMED_AT:,}"
        measured = "" if value is None else f"{value:,.2f} {unit}".strip()
        at = "" if value is None else f"{customers:,}"
        rows.append([name, f"at most {aim} {unit}".strip(), measured, at, verdict])
    if small is not None:
        within = "met" if small["seconds"] <= SMALL_AIM else "not met"
        name = f"build of {small['customers']:,} with all tests"
        measured = f"{small['seconds']:,.2f} s"
        rows.append([name, f"at most {SMALL_AIM} s", measured, f"{small['customers']:,}", within])
    return table([f"aim for {AIMED_AT:,} customers", "limit", "measured", "customers", ""], rows)


def _share_of_full(size: dict, run: str) -> float:
    """Time of a smaller run over that of the full build before it.

    ``of_seconds`` is that build's, where the full build has been measured anew since.
    """
    return size[run]["seconds"] / size[run].get("of_seconds", size["full"]["seconds"])


def _largest(sizes: list[dict], of: Callable[[dict], float]) -> tuple[int, float | None]:
    """The figure of the largest size that has it, and that size."""
    for size in reversed(sizes):
        try:
            return size["customers"], of(size)
        except KeyError:
            continue
    return sizes[-1]["customers"], None


def full_build(sizes: list[dict]) -> str:
    """Time, memory and rows a second of each size, by layer."""
    head = ["", *(f"{size['customers']:,}" for size in sizes)]
    rows = [
        ["orders", *(f"{size['shop/orders']:,}" for size in sizes)],
        ["order lines", *(f"{size['shop/order_lines']:,}" for size in sizes)],
        ["web events", *(f"{size['web/events']:,}" for size in sizes)],
        ["**full build, s**", *(f"**{size['full']['seconds']:,.0f}**" for size in sizes)],
    ]
    for layer in (*LAYERS, "tests"):
        seconds = [f"{size['layers'][layer]['seconds']:,.1f}" for size in sizes]
        rows.append([f"{layer}, s in which it ran", *seconds])
    rows.append(["nothing ran (start, parsing, hooks), s", *(_idle(size) for size in sizes)])
    for layer in LAYERS[:-1]:
        rate = [
            f"{size['layers'][layer]['rows'] / size['layers'][layer]['seconds']:,.0f}"
            for size in sizes
        ]
        rows.append([f"{layer}, rows written a second", *rate])
    rows += [
        ["processor, s", *(f"{size['full']['processor_seconds']:,.0f}" for size in sizes)],
        ["peak memory, GB", *(_gigabytes(size["full"]) for size in sizes)],
        ["warehouse, GB", *(f"{size['warehouse_gigabytes']:.2f}" for size in sizes)],
    ]
    exponent = growth(sizes)
    if exponent is None:
        return table(head, rows)
    told = f"\n\nGrowth exponent of the last step: {exponent:.2f}."
    if any(sizes[-2].get(name) != sizes[-1].get(name) for name in ("state", "date")):
        told += " The two sizes are not of one run: see the states and the speeds above."
    return table(head, rows) + told


def _idle(size: dict) -> str:
    """Seconds of a full build in which no node ran; a dash where they were not looked at."""
    return f"{size['idle']:,.1f}" if "idle" in size else "–"


def _gigabytes(run: dict) -> str:
    """Peak memory of a run and all its processes; a dash where these were not all looked at."""
    return f"{run['peak_gigabytes']:.1f}" if run["peak_gigabytes"] is not None else "–"


def slowest(size: dict) -> str:
    """The slowest models of the largest size."""
    models = [one for layer in (*LAYERS, "tests") for one in size["layers"][layer]["slowest"]]
    ranked = sorted(models, key=lambda one: -one[1])[:20]
    rows = [
        [name, f"{seconds:,.1f}", f"{seconds / size['full']['seconds']:.0%}"]
        for name, seconds in ranked
    ]
    told = f"{size['customers']:,} customers; several models run at a time, so shares overlap.\n\n"
    return told + table(["model or test", "s", "of the build"], rows)


def refresh(sizes: list[dict]) -> str:
    """The daily and the hourly run after one more day each."""
    rows = []
    for size in sizes:
        for run in ("daily", "hourly"):
            if run in size:
                seconds = size[run]["seconds"]
                share = f"{_share_of_full(size, run):.0%}"
                memory = _gigabytes(size[run])
                rows.append([f"{size['customers']:,}, {run}", f"{seconds:,.0f}", share, memory])
    return table(["customers, run", "s", "of a full build", "peak GB"], rows) if rows else ""


def direct(sizes: list[dict]) -> str:
    """The SQL models by dbt and without it."""
    rows = [
        [
            f"{size['customers']:,}",
            f"{size['sql_by_dbt']:,.0f}",
            f"{size['sql_direct']:,.0f}",
            f"{size['sql_by_dbt'] / size['sql_direct']:.2f}",
        ]
        for size in sizes
        if "sql_direct" in size
    ]
    told = (
        "All SQL models once more in the built warehouse, one at a time: by dbt (start, parsing "
        "and hooks included), and their compiled SQL alone.\n\n"
    )
    return told + table(["customers", "dbt, s", "SQL alone, s", "ratio"], rows) if rows else ""


def beside(sizes: list[dict], found: dict) -> str:
    """Other programs, each as a ratio to the models that do the same here."""
    rows, told = [], []
    for size in sizes:
        for name, label in (
            ("pandas", "pandas script: RFM, purchase, web and mail features"),
            ("openretailscience", "openretailscience: RFM"),
        ):
            if name in size:
                theirs, ours = size[name]["seconds"], size[name]["ours"]
                rows.append(
                    [
                        f"{label}, {size['customers']:,} customers",
                        f"{theirs:,.1f}",
                        f"{ours:,.1f}",
                        f"{theirs / ours:.1f}",
                    ]
                )
        if "pandas" in size:
            told.append(f"{size['customers']:,} customers, pandas: {size['pandas']['equal']}.")
    parts = [
        "Scripts from reading to writing, without the start of Python and imports, against the "
        "seconds of the models that make the same (`benchmarks/_beside.py` names them; they make "
        "more columns, and other models run beside them).",
        table(["program", "its s", "ours, s", "ratio"], rows),
        "\n".join(f"- {one}" for one in told),
    ]
    if not rows and not {"classic", "lifetimes"} & set(found):
        return ""
    if "classic" in found:
        lines = found["classic"]["output"].splitlines()
        parts += ["The classic k-means script:", "```\n" + "\n".join(lines) + "\n```"]
    if "lifetimes" in found:
        parts.append(f"Ours beside lifetimes: {found['lifetimes']['output']}")
    return "\n\n".join(parts)


def draw(sizes: list[dict], picture: Path, python: str) -> bool:
    """The plot, by a Python that has matplotlib; whether it was drawn."""
    points = {
        "full build": [[size["customers"], size["full"]["seconds"]] for size in sizes],
        **{
            f"{run} run": [
                [size["customers"], size[run]["seconds"]] for size in sizes if run in size
            ]
            for run in ("daily", "hourly")
        },
        "pandas script": [
            [size["customers"], size["pandas"]["seconds"]] for size in sizes if "pandas" in size
        ],
    }
    command = [python, str(HERE / "_plot.py"), json.dumps(points), str(picture)]
    return subprocess.run(command, check=False).returncode == 0

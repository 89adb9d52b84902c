"""What each score is worth out of time, beside both baselines and the random split."""

from __future__ import annotations

import duckdb

from python_ext.errors import SegmentationError

OUT_OF_TIME, RANDOM_SPLIT = "out_of_time", "random_split"
RECENCY, PREVALENCE = "recency_alone", "prevalence"
HEADINGS = (
    "target",
    "customers",
    "true",
    "champion",
    "AUC out of time",
    "AUC of recency alone",
    "AUC random split",
    "log loss out of time",
    "less than recency alone",
    "less than prevalence",
)
Figure = tuple[float | None, float | None, float | None]


def figures_table(connection: duckdb.DuckDBPyConnection) -> str:
    """A Markdown table with one row per target, intervals of 95 % in brackets.

    Customers are those of the test cutoff whom the target asks about. ``less than`` is the log loss
    of the baseline less that of the champion on the same customers; what is over 0 with its whole
    interval is more than chance.

    Parameters
    ----------
    connection
        An open warehouse or published file, with the marts of the scores.

    Raises
    ------
    SegmentationError
        It has no such marts.
    """
    try:
        rows = connection.execute(
            """
            select target, algorithm, is_champion, split, metric, value, ci_low, ci_high
            from marts.model_metrics
            """
        ).fetchall()
    except duckdb.Error as error:
        raise SegmentationError(
            "There is no table marts.model_metrics of this version: build first."
        ) from error
    figures: dict[tuple[str, str, str, str], Figure] = {}
    champions: dict[str, str] = {}
    for target, algorithm, is_champion, split, metric, *figure in rows:
        if is_champion:
            champions[target] = algorithm
            figures[target, "champion", split, metric] = tuple(figure)
        # A champion may be a baseline itself, and is then looked up as both.
        if algorithm in (RECENCY, PREVALENCE):
            figures[target, algorithm, split, metric] = tuple(figure)
    lines = ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    for target in sorted(champions, key=lambda name: _order(figures, name)):
        cells = _cells(figures, target, champions[target])
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _order(figures: dict[tuple[str, str, str, str], Figure], target: str) -> tuple[float, str]:
    """Whoever is asked about most comes first."""
    return -(figures.get((target, "champion", OUT_OF_TIME, "rows"), (0,))[0] or 0), target


def _cells(
    figures: dict[tuple[str, str, str, str], Figure], target: str, champion: str
) -> list[str]:
    def figure(of: str, metric: str, split: str = OUT_OF_TIME) -> Figure:
        return figures.get((target, of, split, metric), (None, None, None))

    rows, share = figure("champion", "rows")[0], figure("champion", "prevalence")[0]
    return [
        target,
        "-" if rows is None else f"{rows:,.0f}",
        "-" if share is None else f"{100 * share:.1f} %",
        champion,
        _in_words(figure("champion", "auc")),
        _in_words(figure(RECENCY, "auc")),
        _in_words(figure("champion", "auc", RANDOM_SPLIT)),
        _in_words(figure("champion", "log_loss")),
        _in_words(figure("champion", f"gain_over_{RECENCY}"), signed=True),
        _in_words(figure("champion", f"gain_over_{PREVALENCE}"), signed=True),
    ]


def _in_words(figure: Figure, *, signed: bool = False) -> str:
    value, low, high = figure
    sign = "+" if signed else ""
    if value is None:
        return "-"
    if low is None or high is None:
        return f"{value:{sign}.3f}"
    return f"{value:{sign}.3f} ({low:{sign}.3f} to {high:{sign}.3f})"

"""The published segments on one screen, and how near they come to a known truth."""

from pathlib import Path
from typing import Any

import duckdb
from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from python_ext.errors import SegmentationError
from python_ext.model_cards import Cards
from python_ext.report import withheld
from python_ext.summary_of_models import fill_scores, model_warnings, read_models, value_line

BAR_WIDTH = 30
MOST_MOVES = 5
RFM = "rfm"  # what stands in where no stable segmentation was found


def summary(
    published: Path,
    *,
    console: Console,
    truth: Path | None = None,
    database: Path | None = None,
) -> None:
    """Print what was published: segments, RFM, audiences, data quality, models, warnings.

    Figures of a group smaller than the floor of the build (``k_anonymity``) are not shown.

    Parameters
    ----------
    published : Path
        ``publish/segments.duckdb``; opened read-only.
    console : rich.console.Console
        Where to print.
    truth : Path, optional
        Folder ``_truth`` of a generated dataset; adds the comparison with it.
    database : Path, optional
        Warehouse of the build, needed for ``truth``; opened read-only.

    Raises
    ------
    SegmentationError
        A file is missing or is not what it should be.
    """
    if not published.is_file():
        raise SegmentationError(
            f"There is no {published}: nothing has been published yet. Run `make build`."
        )
    try:
        with duckdb.connect(str(published), read_only=True) as connection:
            floor = _headline(connection, console)
            console.print(_segments(connection, floor))
            console.print(Text(_how_segments_came_about(connection)))
            console.print()
            console.print(_rfm(connection, floor))
            console.print(_audiences(connection, floor))
            console.print(_quality(connection))
            models = read_models(connection)
            console.print(_models(models))
            if value := value_line(models):
                console.print(value)
                console.print()
            for warning in [*warnings(connection), *model_warnings(models)]:
                console.print(Text(f"! {warning}", style="yellow"))
    except duckdb.Error as error:
        raise SegmentationError(f"{published} cannot be read: {error}") from error
    if truth is not None:
        if database is None:
            raise SegmentationError("The comparison with the truth needs the warehouse.")
        _truth(published, database, truth, console)
    _where_next(published, console)


def warnings(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """What a reader of the segments should have in mind, one sentence each.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        An open published file.
    """
    found = []
    off = [
        row[0]
        for row in connection.execute(
            "select source_name || '.' || table_name from marts.load_reconciliation "
            "where not is_switched_on order by 1"
        ).fetchall()
    ]
    if off:
        found.append(f"Switched off, so absent from every score and segment: {', '.join(off)}.")
    (objectors,) = connection.execute(
        "select count(*) from marts.customers where not may_be_profiled"
    ).fetchone()
    floor, hidden = _floor(connection), _hidden_segments(connection)
    if objectors:
        counted = f"{objectors:,}" if -1 not in hidden else "some"
        counted = f"under {floor}" if objectors < floor else counted
        found.append(
            f"Not profiled, for want of consent: {counted} customers. No score or segment is "
            "theirs, and no model has learned from them."
        )
    moved = connection.execute(
        "select source_name || '.' || table_name || '.' || column_name || ' ' || finding "
        "from marts.quality_audit where verdict in ('out_of_range', 'major', 'moderate') "
        "order by verdict = 'moderate', 1, measure"
    ).fetchall()
    found += [f"Since the last load, {text}." for (text,) in moved[:MOST_MOVES]]
    if rest := moved[MOST_MOVES:]:
        found.append(f"{len(rest)} more measures moved: see marts.quality_audit.")
    for letter, name in (("r", "Recency"), ("f", "Frequency"), ("m", "Monetary")):
        used = [
            row[0]
            for row in connection.execute(
                f"select distinct {letter}_score from marts.customer_rfm "
                f"where {letter}_score is not null order by 1"
            ).fetchall()
        ]
        if used and len(used) < 5:
            missing = ", ".join(str(score) for score in range(1, 6) if score not in used)
            found.append(
                f"{name} has so many equal values that nobody scores {missing}: "
                "equal customers get equal scores."
            )
    return found


def _headline(connection: duckdb.DuckDBPyConnection, console: Console) -> int:
    """Print what the data are; return how many customers a group must have to be shown."""
    dataset, title, is_synthetic, currency, as_of_date, floor = connection.execute(
        "select dataset, dataset_title, is_synthetic, base_currency, as_of_date, k_anonymity "
        "from marts.about"
    ).fetchone()
    customers, buyers, revenue = connection.execute(
        "select count(*), count(*) filter (frequency > 0), sum(monetary) from marts.customer_rfm"
    ).fetchone()
    # Less who has a segment it would tell how many of the others never bought.
    is_told = not any(segment_id <= 0 for segment_id in _hidden_segments(connection))
    bought = f" {buyers:,} with a purchase," if is_told else ""
    text = Text(title or dataset or "Customer segments", style="bold")
    if is_synthetic:
        text.append("\nSYNTHETIC DATA: no real person is in here.", style="bold yellow")
    text.append(
        f"\nAs of {as_of_date or 'an unknown day'}: {customers:,} customers,{bought} "
        f"net revenue {revenue or 0:,.0f} {currency or ''}".rstrip(),
        style="default",
    )
    console.print(Panel(text, box=box.ROUNDED, expand=False))
    return floor or 1


def _floor(connection: duckdb.DuckDBPyConnection) -> int:
    return connection.execute("select coalesce(k_anonymity, 1) from marts.about").fetchone()[0]


def _hidden_segments(connection: duckdb.DuckDBPyConnection) -> set[int]:
    """Ids whose size is not told: segments among themselves, for their sum is known, and all."""
    sizes = connection.execute(
        "select segment_id, count(*) from marts.customer_segments group by all order by 1"
    ).fetchall()
    floor, hidden = _floor(connection), set()
    for part in ([row for row in sizes if row[0] > 0], sizes):
        hiding = withheld([customers for _, customers in part], floor)
        hidden |= {row[0] for row, is_hidden in zip(part, hiding, strict=True) if is_hidden}
    return hidden


def _segments(connection: duckdb.DuckDBPyConnection, floor: int) -> Table:
    table = _table(
        "Segments (propensity: median; engagement: mean, 0 to 100)",
        ("Segment", "Customers", "Share", "Revenue share", "Purchase propensity", "Engagement"),
    )
    rows = connection.execute(
        """
        select
            segments.segment,
            count(*),
            count(*) / sum(count(*)) over (),
            sum(rfm.monetary) / nullif(sum(sum(rfm.monetary)) over (), 0),
            median(scores.probability),
            avg(engagement.engagement_score),
            segments.segment_id
        from marts.customer_segments as segments
        left join marts.customer_rfm as rfm using (customer_key)
        left join marts.customer_engagement as engagement using (customer_key)
        left join marts.customer_scores as scores
            on segments.customer_key = scores.customer_key and scores.target = 'purchase'
        group by segments.segment_id, segments.segment
        order by segments.segment_id <= 0, 4 desc nulls last, segments.segment_id
        """
    ).fetchall()
    hidden = _hidden_segments(connection)
    for segment, customers, share, revenue, probability, engagement, segment_id in rows:
        if segment_id in hidden:
            table.add_row(segment, _too_few(customers, floor), *["-"] * 4)
            continue
        table.add_row(
            segment,
            f"{customers:,}",
            _percent(share),
            _percent(revenue),
            _percent(probability),
            _number(engagement, 1),
        )
    return table


def _how_segments_came_about(connection: duckdb.DuckDBPyConnection) -> str:
    """What was decided at the last run: the main view in a sentence, the others in one more."""
    rows = connection.execute(
        """
        select quality.segment_view, quality.algorithm, quality.k, quality.decision,
            quality.decision_reason, quality.stability_min, coalesce(main.is_main_view, false)
        from marts.segment_quality as quality
        left join (
            select segment_view, bool_or(is_main_view) as is_main_view
            from marts.segments group by segment_view
        ) as main using (segment_view)
        where quality.is_chosen
        qualify row_number() over (
            partition by quality.segment_view order by quality.as_of_date desc
        ) = 1
        order by 1
        """
    ).fetchall()
    main = [row for row in rows if row[-1]]
    told = []
    for view, algorithm, k, decision, reason, stability, _ in main:
        if algorithm == RFM:
            told.append("No stable segmentation was found: the RFM segments stand in.")
            continue
        least = (
            "" if stability is None else f" The least stable recurs with Jaccard {stability:.2f}."
        )
        told.append(f"View {view}: {k} segments by {algorithm}, {decision} ({reason}).{least}")
    others = ", ".join(f"{view} {k}" for view, _, k, *_, is_main in rows if not is_main)
    return " ".join([*told, *([f"Segments of the other views: {others}."] if others else [])])


def _rfm(connection: duckdb.DuckDBPyConnection, floor: int) -> Table:
    table = _table("RFM segments", ("RFM segment", "Customers", "Share", ""))
    table.columns[-1].justify = "left"
    rows = connection.execute(
        "select rfm_segment, count(*), count(*) / sum(count(*)) over () "
        "from marts.customer_rfm group by rfm_segment order by 2 desc, 1"
    ).fetchall()
    largest = max((share for *_, share in rows), default=1)
    # Who is told among the segments as well is no cover for others here.
    beside = {"Prospect": 0, "Not profiled": -1}
    told = set(beside.values()) - _hidden_segments(connection)
    covers = [row for row in rows if beside.get(row[0]) not in told]
    buyers = [row for row in rows if row[0] not in beside]
    hidden = set()
    for part in (buyers, covers):
        hiding = withheld([customers for _, customers, _ in part], floor)
        hidden |= {row[0] for row, is_hidden in zip(part, hiding, strict=True) if is_hidden}
    for segment, customers, share in rows:
        if segment in hidden:
            table.add_row(segment, _too_few(customers, floor), "-", "")
            continue
        bar = "█" * max(1, round(BAR_WIDTH * share / largest))
        table.add_row(segment, f"{customers:,}", _percent(share), Text(bar, style="cyan"))
    return table


def _too_few(customers: int, floor: int) -> str:
    """A small group, or a larger one that keeps it from being found by subtraction."""
    return f"under {floor}" if customers < floor else "not told"


def _audiences(connection: duckdb.DuckDBPyConnection, floor: int) -> Table:
    table = _table("Audiences, consent applied", ("Audience", "For", "Members", "Without consent"))
    table.columns[1].justify = "left"
    for name, purpose, members, left_out in connection.execute(
        "select name_en, replace(purpose, '_', ' '), members, withheld_for_consent "
        "from marts.audiences order by members desc nulls last, name_en"
    ).fetchall():
        # An audience under the floor is not handed out, and its size not told.
        if members is None:
            table.add_row(name, purpose, "too few", "-")
        elif left_out is None:
            table.add_row(name, purpose, f"about {members:,}", f"under {floor}")
        else:
            table.add_row(name, purpose, f"{members:,}", f"{left_out:,}")
    return table


def _quality(connection: duckdb.DuckDBPyConnection) -> Table:
    rows_in, rows_aside = connection.execute(
        "select coalesce(sum(rows_in), 0), coalesce(sum(rows_set_aside), 0) "
        "from marts.load_reconciliation"
    ).fetchone()
    share = f" ({rows_aside / rows_in:.2%})" if rows_in else ""
    table = _table(
        f"Set aside: {rows_aside:,} of {rows_in:,} rows{share}",
        ("Source", "What is wrong", "Set aside", "Kept, flagged"),
    )
    table.columns[1].justify = "left"
    for source, reason, severity, rows in connection.execute(
        "select source_name || '.' || table_name, reason, severity, rows_affected "
        "from marts.quality_findings where rows_affected > 0 order by 1, 3, 4 desc, 2"
    ).fetchall():
        figures = (f"{rows:,}", "") if severity == "blocking" else ("", f"{rows:,}")
        table.add_row(source, reason, *figures)
    return table


def _models(cards: Cards) -> Table:
    columns = ("Score", "Champion", "AUC", "95 % interval", "Recency alone", "Lift", "This run")
    table = _table("Scores, judged on a later period than they learned from", columns)
    for column in (1, 6):
        table.columns[column].justify = "left"
    fill_scores(table, cards)
    if not table.row_count:
        table.add_row("none: no target is active", *[""] * 6)
    return table


def _truth(published: Path, database: Path, truth: Path, console: Console) -> None:
    # Only this part needs the learning libraries, which take seconds to load.
    from python_ext.truth import compare_with_truth

    report = compare_with_truth(published, database, truth)
    table = _table("Against the known truth", ("Measure", "Found", "At best", "Measured on"))
    table.columns[-1].justify = "left"
    for measure in report.measures:
        table.add_row(
            measure.question, _number(measure.found, 3), _number(measure.ceiling, 3), measure.basis
        )
    console.print(table)
    confusion = report.confusion
    heading = ("True type", *(str(segment) for segment in confusion.columns))
    grid = _table("Customers by true type (rows) and segment (columns)", heading)
    for name, counts in zip(confusion.index, confusion.to_numpy(), strict=True):
        grid.add_row(str(name), *(f"{count:,}" for count in counts))
    console.print(grid)


def _where_next(published: Path, console: Console) -> None:
    folder = published.parent
    table = Table.grid(padding=(0, 2))
    for place, what in (
        ("make docs", "writes target/static_index.html: every table, column and where it is from"),
        ("segmentation report", "writes the segments as one page for the browser, offline"),
        ("segmentation models cards", "writes a card per score: its uses, figures and limits"),
        (str(published), "all marts in one read-only DuckDB file, for BI tools and notebooks"),
        (f"{folder}/parquet/", "the same as Parquet"),
        ("docs/PRIVACY.md", "how to export an audience, report on a person, or forget one"),
    ):
        table.add_row(Text(place, style="bold"), what)
    console.print(Text("\nWhere to look next", style="bold"))
    console.print(table)


def _table(title: str, columns: tuple[str, ...]) -> Table:
    """A table whose first column is text and whose other columns are figures."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        min_width=len(title) + 1,
    )
    for position, column in enumerate(columns):
        table.add_column(column, justify="left" if position == 0 else "right")
    return table


def _percent(value: Any) -> str:
    return "-" if value is None else f"{value:.1%}"


def _number(value: Any, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"

"""A month in which the shop changes: is it noticed, are models trained anew, is history whole?

    python benchmarks/scores_over_time.py --customers 2000 --work data/scores_over_time

A warehouse is built as of the first of May. Then two copies of it are built as of the first of
June: one as the demo goes on, one with a changed May. A third build goes on a month further in the
changed shop. Prints what drifted, what the policy decided and why, which model was promoted or
refused and why, and whether anything that was remembered before has changed.

The changed month, made by editing the raw files of the demo from that day on:

- prices are 40 % higher;
- half of the purchases in a store are made on the web instead;
- every second e-mail that would have been opened is not;
- one in three visits comes from a new source, `podcast`;
- it brings new customers, two for every five people there were, with one order each, in that month.

A month later such a wave of new customers has moved on through recency and engagement, and models
are trained once more: that is drift as well.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from python_ext.settings import dataset_vars
from python_ext.synth import generate

PROJECT = Path(__file__).resolve().parents[1]
MODELS = ("+feature_drift", "+model_decay", "+model_metrics")
# The demo ends with June 2026.
BEFORE, CHANGED, NEXT = date(2026, 5, 1), date(2026, 6, 1), date(2026, 6, 2)
NEW_SOURCE = "podcast"
PLANTED = "POD"
MEMORIES = ("ml_propensity_models", "ml_feature_distributions")


def build(database: Path, raw_data: Path, day: date, **variables: object) -> float:
    """Build as of a day, with its data tests of drift; gives the seconds."""
    settings = {
        **dataset_vars(str(raw_data), project_dir=PROJECT).vars,
        "demo_secret_allowed": True,
        "as_of_date": day.isoformat(),
        **variables,
    }
    environment = {
        **os.environ,
        "SEGMENTATION_DATABASE": str(database),
        "SEGMENTATION_PRIVACY_DIR": str(database.parent / "privacy"),
        "DBT_TARGET_PATH": str(database.parent / "target"),
        "DBT_LOG_PATH": str(database.parent / "logs"),
    }
    command = [str(Path(sys.executable).parent / "dbt"), "--quiet", "build", "--select", *MODELS]
    command += ["--exclude-resource-type", "test", "unit_test", "--vars", json.dumps(settings)]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the build of {raw_data} as of {day} failed:\n{done.stdout[-3000:]}")
    for line in (done.stdout + done.stderr).splitlines():
        if "WARNING: " in line and "since the last load" not in line:
            print("  " + line[line.index("WARNING: ") :])
    return time.perf_counter() - started


def change_month(raw_data: Path, out: Path, *, since: date, until: date, seed: int = 1) -> int:
    """Copy a demo with everything changed from a day on; gives the number of new customers.

    Parameters
    ----------
    until
        New customers come before that day; the rest of the change stays.
    """
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(raw_data, out)
    day, half = f"timestamp '{since}'", "hash({}) % 2 = 0"
    edits = {
        "shop/order_lines": (
            "select lines.* replace (case when late.order_id is not null and lines.unit_price > 0 "
            "then round(lines.unit_price * 1.4, 2) else lines.unit_price end as unit_price) "
            "from '{file}' as lines left join (select distinct order_id from '{orders}' "
            f"where ordered_at >= {day}) as late on lines.order_id = late.order_id"
        ),
        "shop/orders": (
            f"select * replace (case when channel = 'store' and ordered_at >= {day} and "
            f"{half.format('order_id')} then 'web' else channel end as channel) from '{{file}}'"
        ),
        "email/events": (
            f"select * from '{{file}}' where not (event_name in ('open', 'click') and "
            f"event_at >= {day} and {half.format('campaign_id || customer_id')})"
        ),
        "web/events": (
            f"select * replace (case when event_at >= {day} and hash(visitor_id) % 3 = 0 "
            f"then '{NEW_SOURCE}' else utm_source end as utm_source) from '{{file}}'"
        ),
    }
    for table, query in edits.items():
        _rewrite(
            out / f"{table}.parquet",
            query.replace("{orders}", str(raw_data / "shop" / "orders.parquet")),
        )
    return _add_customers(out, since=since, until=until, seed=seed)


def _add_customers(out: Path, *, since: date, until: date, seed: int) -> int:
    rng = np.random.default_rng(seed)
    people = len(pd.read_parquet(out / "_truth" / "people.parquet"))
    lines = pd.read_parquet(out / "shop" / "order_lines.parquet")
    products = lines.loc[(lines["quantity"] > 0) & (lines["unit_price"] > 0)]
    usual = products.groupby("product_id")["unit_price"].median()
    count, days = people * 2 // 5, (until - since).days
    numbers = [f"{PLANTED}{number:05d}" for number in range(count)]
    moments = pd.Timestamp(since) + pd.to_timedelta(rng.integers(0, days * 24, count), unit="h")
    customers = pd.DataFrame(
        {
            "customer_id": numbers,
            "email": [f"listener{number}@listeners.example" for number in range(count)],
            "first_name": [f"Listener {number}" for number in range(count)],
            "last_name": [f"Podcast {number}" for number in range(count)],
            "acquisition_channel": NEW_SOURCE,
            "created_at": [f"{moment:%Y-%m-%d}" for moment in moments],
            "updated_at": [f"{moment:%Y-%m-%d}" for moment in moments],
        }
    )
    orders = pd.DataFrame(
        {
            "order_id": [f"{number}-1" for number in numbers],
            "customer_id": numbers,
            "ordered_at": moments,
            "status": "completed",
            "channel": "web",
            "currency": "EUR",
            "discount_amount": 0.0,
        }
    )
    chosen = rng.choice(usual.index, count)
    bought = pd.DataFrame(
        {
            "order_id": orders["order_id"],
            "line_number": 1,
            "product_id": chosen,
            "quantity": 1.0,
            "unit_price": usual[chosen].to_numpy(),
        }
    )
    for table, rows in (
        ("crm/customers", customers),
        ("shop/orders", orders),
        ("shop/order_lines", bought),
    ):
        file = out / f"{table}.parquet"
        _rewrite(file, "from '{file}' union all by name from added", added=rows)
    return count


def _rewrite(file: Path, query: str, **frames: pd.DataFrame) -> None:
    following = file.with_suffix(".next")
    with duckdb.connect() as connection:
        for name, frame in frames.items():
            connection.register(name, frame)
        query = query.replace("{file}", str(file))
        connection.execute(f"copy ({query}) to '{following}' (format parquet)")
    following.replace(file)


def ask(database: Path, query: str) -> pd.DataFrame:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.sql(query).df()


def show(title: str, rows: pd.DataFrame) -> None:
    print(f"\n{title}")
    print(rows.to_string(index=False, max_colwidth=230) if len(rows) else "  nothing")


def tell(database: Path, day: date, seconds: float, title: str) -> None:
    """What a build found and decided."""
    print(f"\n## {title}, as of {day} ({seconds:.0f} s)")
    show(
        "Drift from the build before, beyond chance:",
        ask(
            database,
            "select feature, round(psi, 3) as psi, round(critical, 3) as chance, "
            "round(usual_psi, 3) as usual, new_categories as new, severity, reading, alarm "
            "from marts.feature_drift where comparison = 'builds' and severity <> 'stable' "
            "order by alarm = 'none', psi desc, feature",
        ),
    )
    models = f"from ml.ml_propensity_models where as_of_date = date '{day}'"
    show(
        "Decisions of the policy:",
        ask(
            database,
            f"select distinct target, decision, decision_reason {models} order by target",
        ),
    )
    show(
        "Who gives the scores, and why:",
        ask(
            database,
            f"select target, role, algorithm, model_id, round(auc, 3) as auc, reason {models} "
            "and (is_champion or role in ('challenger', 'retired')) "
            "order by target, not is_champion, role",
        ),
    )
    show(
        "Champions beside their promotion:",
        ask(
            database,
            "select target, metric, round(value_at_promotion, 3) as then, round(value, 3) as now, "
            "round(noise, 3) as noise, verdict from marts.model_decay where is_latest and metric = "
            "'auc' order by target",
        ),
    )


def check_history(before: Path, after: Path) -> list[dict[str, object]]:
    """Rows remembered before that are not there any more, or are new among the old dates."""
    found = []
    with duckdb.connect() as connection:
        connection.execute(f"attach '{before}' as b (read_only)")
        connection.execute(f"attach '{after}' as a (read_only)")
        for table in MEMORIES:
            old = f"(from b.ml.{table})"
            kept = f"(from a.ml.{table} where as_of_date in (select as_of_date from b.ml.{table}))"
            counts = connection.execute(
                f"select (select count(*) from {old}), (select count(*) from ({old} except all "
                f"{kept})), (select count(*) from ({kept} except all {old}))"
            ).fetchone()
            found.append(dict(zip(("rows", "changed or lost", "added"), counts, strict=True)))
            found[-1] = {"table": table, **found[-1]}
        twice = connection.execute(
            "select count(*) from (select model_id from a.ml.ml_propensity_models "
            "group by model_id having count(distinct artefact_sha256) > 1 "
            "or count(distinct target) > 1)"
        ).fetchone()[0]
    found.append({"table": "model_ids of two models", "rows": twice})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=Path, default=PROJECT / "data" / "scores_over_time")
    parser.add_argument(
        "--vars", type=json.loads, default={}, help="vars of every build, as JSON, to be quicker"
    )
    options = parser.parse_args()
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("SEGMENTATION_PRIVACY_DIR", str(work / "privacy"))
    raw_data, changed = work / "demo", work / "demo_changed"
    if not raw_data.is_dir():
        generate(customers=options.customers, seed=options.seed, out=raw_data)
    new = change_month(raw_data, changed, since=BEFORE, until=CHANGED, seed=options.seed)
    print(
        f"{options.customers} people, seed {options.seed}; {new} new customers in the changed month"
    )

    start = work / "start.duckdb"
    start.unlink(missing_ok=True)
    tell(start, BEFORE, build(start, raw_data, BEFORE, **options.vars), "The first build")
    for name, folder, title in (
        ("undrifted", raw_data, "An ordinary month"),
        ("drifted", changed, "The changed month"),
    ):
        database = work / f"{name}.duckdb"
        shutil.copy(start, database)
        tell(database, CHANGED, build(database, folder, CHANGED, **options.vars), title)
        show("What was remembered before:", pd.DataFrame(check_history(start, database)))
    following = work / "next.duckdb"
    shutil.copy(work / "drifted.duckdb", following)
    tell(following, NEXT, build(following, changed, NEXT, **options.vars), "The day after")
    show(
        "What was remembered before:",
        pd.DataFrame(check_history(work / "drifted.duckdb", following)),
    )


if __name__ == "__main__":
    main()

"""Do segments keep their ids when time passes? Real builds, one month apart, of two datasets.

    python benchmarks/segments_over_time.py --customers 2000 --online-retail data/online_retail

For each dataset the warehouse is built as of one month before the end, and then as of the end: once
as it is by default (the model is kept), once with a new fit. For the demo a third warehouse gets a
new kind of customer in the last month. Prints a table; the figures of the README come from here.

The planted kind: offices that order supplies. One in twelve people of the demo, customers since the
month in question, each with four web orders in it of five lines of gifts, 20 pieces a line, at the
usual prices and without a discount. Nothing else of the raw files is touched.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from python_ext.settings import dataset_vars
from python_ext.synth import generate

PROJECT = Path(__file__).resolve().parents[1]
MODELS = ("+segment_migrations", "+segment_events", "+segment_history")
PLANTED = "OFFICE"


def build(database: Path, raw_data: Path, **variables: object) -> None:
    """Build what this is about, without its tests."""
    settings = {
        **dataset_vars(str(raw_data), project_dir=PROJECT).vars,
        "demo_secret_allowed": True,
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
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the build of {raw_data} failed:\n{done.stdout[-3000:]}")


def plant_offices(raw_data: Path, out: Path, *, since: date, seed: int = 1) -> int:
    """Copy a demo with a new kind of buyer added; gives how many."""
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(raw_data, out)
    people = pd.read_parquet(raw_data / "_truth" / "people.parquet")
    gifts = pd.read_parquet(raw_data / "shop" / "products.parquet").query("category == 'gifts'")
    prices = pd.read_parquet(raw_data / "shop" / "order_lines.parquet")
    usual = prices.query("quantity > 0 and unit_price > 0").groupby("product_id")["unit_price"]
    usual = usual.median().reindex(gifts["product_id"]).dropna()
    rng = np.random.default_rng(seed)
    offices, orders, lines = [], [], []
    for number in range(len(people) // 12):
        customer = f"{PLANTED}{number:05d}"
        offices.append(
            {
                "customer_id": customer,
                "email": f"purchasing{number}@office{number}.example",
                "first_name": f"Office {number}",
                "last_name": f"Supplies {number}",
                "created_at": since.isoformat(),
                "updated_at": since.isoformat(),
            }
        )
        for week in range(4):
            order = f"{customer}-{week}"
            day = pd.Timestamp(since) + pd.Timedelta(days=7 * week + int(rng.integers(6)), hours=10)
            orders.append(
                {
                    "order_id": order,
                    "customer_id": customer,
                    "ordered_at": day,
                    "status": "completed",
                    "channel": "web",
                    "currency": "EUR",
                    "discount_amount": 0.0,
                }
            )
            for line, product in enumerate(rng.choice(usual.index, 5, replace=False), start=1):
                lines.append(
                    {
                        "order_id": order,
                        "line_number": line,
                        "product_id": product,
                        "quantity": 20.0,
                        "unit_price": usual[product],
                    }
                )
    for table, rows in (
        ("crm/customers", offices),
        ("shop/orders", orders),
        ("shop/order_lines", lines),
    ):
        _append(out / f"{table}.parquet", pd.DataFrame(rows))
    return len(offices)


def _append(file: Path, rows: pd.DataFrame) -> None:
    following = file.with_suffix(".next")
    with duckdb.connect() as connection:
        connection.register("added", rows)
        connection.execute(
            f"copy (select * from read_parquet('{file}') union all by name select * from added) "
            f"to '{following}' (format parquet)"
        )
    following.replace(file)


def ask(database: Path, query: str) -> pd.DataFrame:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.sql(query).df()


def judge(database: Path, day: date) -> dict[str, object]:
    """What became of the segments of the main view in the run of a day."""
    events = ask(
        database,
        "from ml.ml_segment_events where view = 'all' and level = 'segment' "
        f"and as_of_date = date '{day}'",
    )
    sizes = events["event"].value_counts()
    before = int(sizes.get("kept", 0) + sizes.get("died", 0))
    moves = ask(
        database,
        f"select cause, count(*) as customers from ml.ml_segment_history "
        f"where as_of_date = date '{day}' and change <> 'first_seen' "
        "and changed_level = 'segment' group by cause order by cause",
    )
    runs = ask(
        database,
        "select decision, k from ml.ml_segment_models where view = 'all' and is_chosen "
        f"and as_of_date = date '{day}'",
    )
    customers = ask(
        database, "select count(*) as n from ml.ml_customer_clusters where view = 'all'"
    )
    return {
        "decision": runs["decision"].iloc[0],
        "k": int(runs["k"].iloc[0]),
        "ids_before": before or "",
        "ids_kept": int(sizes.get("kept", 0)) if before else "all",
        "least_overlap": round(events.loc[events["event"] == "kept", "overlap"].min(), 3)
        if before
        else "",
        "new_ids": sorted(int(i) for i in events.loc[events["event"] == "born", "segment_id"])
        if before
        else "",
        "customers": int(customers["n"].iloc[0]),
        "moved": {str(c): int(n) for c, n in zip(moves["cause"], moves["customers"], strict=True)},
    }


def offices_found(database: Path) -> dict[str, object]:
    """Where the planted customers are."""
    found = ask(
        database,
        "select segment_id, count(*) filter (where planted) as planted, count(*) as customers from ("
        "select clusters.segment_id, clusters.customer_key in (select customer_key from "
        f"ml.ml_customer_identities where record_id like 'id:{PLANTED}%') as planted "
        "from ml.ml_customer_clusters as clusters where view = 'all') group by 1 order by 2 desc",
    ).iloc[0]
    return {
        "segment": int(found["segment_id"]),
        "planted_in_it": int(found["planted"]),
        "customers_of_it": int(found["customers"]),
    }


def same_truth(database: Path, raw_data: Path) -> float:
    """Share of today's customers whose segment means the true type it meant a month before."""
    people = pd.read_parquet(raw_data / "_truth" / "people.parquet")[["person_id", "type"]]
    records = pd.read_parquet(raw_data / "_truth" / "records.parquet")[["record_id", "person_id"]]
    identities = ask(database, "select record_id, customer_key from ml.ml_customer_identities")
    types = identities.merge(records).merge(people).drop_duplicates("customer_key")
    clusters = ask(
        database,
        "select customer_key, segment_id, previous_model_segment_id from ml.ml_customer_clusters "
        "where view = 'all'",
    ).merge(types[["customer_key", "type"]])
    meaning = {
        column: clusters.groupby(column)["type"].agg(lambda s: s.mode().iloc[0])
        for column in ("segment_id", "previous_model_segment_id")
    }
    both = meaning["segment_id"].index.intersection(meaning["previous_model_segment_id"].index)
    agree = meaning["segment_id"][both] == meaning["previous_model_segment_id"][both]
    return float(agree.mean())


def one_month(name: str, raw_data: Path, work: Path, first: date, second: date, *, planted=None):
    """Rows of the report for one dataset."""
    start = work / f"{name}.duckdb"
    start.unlink(missing_ok=True)
    build(start, raw_data, as_of_date=first.isoformat())
    rows = []
    for case, folder, refit in (
        ("as by default", raw_data, "auto"),
        ("new fit", raw_data, "always"),
        *((("new kind, new fit", planted, "always"),) if planted else ()),
    ):
        database = work / f"{name}_next.duckdb"
        shutil.copy(start, database)
        build(database, folder, as_of_date=second.isoformat(), segments_refit=refit)
        row = {"dataset": name, "case": case, **judge(database, second)}
        if name == "demo" and refit == "always":
            row["same_type"] = round(same_truth(database, raw_data), 3)
        if folder is planted and planted:
            row["planted"] = offices_found(database)
        rows.append(row)
        print(json.dumps(row), flush=True)
    return rows


def markdown(rows: list[Mapping[str, object]]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(str(row.get(c, "")) for c in columns) + " |" for row in rows]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--online-retail", type=Path, default=PROJECT / "data" / "online_retail")
    parser.add_argument("--work", type=Path, default=PROJECT / "data" / "over_time")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("SEGMENTATION_PRIVACY_DIR", str(options.work / "privacy"))
    raw_data = options.work / "demo"
    if not raw_data.is_dir():
        generate(customers=options.customers, seed=options.seed, out=raw_data)
    orders = raw_data / "shop" / "orders.parquet"
    # The demo ends with June 2026; a planted defect lies in the future.
    second = date(2026, 7, 1)
    assert duckdb.sql(f"select count(*) from '{orders}' where ordered_at < '{second}'").fetchone()[
        0
    ]
    first = (second - timedelta(days=1)).replace(day=1)
    planted = options.work / "demo_with_offices"
    count = plant_offices(raw_data, planted, since=first, seed=options.seed)
    print(f"{count} offices planted")
    rows = one_month("demo", raw_data, options.work, first, second, planted=planted)
    if options.online_retail.is_dir():
        rows += one_month(
            "online_retail",
            options.online_retail,
            options.work,
            date(2011, 11, 9),
            date(2011, 12, 10),
        )
    else:
        print(
            f"{options.online_retail} is not there, so Online Retail is left out; "
            "`segmentation datasets --help` says where to get it."
        )
    print(markdown(rows))


if __name__ == "__main__":
    main()

"""The same work by other programs, on what the warehouse cleaned, beside the build itself."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from _measured import ROOT, Run, program, run

HERE = Path(__file__).resolve().parent
# The models that make what each of the others makes.
PANDAS_MODELS = (
    *("int_order_days", "int_purchases_measured", "int_rfm_inputs", "int_customer_rfm"),
    *("int_web_visits", "int_web_sessions", "int_web_use_measured", "int_email_response_measured"),
)
RFM_MODELS = ("int_order_days", "int_rfm_inputs", "int_customer_rfm")
EXPORTS = {
    "orders": "from intermediate.int_orders_netted",
    "cutoffs": "from intermediate.int_cutoffs",
    "emails": "from intermediate.int_email_contacts where delivered_at is not null",
    "events": """
        select
            events.visitor_id, events.event_id, events.event_at, events.event_name,
            events.engagement_seconds, logins.customer_key as login_key,
            visitors.customer_key as owner_key, visitors.linked_at
        from staging.stg_web__events as events
        left join ml.ml_customer_identities as logins
            on 'id:' || events.customer_id = logins.record_id
        left join intermediate.int_visitors_linked as visitors
            on events.visitor_id = visitors.visitor_id
        where events.rejection_reason is null
    """,
}


def export(database: Path, folder: Path) -> str:
    """Write what the other programs read; returns the as-of date."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(database), read_only=True) as warehouse:
        for name, query in EXPORTS.items():
            warehouse.execute(f"copy ({query}) to '{folder}/{name}.parquet'")
        query = "select cutoff_on from intermediate.int_cutoffs where cutoff_name = 'score'"
        return str(warehouse.execute(query).fetchone()[0])


def own_seconds(spent: Run) -> float:
    """What a script prints last: its seconds without the start of Python and imports."""
    return float(spent.output.split()[-1])


def pandas_script(database: Path, folder: Path) -> tuple[Run, str]:
    """Run the pandas script; what it took, and in words whether it found the same."""
    out = folder / "pandas"
    out.mkdir(exist_ok=True)
    spent = run([sys.executable, str(HERE / "_pandas_features.py"), str(folder), str(out)])
    with duckdb.connect(str(database), read_only=True) as warehouse:
        rfm = warehouse.execute(
            "select rfm.* from intermediate.int_rfm_inputs inner join intermediate.int_customer_rfm"
            " as rfm using (customer_key) where rfm.r_score is not null"
        ).df()
        everybody = warehouse.execute(
            "select count(*) = 0 from intermediate.int_customer_permissions "
            "where not may_be_profiled"
        ).fetchone()[0]
        features = warehouse.execute("from intermediate.int_customer_features").df()
    scores = ["r_score", "f_score", "m_score"] if everybody else []
    told = [
        differences(
            "RFM",
            rfm,
            pd.read_parquet(out / "rfm.parquet"),
            ["customer_key"],
            ["recency_days", "frequency", "monetary", *scores],
        ),
        differences(
            "features",
            features,
            pd.read_parquet(out / "features.parquet"),
            ["customer_key", "cutoff_name"],
            None,
        ),
    ]
    return spent, "; ".join(told)


def differences(
    name: str, ours: pd.DataFrame, theirs: pd.DataFrame, key: list[str], columns: list[str] | None
) -> str:
    """Rows compared and how many differ in any column, in words."""
    columns = columns or [one for one in theirs.columns if one in ours.columns and one not in key]
    both = ours[[*key, *columns]].merge(theirs[[*key, *columns]], on=key, suffixes=("", "_other"))
    differs = np.zeros(len(both), dtype=bool)
    for column in columns:
        # Absent sources and customers without any event are nulls on one side, zeros on the other.
        one = both[column].astype(float).fillna(0).to_numpy()
        other = both[f"{column}_other"].astype(float).fillna(0).to_numpy()
        differs |= ~np.isclose(one, other, rtol=1e-6, atol=1e-4)
    return (
        f"{name}: {len(both):,} of {len(ours):,} rows compared in {len(columns)} columns, "
        f"{int(differs.sum()):,} differ"
    )


def retail_science(folder: Path, as_of: str, python: str) -> Run:
    """RFM by openretailscience, in the environment of ``python``."""
    script = str(HERE / "_retailscience.py")
    return run(
        [python, script, str(folder / "orders.parquet"), as_of, str(folder / "theirs.parquet")],
        environment={"PYTHONPATH": ""},
    )


def classic() -> dict:
    """The classic k-means script beside ours, from ``classic_script.py``."""
    spent = run([sys.executable, str(HERE / "classic_script.py")], check=False)
    return {"output": spent.output.strip(), "seconds": spent.seconds}


def lifetimes(customers: int) -> dict:
    """The BG/NBD of lifetimes beside ours, from ``value_at_scale.py``."""
    script = str(HERE / "value_at_scale.py")
    spent = run([sys.executable, "-W", "ignore", script, "--customers", str(customers)])
    lines = spent.output.splitlines()
    told = [line.strip() for line in lines if "BG/NBD on" in line or "times as fast" in line]
    return {"output": "; ".join(told[-2:])}


def direct(target: Path, database: Path) -> dict[str, float]:
    """Seconds of each SQL model run without dbt."""
    spent = run([sys.executable, str(HERE / "_direct.py"), str(target), str(database)])
    return json.loads(spent.output.splitlines()[-1])


def build(
    raw: Path,
    database: Path,
    target: Path,
    arguments: list[str],
    threads: int,
    *,
    run_name: str | None = None,
) -> Run:
    """One ``dbt build`` of a dataset into a warehouse, with the settings of a smaller run."""
    smaller = ["--run", run_name] if run_name else []
    found = run([program("segmentation"), "vars", "--raw-data", str(raw), *smaller])
    command = [program("dbt"), "--no-use-colors", "build", "--threads", str(threads)]
    return run(
        [*command, "--vars", found.output.strip().splitlines()[-1], *arguments],
        environment={
            "DBT_PROFILES_DIR": str(ROOT),
            "SEGMENTATION_DATABASE": os.fspath(database),
            "DBT_TARGET_PATH": os.fspath(target),
            "DBT_LOG_PATH": os.fspath(target),
        },
    )

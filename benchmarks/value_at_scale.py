"""Lifetime models on CDNOW: published figures, holdout by frequency, speed against lifetimes.

    python benchmarks/value_at_scale.py [--customers 118000 1000000]

Everything is fitted in this run, both sides on the same histories. CDNOW comes from the wheel of
lifetimes; the master is repeated to reach the number of customers, which leaves the parameters as
they are and makes each customer as common as in a shop with days as the finest unit of time.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pandas as pd
from lifetimes import BetaGeoFitter

from python_ext import lifetime_value as lv
from python_ext.datasets import import_cdnow
from python_ext.datasets._writing import wheel_file

# Fader, Hardie and Lee (2005), Fader and Hardie (2005, 2013), as in the definitions.
PUBLISHED = {
    "bg_nbd": ((0.243, 4.414, 0.793, 2.426), -9582.43),
    "pareto_nbd": ((0.553, 10.578, 0.606, 11.669), -9594.98),
    "gamma_gamma": ((6.25, 3.74, 15.44), None),
}
# Fader, Hardie and Lee (2005): conditional expectations, CDNOW sample, weeks 40 to 78.
PUBLISHED_HOLDOUT = (0.23, 0.70, 1.39, 1.56, 2.53, 2.95, 3.86, 6.36)
CALIBRATION_ENDS, HOLDOUT_ENDS = "1997-09-30", "1998-06-30"
HOLDOUT_WEEKS = 39


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, nargs="*", default=[118_000, 1_000_000])
    wanted = parser.parse_args().customers
    reference()
    with TemporaryDirectory() as folder:
        holdout(histories(Path(folder) / "sample", all_customers=False))
        master = histories(Path(folder) / "master", all_customers=True)
    for customers in wanted:
        race(master, customers)


def reference() -> None:
    """Parameters of the sample beside the published ones."""
    name = "datasets/cdnow_customers_summary_with_transactions.csv"
    rows = pd.read_csv(wheel_file("lifetimes", name, distribution="lifetimes"))
    rows = rows.set_axis(["customer", "x", "t_x", "t", "value"], axis=1)
    pooled = lv.pool(rows["x"], rows["t_x"], rows["t"])
    fits = (
        lv.fit_bg_nbd(pooled),
        lv.fit_pareto_nbd(pooled),
        lv.fit_gamma_gamma(rows["x"], rows["value"]),
    )
    print(f"CDNOW sample, {len(rows):,} customers in {len(pooled.x):,} histories, weeks")
    for fit in fits:
        published, likelihood = PUBLISHED[fit.model]
        known = f"{likelihood:.2f}" if likelihood else "not published"
        print(f"  {fit.model}: log-likelihood {fit.log_likelihood:.2f} (published {known})")
        for (parameter, value), other in zip(fit.parameters.items(), published, strict=True):
            error = fit.standard_errors[parameter]
            print(f"    {parameter:6} {value:8.3f} ± {error:.3f}   published {other}")
        for told in fit.warnings:
            print(f"    {told}")
    print("  " + lv.check_independence(rows["x"], rows["value"])[1])


def histories(folder: Path, *, all_customers: bool) -> pd.DataFrame:
    """Weeks of the calibration period and purchases after it, from this project's importer."""
    import_cdnow(folder, all_customers=all_customers)
    return duckdb.sql(f"""
        with days as (
            select distinct customer_id, cast(ordered_at as date) as day
            from '{folder}/shop/orders.parquet'
        )
        select
            customer_id,
            count(*) filter (where day <= date '{CALIBRATION_ENDS}') - 1 as x,
            (max(day) filter (where day <= date '{CALIBRATION_ENDS}') - min(day)) / 7.0 as t_x,
            (date '{CALIBRATION_ENDS}' - min(day)) / 7.0 as t,
            count(*) filter (where day > date '{CALIBRATION_ENDS}') as later
        from days
        where day <= date '{HOLDOUT_ENDS}'
        group by customer_id
        order by customer_id
    """).df()


def holdout(rows: pd.DataFrame) -> None:
    """Actual and expected purchases of weeks 40 to 78 by frequency in weeks 1 to 39."""
    history = tuple(rows[name].to_numpy(dtype=float) for name in ("x", "t_x", "t"))
    ours = lv.fit_bg_nbd(lv.pool(*history))
    pareto = lv.fit_pareto_nbd(lv.pool(*history))
    theirs = BetaGeoFitter().fit(*(pd.Series(part) for part in history))
    expected = {
        "bg_nbd": lv.bg_nbd_expected_purchases(ours.values, HOLDOUT_WEEKS, *history),
        "lifetimes": np.asarray(theirs.predict(HOLDOUT_WEEKS, *history)),
        "pareto_nbd": lv.pareto_nbd_expected_purchases(pareto.values, HOLDOUT_WEEKS, *history),
    }
    tables = {
        name: lv.calibrate_purchases(rows["x"], rows["later"], told, model=name)
        for name, told in expected.items()
    }
    first = tables["bg_nbd"]
    print("\nHoldout, weeks 40 to 78, by repeat purchases of weeks 1 to 39")
    print("  group  customers  actual  published  " + "  ".join(f"{n:>10}" for n in tables))
    for number, row in first.iterrows():
        told = "  ".join(f"{t['expected_purchases'][number]:10.2f}" for t in tables.values())
        print(
            f"  {row['frequency_label']:>5}  {row['customers']:9,}  "
            f"{row['actual_purchases']:6.2f}  {PUBLISHED_HOLDOUT[number]:9.2f}  {told}"
        )
    total = rows["later"].sum()
    sums = ", ".join(f"{name} {told.sum():,.0f}" for name, told in expected.items())
    print(f"  all purchases: actual {total:,}, {sums}")


def race(master: pd.DataFrame, customers: int) -> None:
    """Both fitters on the master repeated, from the same columns in memory."""
    copies = max(1, round(customers / len(master)))
    rows = pd.concat([master] * copies, ignore_index=True)
    columns = [rows[name].astype(float) for name in ("x", "t_x", "t")]
    started = time.perf_counter()
    pooled = lv.pool(*columns)
    fit = lv.fit_bg_nbd(pooled)
    ours = time.perf_counter() - started
    started = time.perf_counter()
    other = BetaGeoFitter().fit(*columns)
    theirs = time.perf_counter() - started
    print(f"\nBG/NBD on {len(rows):,} customers ({len(master):,} × {copies})")
    print(f"  histories after pooling: {len(pooled.x):,}")
    for name, value in fit.parameters.items():
        print(f"    {name:6} {value:9.4f}   lifetimes {other.params_[name]:9.4f}")
    gap = max(abs(v - other.params_[n]) / v for n, v in fit.parameters.items())
    print(f"  largest relative difference {gap:.1e}")
    print(f"  {ours:.2f} s against {theirs:.2f} s: {theirs / ours:.0f} times as fast")


if __name__ == "__main__":
    main()

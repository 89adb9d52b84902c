"""How fast customers are scored with their drivers, and how fast all targets are trained.

    python benchmarks/scores_at_scale.py [--rows 1000000] [--algorithms gradient_boosting …]
    python benchmarks/scores_at_scale.py --train-customers 100000

Learns a target from made-up features of the kinds a build has (skewed amounts, shares, counts,
unknown values, categories of few and of many levels), writes a table of rows to a DuckDB file and
scores it in batches as the model ml_propensity_scores does: read, encode, score, explain, pick
drivers, write. Beside it stands the way of before, on fewer rows: each of twelve features set back
to its median, one after the other, and the texts made in Python, which neither adds up nor sees a
feature outside the twelve. Seconds are those of the processor, on one thread: on a machine of its
own that is the time it takes.

With --train-customers, all targets of the seed are trained instead by ``run_propensity`` with its
default settings: 130 features, four train cutoffs, a test and a score cutoff, three customers of
four at each of them; some targets ask all of them and some a part.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from python_ext import frames, propensity
from python_ext.features import Feature
from python_ext.propensity._scoring import Champions

NUMBERS, CATEGORIES = 60, 4
TRAINED_NUMBERS = 126
CUTOFFS = (*(f"train_{i}" for i in (4, 3, 2, 1)), "test", "score")
PRESENT, ASKED = 0.75, (1.0, 0.3, 0.2, 1.0, 0.6, 1.0)
TARGETS = Path(__file__).parent.parent / "seeds/reference/propensity_targets.csv"
LEARNING_ROWS, BEFORE_ROWS, DRIVERS_BEFORE = 20_000, 20_000, 12


def made_up_features(count: int = NUMBERS) -> list[Feature]:
    """Numbers of four kinds, and four categories."""
    numbers = [
        Feature(
            f"number_{j:02d}",
            "behaviour",
            ("log", "none", "sqrt", "log")[j % 4],
            f"Number {j}",
            f"Nombre {j}",
            imputation=("median", "flag", "zero", "flag")[j % 4],
        )
        for j in range(count)
    ]
    categories = [
        Feature(
            f"level_{j}", "scores", "none", f"Level {j}", f"Niveau {j}", True, "flag", "category"
        )
        for j in range(CATEGORIES)
    ]
    return numbers + categories


def made_up_rows(rows: int, *, seed: int, count: int = NUMBERS) -> pd.DataFrame:
    """Customers whose log-odds follow a few features, two of them together."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=rows)
    table = {
        "customer_key": [f"{seed:02d}-{i:08d}" for i in range(rows)],
        "cutoff_name": "score",
        "target": "purchase",
    }
    for j in range(count):
        value = 0.5 * common + rng.normal(size=rows)
        value = (np.exp(value + 2), 1 / (1 + np.exp(-value)), value**2, np.round(np.exp(value)))[
            j % 4
        ]
        if j % 4 in (1, 3):
            value[rng.random(rows) < 0.2] = np.nan
        table[f"number_{j:02d}"] = value
    for j, levels in enumerate((3, 5, 12, 60)):
        table[f"level_{j}"] = np.array([f"level {i}" for i in range(levels)], dtype=object)[
            rng.integers(0, levels, rows)
        ]
    odds = sum((-0.5) ** (j % 3) * np.log1p(table[f"number_{4 * j:02d}"]) for j in range(6))
    odds = odds - odds.mean() + (table["level_0"] == "level 1") * common
    table["label"] = rng.random(rows) < 1 / (1 + np.exp(-odds))
    return pd.DataFrame(table)


def score_table(model: propensity.PropensityModel, database: Path) -> tuple[float, int]:
    """Seconds to score the whole table with drivers, and how many rows came out."""
    champions = Champions({"purchase": model})
    with duckdb.connect(str(database)) as connection:
        connection.execute("set threads = 1")
        start = time.process_time()
        reader = frames.map_batches(
            connection,
            connection.table("rows"),
            champions.score,
            propensity.SCORES_SCHEMA,
            order_by=("target", "cutoff_name", "customer_key"),
        )
        connection.cursor().register("scores", reader).execute(
            "create or replace table scored as select * from scores"
        )
        seconds = time.process_time() - start
        count, off = connection.execute(
            "select count(*), max(abs(base_log_odds + coalesce(driver_1_effect, 0) "
            "+ coalesce(driver_2_effect, 0) + coalesce(driver_3_effect, 0) + other_effect "
            "- log_odds)) from scored"
        ).fetchone()
    assert off < 1e-6, f"drivers do not add up: {off}"
    return seconds, count


def one_at_a_time(model: propensity.PropensityModel, rows: pd.DataFrame) -> float:
    """Seconds of the way of before: a prediction per feature and row, and texts in Python."""
    start = time.process_time()
    with threadpool_limits(1):
        model.score(rows)
        values = model.prepare(rows)
        reference = model.prepare(rows.iloc[:1])[0]
        base, sources = model.prepared_log_odds(values), model.output_features
        effects = np.zeros((len(rows), DRIVERS_BEFORE))
        for place in range(DRIVERS_BEFORE):
            changed = values.copy()
            columns = sources == place
            changed[:, columns] = reference[columns]
            effects[:, place] = base - model.prepared_log_odds(changed)
        order = np.argsort(-np.abs(effects), axis=1, kind="stable")[:, :3]
        for rank in range(3):
            for feature, effect, value in zip(
                order[:, rank], effects[np.arange(len(rows)), order[:, rank]], values, strict=True
            ):
                f"Number {feature} {value[feature]:.3g}: {'raises' if effect > 0 else 'lowers'}"
    return time.process_time() - start


def made_up_history(customers: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Features and labels of all cutoffs, and the targets of the seed."""
    targets = pd.read_csv(TARGETS)
    cutoffs = pd.date_range(end="2025-01-01", periods=len(CUTOFFS), freq="90D")
    features, labels = [], []
    for number, (name, on) in enumerate(zip(CUTOFFS, cutoffs, strict=True)):
        rng = np.random.default_rng(number)
        here = np.flatnonzero(rng.random(customers) < PRESENT)
        rows = made_up_rows(len(here), seed=number + 10, count=TRAINED_NUMBERS)
        odds = rows.pop("label").to_numpy() * 2.0 + np.log1p(rows["number_04"]).to_numpy() / 2
        split = name.split("_")[0]
        rows = rows.drop(columns="target").assign(
            customer_key=[f"{i:08d}" for i in here], cutoff_name=name, split=split, cutoff_on=on
        )
        features.append(rows)
        for place, target in enumerate(targets["target"]):
            asked = rng.random(len(here)) < ASKED[place % len(ASKED)]
            level = odds - 2 - place / 2 + rng.logistic(size=len(here))
            table = rows.loc[asked, ["customer_key", "cutoff_name", "split", "cutoff_on"]]
            happened = pd.Series(level[asked] > 0, index=table.index, dtype="boolean")
            labels.append(
                table.assign(
                    target=target,
                    label_ends_on=on + pd.Timedelta(days=90),
                    label=happened.mask(np.full(len(table), split == "score")),
                )
            )
    return pd.concat(features, ignore_index=True), pd.concat(labels, ignore_index=True), targets


def train_all(customers: int) -> None:
    """Print what training every target takes."""
    features, labels, targets = made_up_history(customers)
    definitions = pd.DataFrame(
        [
            {**vars(f), "feature": f.name, "in_propensity": True, "source_table": "orders"}
            for f in made_up_features(TRAINED_NUMBERS)
        ]
    )
    made = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    counts = labels.loc[labels["split"] == "train", "target"].value_counts().to_dict()
    print(f"{len(features):,} rows, {len(definitions)} features; trained on {counts}", flush=True)
    clock, processor = time.monotonic(), time.process_time()
    models = propensity.run_propensity(
        features,
        labels,
        definitions,
        targets,
        None,
        as_of=pd.Timestamp("2025-01-01").date(),
        horizon_days=90,
    )
    clock, processor = time.monotonic() - clock, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(models.pivot(index="target", columns="algorithm", values="auc").round(4).to_string())
    print(
        f"{customers:,} customers, {models['target'].nunique()} targets: {clock:.0f} s of the "
        f"clock, {processor:.0f} s of the processor, peak {peak:,.0f} MB ({made:,.0f} MB of it "
        "when the table was made)"
    )


def main() -> None:
    """Print a line per algorithm, or of the training."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--algorithms", nargs="+", default=list(propensity.ALGORITHMS))
    parser.add_argument("--train-customers", type=int)
    asked = parser.parse_args()
    if asked.train_customers:
        train_all(asked.train_customers)
        return
    features = made_up_features()
    learned_from = made_up_rows(LEARNING_ROWS, seed=1)
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "rows.duckdb"
        with duckdb.connect(str(database)) as connection:
            for part in range(-(-asked.rows // 100_000)):
                rows = made_up_rows(min(100_000, asked.rows - part * 100_000), seed=part + 2)
                verb = "create table rows as" if part == 0 else "insert into rows"
                connection.register("part", rows).execute(
                    f"{verb} select * exclude (label) from part"
                )
        print(
            f"{'algorithm':<20} {'rows':>9} {'seconds':>8} {'rows/s':>9} {'before rows/s':>13} "
            f"{'ratio':>6} {'peak MB':>8}"
        )
        for algorithm in asked.algorithms:
            model = next(
                candidate.model
                for candidate in propensity.fit_candidates(
                    learned_from,
                    features,
                    algorithms=[algorithm],
                    settings=propensity.SearchBudget(settings=1),
                    select=False,
                    target="purchase",
                )
                if candidate.algorithm == algorithm
            )
            seconds, count = score_table(model, database)
            few = made_up_rows(BEFORE_ROWS, seed=99)
            before = len(few) / one_at_a_time(model, few)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{algorithm:<20} {count:>9,} {seconds:>8.1f} {count / seconds:>9,.0f} "
                f"{before:>13,.0f} {count / seconds / before:>6.2f} {peak:>8,.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()

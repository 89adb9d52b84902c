"""Segments against the truth of the demo, noise, and the sample against the full fit.

For each seed the demo is generated and built up to the customer features (kept in the folder, so
that a second run takes minutes less). Prints the adjusted Rand index of the main view, over all
customers and over those with purchases on three days or more, where the types are separable by
design; a table of algorithms × views with all indices for the first seed; what happens without
structure; and the error of the sample. Exits with 1 if a claim does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from python_ext import clustering
from python_ext.truth import main_person

ROOT = Path(__file__).resolve().parents[1]
SEEDS = ROOT / "seeds" / "reference"
SEPARABLE_DAYS, LEAST_RAND = 3, 0.85
FIGURES = [
    "silhouette",
    "calinski_harabasz",
    "davies_bouldin",
    "connectivity",
    "gap",
    "bic",
    "stability_mean",
    "stability_min",
    "smallest_share",
    "agreement",
]


def features_of(seed: int, customers: int, folder: Path) -> pd.DataFrame:
    """Features at the score cutoff with the planted type, generated and built where not there."""
    kept = folder / f"features_{customers}_{seed}.parquet"
    if not kept.exists():
        raw, base = folder / f"demo_{customers}_{seed}", folder / f"demo_{customers}_{seed}.duckdb"
        environment = {
            **os.environ,
            "SEGMENTATION_DATABASE": str(base),
            "DBT_PROFILES_DIR": str(ROOT),
        }
        command = ["segmentation", "datasets", "generate", "--customers", str(customers)]
        subprocess.run([*command, "--seed", str(seed), "--out", str(raw)], check=True)
        settings = subprocess.run(
            ["segmentation", "vars", "--raw-data", str(raw)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        what = ["--exclude-resource-type", "test", "unit_test"]
        subprocess.run(
            ["dbt", "--quiet", "build", *what, "--select", "+int_customer_features"]
            + ["--vars", settings, "--project-dir", str(ROOT)],
            check=True,
            env=environment,
        )
        _join_truth(base, raw).to_parquet(kept)
    return scored(pd.read_parquet(kept))


def scored(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that are segmented: of today, and of whom may be profiled."""
    keep = (frame["cutoff_name"] == "score") & frame["may_be_profiled"]
    return frame[keep].reset_index(drop=True)


def _join_truth(base: Path, raw: Path) -> pd.DataFrame:
    """Each customer with the type of the person most of their records belong to."""
    with duckdb.connect(str(base), read_only=True) as connection:
        features = connection.sql("select * from intermediate.int_customer_features").df()
        identities = connection.sql(
            "select record_id, customer_key from ml.ml_customer_identities order by record_id"
        ).df()
    records = pd.read_parquet(raw / "_truth" / "records.parquet")[["record_id", "person_id"]]
    people = pd.read_parquet(raw / "_truth" / "people.parquet")[["person_id", "type"]]
    person = main_person(identities.merge(records, on="record_id"))
    features["person_id"] = features["customer_key"].map(person)
    return features.merge(people, on="person_id", how="left")


def views_of(frame: pd.DataFrame) -> dict[str, clustering.View]:
    """The views of the seeds, of the features the table has."""
    definitions = pd.read_csv(SEEDS / "feature_definitions.csv")
    chosen = pd.read_csv(SEEDS / "segmentation_features.csv")
    views = clustering.load_views(
        pd.read_csv(SEEDS / "segmentation_views.csv"),
        chosen[chosen["feature"].isin(frame.columns)],
        definitions[definitions["feature"].isin(frame.columns)],
        frame.columns,
    )
    return {view.name: view for view in views}


def against_truth(frame: pd.DataFrame, view: clustering.View) -> dict[str, float]:
    """Number of segments and adjusted Rand indices."""
    choice = clustering.choose_segments(frame, view)
    found = choice.model.assign(frame)["segment_id"].to_numpy()
    apart = (frame["frequency"] >= SEPARABLE_DAYS).to_numpy()
    return {
        "candidate": choice.candidates.loc[choice.candidates["is_chosen"], "candidate"].iloc[0],
        "k": choice.model.k,
        "types": frame["type"].nunique(),
        "ari_all": adjusted_rand_score(frame["type"], found),
        "ari_separable": adjusted_rand_score(frame["type"][apart], found[apart]),
    }


def algorithms_by_views(frame: pd.DataFrame, views: dict[str, clustering.View]) -> pd.DataFrame:
    """The best candidate of each algorithm in each view, with its indices."""
    rows = []
    for name, view in views.items():
        table = clustering.choose_segments(frame, view).candidates
        table = table[(table["k"] > 1)]
        order = ["is_chosen", "is_admissible", "votes", "stability_min"]
        best = table.sort_values(order, ascending=False).drop_duplicates("algorithm")
        rows.append(best.assign(view=name).sort_values("algorithm"))
    columns = ["view", "candidate", "is_admissible", "is_chosen", *FIGURES]
    return pd.concat(rows)[columns]


def without_structure(frame: pd.DataFrame, view: clustering.View) -> dict[str, str]:
    """What is chosen on noise, and on one giant cluster with dust."""
    rng = np.random.default_rng(1)
    names = list(view.feature_names)
    shape = (len(frame), len(names))
    giant = rng.normal(size=shape)
    giant[: len(frame) // 100] += 25
    tables = {
        "uniform": rng.uniform(size=shape),
        "gaussian": rng.normal(size=shape),
        "shuffled columns of the demo": np.column_stack(
            [rng.permutation(frame[name].to_numpy(dtype=float)) for name in names]
        ),
        "one giant cluster and dust": giant,
    }
    said = {}
    for name, points in tables.items():
        fake = frame[["customer_key"]].assign(
            rfm_segment_id=901 + rng.integers(0, 11, len(frame)),
            **dict(zip(names, points.T, strict=True)),
        )
        table = clustering.choose_segments(fake, view).candidates
        row = table[table["is_chosen"]].iloc[0]
        said[name] = f"{row['candidate']}: {row['reason']}"
    return said


def error_of_sample(frame: pd.DataFrame, view: clustering.View) -> dict[str, float]:
    """Inertia over all customers by the sample's centres, by the refined ones, by a full fit."""
    model = clustering.choose_segments(frame, view, algorithms=["kmeans"]).model
    sample = clustering.choose_segments(
        frame.sort_values("customer_key").iloc[clustering_sample(frame)],
        view,
        algorithms=["kmeans"],
    ).model
    points = model.preparation.transform(frame)
    middle = sample.preparation.transform(frame)
    full = KMeans(model.k, n_init=50, random_state=0).fit(points).inertia_
    labels = sample.labels(middle)
    means = np.array([points[labels == c].mean(axis=0) for c in range(sample.k)])
    return {
        "k": model.k,
        "k_of_sample": sample.k,
        "refined_over_full": _inertia(points, model.centroids) / full - 1,
        "sample_over_full": float(((points - means[labels]) ** 2).sum()) / full - 1,
        "same_segment": adjusted_rand_score(model.labels(points), labels),
    }


def clustering_sample(frame: pd.DataFrame, rows: int = 2000) -> np.ndarray:
    """The rows a choice is made on."""
    from python_ext.clustering._choice import hash_sample

    return hash_sample(frame["customer_key"].sort_values(), rows)


def _inertia(points: np.ndarray, centroids: np.ndarray) -> float:
    return float(((points[:, None] - centroids) ** 2).sum(axis=2).min(axis=1).sum())


def main() -> int:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=ROOT / "target" / "benchmarks")
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--features", type=Path, nargs="*", help="feature tables already built")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    holds, first = True, None
    sources = options.features or range(1, options.seeds + 1)
    for source in sources:
        if isinstance(source, Path):
            frame = scored(pd.read_parquet(source))
        else:
            frame = features_of(source, options.customers, options.folder)
        first = frame if first is None else first
        found = against_truth(frame, views_of(frame)["all"])
        print(source, len(frame), json.dumps(found), flush=True)
        holds &= abs(found["k"] - found["types"]) <= 1 and found["ari_separable"] >= LEAST_RAND
    views = views_of(first)
    print("\n" + algorithms_by_views(first, views).round(3).to_string(index=False))
    for name, said in without_structure(first, views["all"]).items():
        print(f"{name}: {said}")
        holds &= said.startswith("rfm")
    error = error_of_sample(first, views["all"])
    print("sample of 2,000 against a full fit with 50 starts:", json.dumps(error))
    holds &= error["refined_over_full"] <= 0.001
    print("holds" if holds else "DOES NOT HOLD")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())

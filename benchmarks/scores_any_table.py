"""`propensity.learn` on tables that are not ours, beside what was published about them.

Breast cancer (569 rows, 30 numbers; scikit-learn ships it): the description that its donors
published with it (wdbc.names, November 1995; Street, Wolberg and Mangasarian 1993) gives 97.5 %
right by repeated ten-fold cross-validation, for a plane through three features found by a search
over all rows. Here each tenth, once, is told by models that saw the other nine alone.

Caravan insurance (5,822 households, 85 columns of which two are categories, 6 % bought; the wheel
`ISLP` on PyPI holds it): James, Witten, Hastie and Tibshirani, An Introduction to Statistical
Learning, section 4.6.6: on the first 1,000 rows a logistic regression fitted on the rest names 33
households as more likely than a quarter, and 11 of them bought. Here the 33 most likely ones of
each model are counted, and the published model is fitted again to show that the rows are the same.
Those 1,000 rows also decide the champion, and the way features are selected was mended after a look
at them: read the figures of all models, and take them for no proof of a gain.

    python benchmarks/scores_any_table.py
    pip download --no-deps ISLP && python benchmarks/scores_any_table.py --caravan islp-*.whl
"""

from __future__ import annotations

import argparse
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from python_ext import propensity

TENTHS = 10
NAMED = 33
HELD = 1000
CATEGORIES = ("MOSTYPE", "MOSHOOFD")  # customer subtype and main type, written as numbers


def tell_breast_cancer() -> None:
    """Ten-fold accuracy of the champion of each nine tenths."""
    table = load_breast_cancer(as_frame=True).frame
    right, probability = np.zeros(len(table), dtype=bool), np.empty(len(table))
    champions: dict[str, int] = {}
    parts = StratifiedKFold(TENTHS, shuffle=True, random_state=0)
    for inside, outside in parts.split(table, table["target"]):
        learned = propensity.learn(table.iloc[inside], label="target", test_share=0.2, resamples=0)
        probability[outside] = learned.score(table.iloc[outside])
        right[outside] = (probability[outside] > 0.5) == table["target"].iloc[outside]
        champions[learned.champion] = champions.get(learned.champion, 0) + 1
    error = np.sqrt(right.mean() * (1 - right.mean()) / len(table))
    print("Breast cancer, ten-fold")
    print("  published  right 0.975")
    print(
        f"  ours       right {right.mean():.3f} (standard error {error:.3f}), "
        f"AUC {roc_auc_score(table['target'], probability):.4f}; champions {champions}"
    )


def tell_caravan(path: Path) -> None:
    """The first 1,000 rows by models of the rest."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel, wheel.open("ISLP/data/Caravan.csv") as file:
            table = pd.read_csv(file)
    else:
        table = pd.read_csv(path)
    numbers = table.drop(columns="Purchase")
    bought = (table["Purchase"] == "Yes").to_numpy()
    held = np.arange(len(table)) < HELD
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = LogisticRegression(C=np.inf, solver="newton-cholesky", max_iter=100)
        theirs.fit(numbers[~held], bought[~held])
    probability = theirs.predict_proba(numbers[held])[:, 1]
    named = probability > 0.25
    print("Caravan insurance, the first 1,000 households")
    print(f"  published            named 33, of whom 11 bought ({bought[held].sum()} of all did)")
    print(
        f"  the same, refitted   named {named.sum()}, of whom {bought[held][named].sum()} bought; "
        f"AUC {roc_auc_score(bought[held], probability):.3f}"
    )
    table = table.assign(**{name: table[name].astype(str) for name in CATEGORIES}, held=held)
    learned = propensity.learn(
        table, label="Purchase", positive="Yes", time="held", test_share=HELD / len(table) + 0.01
    )
    for candidate in learned.candidates[:-1]:
        name = candidate.algorithm
        probability = candidate.model.score(table[held])
        most = np.argsort(-probability, kind="stable")[:NAMED]
        mark = " <- champion" if name == learned.champion else ""
        print(
            f"  {name:20s} named {NAMED}, of whom {bought[held][most].sum()} bought; "
            f"AUC {learned.figure(name, 'out_of_time', 'auc'):.3f}, "
            f"log loss {learned.figure(name, 'out_of_time', 'log_loss'):.4f}{mark}"
        )
    print(f"  {learned.reason}")


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--caravan", type=Path, help="wheel of ISLP, or its Caravan.csv")
    options = parser.parse_args()
    began = time.monotonic()
    tell_breast_cancer()
    if options.caravan:
        tell_caravan(options.caravan)
    print(f"{time.monotonic() - began:.0f} seconds")


if __name__ == "__main__":
    main()

"""Rows of one target and split, taken from features that stand in memory once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from python_ext.propensity._leakage import check_windows
from python_ext.propensity._targets import Target

SPLITS = ("train", "test", "score")


@dataclass(frozen=True)
class Rows:
    """Rows of one target and split, in the order of cutoff and customer.

    ``label`` is false where it is not known; only rows of the score cutoff have such.
    """

    frame: pd.DataFrame
    label: np.ndarray

    @property
    def labelled(self) -> pd.DataFrame:
        """The rows with their label as a column."""
        return self.frame.assign(label=self.label)


@dataclass(frozen=True)
class Examples:
    """Everything one target is learned from, judged on and used on."""

    features: pd.DataFrame
    places: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]

    def _rows(self, split: str) -> Rows:
        return Rows(
            self.features.take(self.places[split]).reset_index(drop=True), self.labels[split]
        )

    @cached_property
    def train(self) -> Rows:
        """Rows of the train cutoffs."""
        return self._rows("train")

    @cached_property
    def test(self) -> Rows:
        """Rows of the test cutoff."""
        return self._rows("test")

    @cached_property
    def score(self) -> pd.DataFrame:
        """Rows of the score cutoff, which models are used on; of the test where there are none."""
        rows = self._rows("score").frame
        return rows if len(rows) else self.test.frame

    def past(self, columns: Sequence[str]) -> pd.DataFrame:
        """These columns at the train cutoffs and the test cutoff."""
        places = np.concatenate([self.places["train"], self.places["test"]])
        return self.features[list(columns)].take(places).reset_index(drop=True)


class LabelledRows:
    """Features once, and for each target the places of the rows it has a label for.

    A customer at a cutoff is eligible for many targets. Joining labels and features would copy
    the features for each of them.
    """

    def __init__(self, features: pd.DataFrame, labels: pd.DataFrame) -> None:
        order = ["cutoff_name", "customer_key"]
        self._features = features.sort_values(order, kind="stable").reset_index(drop=True)
        known = labels[~labels.duplicated(["customer_key", "cutoff_name", "target"])]
        self._windows = known.drop_duplicates(["target", "cutoff_name"])
        self.targets = sorted(known["target"].unique())
        place = self._places(known)
        self._labels = pd.DataFrame(
            {
                "target": known["target"].to_numpy(),
                "place": place,
                "label": known["label"].astype("boolean").to_numpy(dtype=float, na_value=np.nan),
            }
        )[place >= 0]

    def _places(self, labels: pd.DataFrame) -> np.ndarray:
        """Position of each label's row of features; -1 where there is none."""
        customers = pd.Index(self._features["customer_key"].unique())
        cutoffs = pd.Index(self._features["cutoff_name"].unique())

        def number(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
            customer = customers.get_indexer(frame["customer_key"]).astype(np.int64)
            cutoff = cutoffs.get_indexer(frame["cutoff_name"]).astype(np.int64)
            return customer * len(cutoffs) + cutoff, (customer >= 0) & (cutoff >= 0)

        places = np.full(len(customers) * len(cutoffs) + 1, -1, dtype=np.int64)
        places[number(self._features)[0]] = np.arange(len(self._features))
        cell, is_known = number(labels)
        return places[np.where(is_known, cell, len(places) - 1)]

    def of(self, target: Target) -> Examples:
        """The rows of one target.

        Raises
        ------
        LeakageError
            If a training label window closes after the test cutoff.
        """
        windows = self._windows[self._windows["target"] == target.target]
        if "cutoff_on" in windows.columns:
            check_windows(windows, horizon_days=target.horizon_days)
        part = self._labels[self._labels["target"] == target.target].sort_values("place")
        split = self._features["split"].to_numpy()[part["place"]]
        places, labels = {}, {}
        for name in SPLITS:
            # What is to be scored has no label yet; elsewhere a row without one teaches nothing.
            chosen = part[(split == name) & (part["label"].notna() | (name == "score"))]
            places[name] = chosen["place"].to_numpy()
            labels[name] = chosen["label"].to_numpy() == 1
        return Examples(self._features, places, labels)

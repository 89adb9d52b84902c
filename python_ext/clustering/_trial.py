"""All candidate segmentations of one sample of customers: fitted, measured, judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from python_ext.clustering import _algorithms, _indices, _rule
from python_ext.clustering._algorithms import Algorithm, Partition
from python_ext.clustering._assigners import centroids_of
from python_ext.clustering._candidates import FIGURES
from python_ext.clustering._rfm import RFM

ALGORITHMS = _rule.ORDER
REFERENCE_ROWS = 750  # structureless sets, and what is compared with them, have so many
RESAMPLED_ROWS = 1500
MIXTURE_REFERENCES = 4
RESAMPLES = {"kmeans": 12}  # the others cost more and are resampled less
FEWER_RESAMPLES = 6
FEWER_REFERENCES = 5
EXAMINED = 2  # mixtures of the lowest BIC whose stability is measured


@dataclass(frozen=True)
class Decision:
    """What the rule chose and what is taken."""

    by_rule: str
    chosen: str
    judged: Mapping[str, _rule.Verdict]
    reasons: Mapping[str, str]
    said: str = ""  # of a choice the analyst fixed


@dataclass
class Trial:
    """All candidates on one sample of customers; distances and references are shared."""

    points: np.ndarray
    seed: int
    min_segment_share: float
    rows: list[dict] = field(default_factory=list)
    partitions: dict[str, tuple[str, Partition]] = field(default_factory=dict)
    by_chance: dict[int, float] = field(default_factory=dict)
    judged_labels: dict[str, np.ndarray] = field(default_factory=dict)
    gains: dict[str, float] = field(default_factory=dict)
    refuted: dict[str, str] = field(default_factory=dict)
    upheld: set[str] = field(default_factory=set)
    gap_of_one: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.distances = _indices.distances_between(self.points)
        self.nearest = _indices.nearest_rows(self.distances)
        self.part = _indices.draw_rows(len(self.points), REFERENCE_ROWS, seed=self.seed)
        self.nearest_of_part = _indices.nearest_rows(self.distances[np.ix_(self.part, self.part)])
        self.counts = _indices.resamples_of(max(len(self.points), 1), seed=self.seed)
        self.resampled = _indices.draw_rows(len(self.points), RESAMPLED_ROWS, seed=self.seed)

    def run_all(
        self, algorithms: Sequence[str], most: int, *, thorough: bool, also: int | None
    ) -> None:
        """k-means for every number; the others everywhere if ``thorough``, else near its choice."""
        self.run(_algorithms.KMEANS, range(1, most + 1))
        if most < 2:
            return
        near = self.judge("kmeans").champion
        middle = self.partitions[near][1].k if near else 3
        ks = range(2, most + 1) if thorough else range(middle - 1, middle + 2)
        ks = sorted({k for k in (*ks, also or middle) if 2 <= k <= most})
        for name in algorithms:
            if name in ("ward", "average") and (name == "ward" or thorough):
                self.run(_algorithms.tree_of(name), ks)
            elif name == "gmm":
                self.run_mixtures(ks, middle=min(middle, most), also=also)
            elif name in _rule.DENSITY and thorough:
                least = self.min_segment_share
                self.run(_algorithms.density_of(name, least_share=least), ks)

    def run(self, algorithm: Algorithm, ks: Sequence[int]) -> None:
        """Fit, judge, compare with structureless data and resample one algorithm."""
        ks = list(ks)
        found = dict(algorithm.fit(self.points, ks, seed=self.seed))
        dense = algorithm.name in _rule.DENSITY
        found = {k: p for k, p in found.items() if k in ks or (dense and k >= 2)}
        if not found:
            return
        judged = list(found)
        rows = self.add(algorithm.name, found)
        stable = _indices.bootstrap_stability(
            self.points[self.resampled],
            {k: p.labels[self.resampled] for k, p in found.items() if k > 1},
            algorithm=algorithm,
            resamples=RESAMPLES.get(algorithm.name, FEWER_RESAMPLES),
            seed=self.seed,
        )
        compared = {}
        if not dense:
            # Ward's gap, too, is measured from the one segment that needs no tree.
            every = sorted({1, *judged})
            compared = _indices.compare_with_reference(
                self.points[self.part],
                every,
                algorithm=algorithm,
                references=8 if algorithm.name == "kmeans" else FEWER_REFERENCES,
                seed=self.seed,
            )
            self.gap_of_one[algorithm.name] = compared["gap"][0]
            compared = {name: dict(zip(every, v, strict=True)) for name, v in compared.items()}
        if algorithm.name == "kmeans":
            self.by_chance = compared["connectivity_reference"]
        labels_of = {
            k: self.judged_labels[row["candidate"]] for k, row in zip(found, rows, strict=True)
        }
        elbow = _indices.elbow(np.array([row["inertia"] for row in rows]))
        for i, (k, row) in enumerate(zip(judged, rows, strict=True)):
            row |= {name: values[k] for name, values in compared.items() if name in FIGURES}
            row["elbow"] = elbow[i]
            row["stability_mean"], row["stability_min"] = _mean_and_least(stable.get(k))
            row["connectivity_excess"] = self._spared(k, labels_of[k])

    def run_mixtures(self, ks: Sequence[int], *, middle: int, also: int | None) -> None:
        """Covariance types at k-means' number, then every number with the best type."""
        starts = {k: self.partitions[f"kmeans_{k}"][1].labels for k in {*ks, middle}}
        starts[1] = np.zeros(len(self.points), int)

        def fit(k: int, kind: str) -> Partition:
            return _algorithms.mixture(self.points, starts[k], k, covariance_type=kind)

        kinds = {kind: fit(middle, kind) for kind in _algorithms.COVARIANCE_TYPES}
        best = min(kinds, key=lambda kind: kinds[kind].bic)
        for kind, partition in kinds.items():
            if kind != best:
                self.add(f"gmm_{kind}", {middle: partition})
        found = {k: kinds[best] if k == middle else fit(k, best) for k in ks}
        found = {k: p for k, p in found.items() if len(np.unique(p.labels)) == k}
        rows = dict(zip(found, self.add(f"gmm_{best}", found), strict=True))
        by_bic = sorted(found, key=lambda k: found[k].bic)
        large = [k for k in by_bic if rows[k]["smallest_share"] >= self.min_segment_share]
        examined = {*large[:EXAMINED], *({middle, also} & set(found))}
        one = fit(1, best).bic
        algorithm = _algorithms.mixture_of(best)
        for k in sorted(examined):
            resampled = self.points[self.resampled]
            labels = found[k].labels[self.resampled]
            stable = _indices.bootstrap_stability(
                resampled,
                {k: labels},
                algorithm=algorithm,
                resamples=FEWER_RESAMPLES,
                n_init=1,
                seed=self.seed,
            )
            rows[k]["stability_mean"], rows[k]["stability_min"] = _mean_and_least(stable[k])
            gain = (one - found[k].bic) / (2 * len(self.points))
            self.gains[rows[k]["candidate"]] = gain
            chance = self._chance_gain(k, best)
            rows[k]["gap"] = gain - chance.mean()
            rows[k]["gap_se"] = chance.std() * np.sqrt(1 + 1 / len(chance))
        self.gap_of_one["gmm"] = 0.0

    def _chance_gain(self, k: int, kind: str, *, turned: bool = True) -> np.ndarray:
        """Gain in BIC per row over one component, on structureless sets."""
        _, drawn = _indices.reference_sets(
            self.points[self.part], number=MIXTURE_REFERENCES, seed=self.seed, turned=turned
        )
        gains = []
        for rows in drawn:
            start = _algorithms.kmeans(rows, [1, k], seed=self.seed, n_init=1)
            one, many = (
                _algorithms.mixture(rows, start[n].labels, n, covariance_type=kind).bic
                for n in (1, k)
            )
            gains.append((one - many) / (2 * len(rows)))
        return np.array(gains)

    def add(self, name: str, found: Mapping[int, Partition]) -> list[dict]:
        """Rows of the candidates with the figures that need no other fit."""
        added = []
        for k, partition in found.items():
            candidate, algorithm = f"{name}_{k}", name.split("_")[0]
            assigned = partition.labels if algorithm == RFM else self._assigned(partition)
            # k-means is judged by its own labels, whose sum of squares is the least.
            labels = partition.labels if algorithm == "kmeans" else assigned
            self.partitions[candidate] = (algorithm, partition)
            sizes = np.bincount(labels, minlength=k)
            fitted = partition.labels >= 0
            row = {
                "candidate": candidate,
                "algorithm": algorithm,
                "k": k,
                **dict.fromkeys(FIGURES, np.nan),
                "inertia": _indices.within(self.points, labels),
                "bic": partition.bic,
                "smallest_share": sizes.min() / max(len(labels), 1) if len(labels) else 1.0,
                "noise_share": _indices.share_of_noise(partition.labels),
                "agreement": float((assigned == partition.labels)[fitted].mean())
                if fitted.any()
                else 1.0,
                "parameters": partition.parameters,
            }
            if len(labels):
                row |= _indices.separation(
                    self.points, labels, distances=self.distances, nearest=self.nearest
                )
            if k > 1:
                scores = _indices.silhouettes(self.distances, labels)
                low, high = _indices.interval_of_mean(scores, self.counts)
                row["silhouette_lower"], row["silhouette_upper"] = low, high
            row["connectivity_excess"] = self._spared(k, labels)
            self.judged_labels[candidate] = labels
            added.append(row)
        self.rows += added
        return added

    def _spared(self, k: int, labels: np.ndarray) -> float:
        """Share of the links that k-means cuts on structureless data and these labels do not."""
        cut = self.by_chance.get(k, 0.0)
        if not cut > 0:
            return np.nan
        return 1 - _indices.connectivity(self.nearest_of_part, labels[self.part]) / cut

    def _assigned(self, partition: Partition) -> np.ndarray:
        """The labels customers would get: noise goes to the nearest segment."""
        if partition.k < 2:
            return partition.labels
        assigner = partition.assigner or centroids_of(self.points, partition.labels, partition.k)
        return assigner.probabilities(self.points).argmax(axis=1)

    @property
    def table(self) -> pd.DataFrame:
        """One row per candidate."""
        return pd.DataFrame(self.rows)

    def judge(self, algorithm: str) -> _rule.Verdict:
        """The rule inside one algorithm."""
        while True:
            table = self.table
            verdict = _rule.judge_algorithm(
                table[(table["algorithm"] == algorithm) & (table["k"] > 1)],
                self.gap_of_one.get(algorithm, np.nan),
                min_segment_share=self.min_segment_share,
                refuted=self.refuted,
            )
            if verdict.champion is None or verdict.champion in self.upheld:
                return verdict
            self._verify(verdict.champion)

    def _verify(self, candidate: str) -> None:
        """Whether the best candidate is clearer than the box of the coordinates as well.

        The principal axes of a square may be its diagonals, and whatever fills a square is
        clearer than the larger box around it.
        """
        algorithm, partition = self.partitions[candidate]
        k = partition.k
        self.upheld.add(candidate)
        if algorithm in _rule.DENSITY:
            return
        if algorithm == "gmm":
            kind = partition.assigner.covariance_type
            chance = self._chance_gain(k, kind, turned=False)
            gain = self.gains[candidate] - chance.mean()
            error, one = chance.std() * np.sqrt(1 + 1 / len(chance)), 0.0
        else:
            tried = _algorithms.KMEANS if algorithm == "kmeans" else _algorithms.tree_of(algorithm)
            found = _indices.compare_with_reference(
                self.points[self.part],
                [1, k],
                algorithm=tried,
                references=FEWER_REFERENCES,
                seed=self.seed,
                turned=False,
            )
            (one, gain), (_, error) = found["gap"], found["gap_se"]
        if not gain - 2 * error > one:
            self.refuted[candidate] = (
                f"in the box of the coordinates its gap of {gain:.3f} is not above the {one:.3f} "
                f"of one segment by two standard errors of {error:.3f}: no clearer than "
                "structureless data"
            )

    def decide(self, *, fixed_k: int | None, fixed_algorithm: str | None) -> Decision:
        """The rule among algorithms, and what the analyst fixed."""
        table = self.table.set_index("candidate", drop=False)
        names = [n for n in ALGORITHMS if ((table["algorithm"] == n) & (table["k"] > 1)).any()]
        judged = {name: self.judge(name) for name in names}
        reasons = {
            key: text for verdict in judged.values() for key, text in verdict.reasons.items()
        }
        champions = [verdict.champion for verdict in judged.values() if verdict.champion]
        by_rule = "kmeans_1"
        if champions:
            by_rule, said = _rule.judge_champions(table.loc[champions])
            reasons |= {name: f"{reasons[name]}. {text}" for name, text in said.items()}
        if fixed_k is None and fixed_algorithm is None:
            return Decision(by_rule, by_rule, judged, reasons)
        chosen, said = self._fixed(table, judged, by_rule, fixed_k, fixed_algorithm)
        return Decision(by_rule, chosen, judged, reasons, said)

    def _fixed(
        self,
        table: pd.DataFrame,
        judged: Mapping[str, _rule.Verdict],
        by_rule: str,
        fixed_k: int | None,
        fixed_algorithm: str | None,
    ) -> tuple[str, str]:
        asked = " and ".join(
            [f"{fixed_k} segments"] * (fixed_k is not None)
            + [fixed_algorithm or ""] * (fixed_algorithm is not None)
        )
        for algorithm in dict.fromkeys(
            [fixed_algorithm or table.loc[by_rule, "algorithm"], "kmeans"]
        ):
            rows = table[table["algorithm"] == algorithm]
            rows = rows[rows["k"] == fixed_k] if fixed_k is not None else rows[rows["k"] > 1]
            if algorithm == "gmm" and len(rows):
                rows = rows[rows["stability_min"].notna()]
            if len(rows) == 0:
                continue
            if fixed_algorithm in (None, algorithm):
                champion = judged[algorithm].champion if algorithm in judged else None
                least = _rule.least_objectionable(rows, min_segment_share=self.min_segment_share)
                return champion if champion in rows.index else least, "fixed by the analyst"
        return by_rule, f"fixed by the analyst, {asked} was asked, which these data do not allow"

    def describe(
        self, decision: Decision, *, nothing: str | None, falls_back: bool
    ) -> pd.DataFrame:
        """The table with verdicts, choice and reasons."""
        table = self.table
        chosen = table["candidate"].iloc[-1] if falls_back else decision.chosen
        admissible = {name for verdict in decision.judged.values() for name in verdict.admissible}
        votes = {key: n for verdict in decision.judged.values() for key, n in verdict.votes.items()}
        reasons = dict(decision.reasons)
        nobody = "no stable segmentation exists: " + (
            nothing or "no candidate is large enough, stable and clearer than structureless data"
        )
        reasons["kmeans_1"] = "not needed: an admissible segmentation exists"
        if decision.by_rule == "kmeans_1":
            admissible.add("kmeans_1")
            reasons["kmeans_1"] = f"everyone is one segment: {nobody}"
        if falls_back:
            reasons[chosen] = f"{nobody}. The RFM segments stand in"
        by_rule = table[table["candidate"] == decision.by_rule].iloc[0]
        lost = ""
        if decision.said:
            taken = table[table["candidate"] == chosen].iloc[0]
            reasons[chosen] = (
                f"{decision.said}; the rule chooses {decision.by_rule}. {reasons.get(chosen, '')}"
            )
            if chosen != decision.by_rule:
                lost = _rule.given_up(taken, by_rule if by_rule["k"] > 1 else None)
        return table.assign(
            votes=[votes.get(name, 0) for name in table["candidate"]],
            is_admissible=[name in admissible for name in table["candidate"]],
            is_chosen=table["candidate"] == chosen,
            reason=[_reason(row, reasons) for _, row in table.iterrows()],
            given_up=[lost if name == chosen else "" for name in table["candidate"]],
        )


def _reason(row: pd.Series, reasons: Mapping[str, str]) -> str:
    said = reasons[row["candidate"]]
    return f"{said} ({row['parameters']})" if row["parameters"] else said


def _mean_and_least(values: np.ndarray | None) -> tuple[float, float]:
    return (1.0, 1.0) if values is None else (float(values.mean()), float(values.min()))

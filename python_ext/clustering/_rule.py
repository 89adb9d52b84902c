"""The written rule: which candidate is admissible, how many segments, which algorithm, in words.

Pure functions of the table of candidates (``candidate``, ``algorithm``, ``k`` and the figures).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

UNSTABLE, STABLE = 0.60, 0.75  # Hennig (2007)
TOLERANCE = 0.01  # of an index, about the noise of its reference; within it simpler is better
BIC_TOLERANCE = 10.0  # Raftery (1995): a smaller difference is no very strong evidence
MOST_NOISE = 0.30  # share of customers that may belong nowhere
LEAST_SPARED = 0.05  # of the links cut by chance, that segments worth the name leave uncut
LEAST_GAIN = 0.1  # of a mixture in BIC per customer, above chance; less is sure, but of no use
LESS_STABLE = 0.10  # by which another algorithm may fall short of the simplest one's stability
FEWER_CUTS = 0.20  # of the links cut by chance, by which another algorithm must beat a simpler one
# From the simplest to explain to the hardest.
ORDER = ("kmeans", "ward", "average", "gmm", "dbscan", "hdbscan")
NAMES = {
    "kmeans": "k-means",
    "ward": "Ward",
    "average": "average linkage",
    "gmm": "a Gaussian mixture",
    "dbscan": "DBSCAN",
    "hdbscan": "HDBSCAN",
    "rfm": "the RFM segments",
}
DENSITY = ("dbscan", "hdbscan")


@dataclass(frozen=True)
class Verdict:
    """What the rule says of the candidates of one algorithm.

    Attributes
    ----------
    champion
        Its best candidate; None if none is admissible.
    admissible
        Names of the admissible candidates.
    votes
        Candidate → number of indices that prefer it.
    reasons
        Candidate → why it is or is not the best.
    """

    champion: str | None
    admissible: frozenset[str]
    votes: dict[str, int]
    reasons: dict[str, str]


def objections(row: pd.Series, gap_of_one: float, *, min_segment_share: float) -> list[str]:
    """What speaks against a candidate of two or more segments; nothing if it is admissible."""
    said = []
    if row["smallest_share"] < min_segment_share:
        said.append(
            f"the smallest segment holds {row['smallest_share']:.1%} of customers, "
            f"at least {min_segment_share:.1%} are asked"
        )
    if row["noise_share"] > MOST_NOISE:
        said.append(
            f"{row['noise_share']:.0%} of customers belong to no dense place, "
            f"at most {MOST_NOISE:.0%} may"
        )
    if row["stability_min"] < UNSTABLE:
        said.append(
            f"the least stable segment recurs with a Jaccard index of {row['stability_min']:.2f}, "
            f"at least {UNSTABLE:.2f} is asked"
        )
    if np.isfinite(row["gap"]) and not row["gap"] - 2 * row["gap_se"] > gap_of_one:
        said.append(
            f"the gap of {row['gap']:.3f} is not above the {gap_of_one:.3f} of one segment by two "
            f"standard errors of {row['gap_se']:.3f}: no clearer than structureless data"
        )
    if row["algorithm"] == "gmm" and row["gap"] < LEAST_GAIN:
        said.append(
            f"it gains {row['gap']:.3f} of BIC per customer above structureless data, at least "
            f"{LEAST_GAIN} are asked"
        )
    if row["connectivity_excess"] < LEAST_SPARED:
        said.append(
            f"it spares {row['connectivity_excess']:.0%} of the links between neighbours that are "
            f"cut in structureless data, at least {LEAST_SPARED:.0%} are asked"
        )
    return said


def _voters(admissible: pd.DataFrame, gap_of_one: float) -> dict[str, str]:
    """Index → the candidate it votes for."""
    excess = {
        "silhouette": admissible["silhouette_excess"],
        "Calinski-Harabasz": admissible["calinski_harabasz_excess"],
        "Davies-Bouldin": admissible["davies_bouldin_excess"],
        "gap": admissible["gap"] - gap_of_one,
    }
    votes = {}
    for name, value in excess.items():
        enough = value >= value.max() - TOLERANCE * abs(value.max())
        votes[name] = admissible.loc[admissible.loc[enough, "k"].idxmin(), "candidate"]
    votes["elbow"] = admissible.loc[admissible["elbow"].idxmax(), "candidate"]
    stable = admissible[admissible["stability_min"] >= STABLE]
    if len(stable):
        votes["stability"] = stable.loc[stable["k"].idxmax(), "candidate"]
    return votes


def _by_bic(admissible: pd.DataFrame) -> str:
    close = admissible[admissible["bic"] <= admissible["bic"].min() + BIC_TOLERANCE]
    return close.sort_values(["k", "bic"])["candidate"].iloc[0]


def judge_algorithm(
    table: pd.DataFrame,
    gap_of_one: float,
    *,
    min_segment_share: float,
    refuted: Mapping[str, str] | None = None,
) -> Verdict:
    """How many segments, among the candidates of one algorithm.

    Parameters
    ----------
    table
        Its candidates of two or more segments.
    gap_of_one
        Gap of one segment; 0 for mixtures, whose gap is measured from there.
    refuted
        Candidate → what a closer look found against it.
    """
    refuted = refuted or {}
    against = {
        row["candidate"]: [
            *objections(row, gap_of_one, min_segment_share=min_segment_share),
            *([refuted[row["candidate"]]] if row["candidate"] in refuted else []),
        ]
        for _, row in table.iterrows()
    }
    clear = np.array([not against[name] for name in table["candidate"]])
    # The stability of a mixture whose BIC is far from the lowest is not measured.
    admissible = table[table["stability_min"].notna().to_numpy() & clear]
    reasons = {name: "not examined further: its BIC is higher" for name in against}
    reasons |= {name: "rejected: " + "; ".join(said) for name, said in against.items() if said}
    if not len(admissible):
        return Verdict(None, frozenset(), dict.fromkeys(against, 0), reasons)
    algorithm = table["algorithm"].iloc[0]
    if algorithm in (*DENSITY, "gmm"):
        best = _by_bic(admissible) if algorithm == "gmm" else admissible["candidate"].iloc[0]
        count = {name: int(name == best) for name in against}
        for name in admissible["candidate"]:
            why = (
                "found from density" if algorithm in DENSITY else "the lowest BIC of the admissible"
            )
            if algorithm == "gmm" and name != best:
                why = "a higher BIC, or one too little lower for more segments"
            reasons[name] = f"admissible, {why}"
    else:
        voters = _voters(admissible, gap_of_one)
        count = {name: sum(vote == name for vote in voters.values()) for name in against}
        ranked = admissible.assign(count=admissible["candidate"].map(count))
        best = ranked.sort_values(["count", "k"], ascending=[False, True])["candidate"].iloc[0]
        tie = (ranked["count"] == count[best]).sum() > 1
        for name in admissible["candidate"]:
            which = ", ".join(index for index, vote in voters.items() if vote == name)
            said = f"{count[name]} of {len(voters)} votes" + (f" ({which})" if which else "")
            simplest = "; the simplest of a tie" if tie and name == best else ""
            reasons[name] = f"admissible, {said}{simplest}"
    return Verdict(best, frozenset(admissible["candidate"]), count, reasons)


def judge_champions(champions: pd.DataFrame) -> tuple[str, dict[str, str]]:
    """Which algorithm: the simplest whose segments cut hardly more links than the best.

    One that is clearly less stable than the simplest algorithm is not in the contest.

    Parameters
    ----------
    champions
        The best candidate of each algorithm, at least one.

    Returns
    -------
    tuple
        The chosen candidate, and per champion why it was or was not.
    """
    rank = champions["algorithm"].map({name: i for i, name in enumerate(ORDER)})
    champions = champions.assign(rank=rank).sort_values("rank", kind="stable")
    asked = champions["stability_min"].iloc[0] - LESS_STABLE
    contest = champions[champions["stability_min"] >= asked]
    best = contest["connectivity_excess"].max()
    # Without a comparison at that number of segments (NaN) the simplest algorithm stays.
    enough = ~(contest["connectivity_excess"] < best - FEWER_CUTS)
    winner = contest[enough].iloc[0]
    reasons = {}
    for _, row in champions.iterrows():
        name, spared = row["candidate"], f"{row['connectivity_excess']:.0%}"
        if name == winner["candidate"]:
            reasons[name] = (
                "chosen: no other algorithm found anything"
                if len(champions) == 1
                else f"chosen: spares {spared} of the links between neighbours that chance would "
                "cut, and is the simplest of the algorithms that do about as well"
            )
            continue
        reasons[name] = f"the best of {NAMES[row['algorithm']]}, but "
        if row["stability_min"] < asked:
            reasons[name] += (
                f"less stable ({row['stability_min']:.2f}) than "
                f"{NAMES[champions['algorithm'].iloc[0]]} "
                f"({champions['stability_min'].iloc[0]:.2f}), which is simpler"
            )
        else:
            simpler = ", simpler," if row["rank"] > winner["rank"] else ""
            reasons[name] += (
                f"it spares {spared} of the links that chance would cut and "
                f"{NAMES[winner['algorithm']]}{simpler} {winner['connectivity_excess']:.0%}"
            )
    return str(winner["candidate"]), reasons


def least_objectionable(table: pd.DataFrame, *, min_segment_share: float) -> str:
    """What to take where a choice is forced and nothing is admissible."""
    dust = (table["smallest_share"] < min_segment_share).astype(int)
    unstable = -table["stability_min"].fillna(-1.0)
    ranked = table.assign(dust=dust, unstable=unstable).sort_values(["dust", "unstable", "k"])
    return str(ranked["candidate"].iloc[0])


def given_up(fixed: pd.Series, by_rule: pd.Series | None) -> str:
    """In words, what taking ``fixed`` costs against the choice of the rule.

    Parameters
    ----------
    by_rule
        The rule's choice; None if it finds no stable segmentation.
    """
    figures = (
        ("silhouette", "silhouette", "{:.2f}", 1),
        ("stability of the least stable segment", "stability_min", "{:.2f}", 1),
        ("smallest segment", "smallest_share", "{:.1%}", 1),
        ("neighbour links cut", "connectivity", "{:.1%}", -1),
    )
    if by_rule is None:
        said = f"{fixed['stability_min']:.2f}" if fixed["stability_min"] >= 0 else "not measured"
        return (
            "certainty: the rule finds no stable segmentation; stability of the least stable "
            f"segment {said}"
        )
    worse, better = [], []
    for name, column, form, sign in figures:
        mine, theirs = fixed[column], by_rule[column]
        if not (np.isfinite(mine) and np.isfinite(theirs)):
            continue
        said = f"{name} {form.format(mine)} instead of {form.format(theirs)}"
        if form.format(mine) != form.format(theirs):
            (better if sign * (mine - theirs) > 0 else worse).append(said)
    text = f"against {by_rule['candidate']}: " + ("; ".join(worse) if worse else "nothing")
    return text + (". Gained: " + "; ".join(better) if better else "")

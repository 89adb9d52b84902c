"""Whether a score is driven by what drives the process."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from python_ext.truth._scores import TARGETS

# Days of the week and carts that are left are drawn without regard to the person.
IRRELEVANT = ("weekend_share", "cart_abandonment_rate")
MAIN_SHARE = 0.05
_DIRECTED = 0.1


def process_agreement(scores: pd.DataFrame) -> pd.Series:
    """How far a score follows what the purchases are made of.

    Parameters
    ----------
    scores
        Rows of one target of ``scores_beside_truth``.

    Returns
    -------
    pandas.Series
        attainable: rank correlation with the attainable probability. stopped: chance that a
        customer is placed before somebody who has stopped (0.5 = not told apart), placed by
        readiness to buy. season: among customers, the same of those who buy in months of the
        window against those who do not. rate: among customers who do, rank correlation with
        the true rate. NaN where there is nothing to compare.
    """
    happens = TARGETS[scores["target"].iloc[0]]
    readiness = scores["probability"] if happens else 1 - scores["probability"]
    oracle = scores["oracle"] if happens else 1 - scores["oracle"]
    is_customer = scores["is_customer"].astype(bool)
    is_open = is_customer & (oracle > 0)
    return pd.Series(
        {
            "attainable": _correlation(scores["probability"], scores["attainable"]),
            "stopped": _apart(is_customer, readiness),
            "season": _apart(is_open[is_customer], readiness[is_customer]),
            "rate": _correlation(scores["purchase_rate"][is_open], readiness[is_open]),
        }
    )


def driver_directions(drivers: pd.DataFrame, *, irrelevant=IRRELEVANT) -> pd.DataFrame:
    """Direction of each main driver in the score, and in the process.

    The process has no features, but it says which values go with a high attainable probability:
    the direction of a feature is the sign of its rank correlation with that, where it is 0.1 or
    more.

    Parameters
    ----------
    drivers
        One row per customer and driver named: feature, value (NaN for text), effect (on the
        log-odds), attainable.
    irrelevant
        Features that cannot matter in the process.

    Returns
    -------
    pandas.DataFrame
        feature, share (of all effects, in absolute terms), in_score and in_process (rank
        correlations of the value with effect and attainable), is_main (5 % of the effects or
        more), agrees (null: not a number, or without a direction in the process; False for an
        irrelevant feature that is a main driver). Largest share first.
    """
    total = drivers["effect"].abs().sum()
    rows = []
    for feature, part in drivers.groupby("feature", sort=True):
        share = part["effect"].abs().sum() / total
        known = part[part["value"].notna()]
        in_score = _correlation(known["value"], known["effect"])
        in_process = _correlation(known["value"], known["attainable"])
        is_main = share >= MAIN_SHARE
        agrees = None
        if feature in irrelevant:
            agrees = not is_main
        elif np.isfinite(in_score) and abs(in_process) >= _DIRECTED:
            agrees = bool(in_score * in_process > 0)
        rows.append((feature, share, in_score, in_process, is_main, agrees))
    columns = ["feature", "share", "in_score", "in_process", "is_main", "agrees"]
    table = pd.DataFrame(rows, columns=columns).astype({"agrees": "boolean"})
    return table.sort_values(["share", "feature"], ascending=[False, True], ignore_index=True)


def _correlation(one: pd.Series, other: pd.Series) -> float:
    if one.nunique() < 2 or other.nunique() < 2:
        return float("nan")
    return float(spearmanr(one, other).statistic)


def _apart(is_first: pd.Series, readiness: pd.Series) -> float:
    if is_first.nunique() < 2:
        return float("nan")
    return float(roc_auc_score(is_first, readiness))

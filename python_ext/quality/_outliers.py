"""Three opinions on order lines that are far from what is usual."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.covariance import MinCovDet
from sklearn.ensemble import IsolationForest
from threadpoolctl import threadpool_limits

from python_ext.frames import Schema

NORMAL_MAD = 1.4826  # makes the median absolute deviation of normal values a standard deviation
NORMAL_SPAN = 3.29  # the middle nine tenths of normal values, in standard deviations
COLUMNS = ("quantity_z", "price_z", "value_z", "discount_z")
TREES = 50
SUPPORT = 0.9  # share of the sample that the robust covariance rests on
MIN_ROWS = 50  # fewer lines say nothing about how the columns go together

DEVIATIONS = Schema(dict.fromkeys(COLUMNS, "double"), key=COLUMNS)
"""What two lines of one kind have in common, in robust deviations."""

OUTLIERS_SCHEMA = Schema(
    {
        "order_id": "string",
        "line_number": "bigint",
        "quantity": "double",
        "unit_price": "double",
        "line_value": "double",
        "discount_share": "double",
        "norm_level": "string",
        "robust_z": "double",
        "mahalanobis_distance": "double",
        "isolation_score": "double",
        "votes": "bigint",
        "is_extreme": "boolean",
        "reason_code": "string",
        "reason": "string",
    },
    key=("order_id", "line_number"),
)


def robust_z(values: np.ndarray, *, least_spread: float) -> np.ndarray:
    """Distance from the median in robust deviations: (x - median) / (1.4826 MAD).

    The median and the median absolute deviation (MAD) of Iglewicz and Hoaglin (1993), which a few
    wild values cannot move. Where more than half of the values are equal the MAD is zero and every
    other value would be infinitely far. So where 1.4826 MAD is less than ``least_spread``, the
    span from the 5 % to the 95 % quantile over 3.29 stands in, and never less than
    ``least_spread``. ``int_order_line_norms`` does the same in SQL.

    Parameters
    ----------
    values
        Shape (n,); NaN is left out and stays NaN.
    least_spread
        Above zero, in the unit of the values.
    """
    if not least_spread > 0:
        raise ValueError(f"least_spread must be above zero, not {least_spread}")
    known = values[~np.isnan(values)]
    if not len(known):
        return np.full(len(values), np.nan)
    middle = np.median(known)
    spread = NORMAL_MAD * float(np.median(np.abs(known - middle)))
    if spread < least_spread:
        low, high = np.quantile(known, [0.05, 0.95])
        spread = max(float(high - low) / NORMAL_SPAN, least_spread)
    return (values - middle) / spread


@dataclass(frozen=True)
class OutlierModel:
    """What order lines look like together, learned from a sample, and the limits of the opinions.

    Attributes
    ----------
    center, precision
        Robust centre of the four columns and the inverse of their robust covariance.
    forest
        Isolation forest over the same columns; None where the sample is too small.
    z_limit, distance_limit, isolation_limit
        Beyond which each opinion calls a line extreme.
    votes
        Opinions that make a line extreme.
    """

    center: np.ndarray
    precision: np.ndarray
    forest: IsolationForest | None
    z_limit: float
    distance_limit: float
    isolation_limit: float
    votes: int

    @classmethod
    def fit(
        cls,
        sample: pd.DataFrame,
        *,
        seed: int,
        z_limit: float = 5.0,
        alpha: float = 1e-6,
        isolation_limit: float = 0.7,
        votes: int = 2,
    ) -> OutlierModel:
        """Learn how the columns go together.

        Parameters
        ----------
        sample
            Order lines with ``quantity_z``, ``price_z``, ``value_z`` and ``discount_z``, each in
            robust deviations.
        seed
            Of the robust covariance and of the forest.
        z_limit
            Robust deviations of one column that are extreme.
        alpha
            Share of normal lines beyond the limit of the distance: it is the square root of the
            χ² quantile at 1 - alpha with four degrees of freedom.
        isolation_limit
            Isolation score (0 to 1, about 0.5 for a usual line) that is extreme.
        votes
            Opinions needed, 1 to 3.
        """
        values = sample[list(COLUMNS)].to_numpy(dtype=float)
        values = values[np.isfinite(values).all(axis=1)]
        limit = float(np.sqrt(stats.chi2.isf(alpha, len(COLUMNS))))
        with threadpool_limits(1):
            center, covariance = robust_covariance(values, seed=seed)
            forest = None
            if len(values) >= MIN_ROWS:
                forest = IsolationForest(n_estimators=TREES, random_state=seed).fit(values)
        precision = np.linalg.inv(covariance)
        return cls(center, precision, forest, z_limit, limit, isolation_limit, votes)

    def far_kinds(self, kinds: pd.DataFrame) -> pd.DataFrame:
        """The kinds of lines that at least one opinion calls extreme, whatever is usual.

        Parameters
        ----------
        kinds
            Columns of ``DEVIATIONS``.

        Returns
        -------
        pandas.DataFrame
            The same columns. Lines of no other kind are in ``judge``'s result.
        """
        values = _deviations(kinds)
        *_, votes = self._opinions(values, values)
        return kinds.loc[votes > 0, list(COLUMNS)]

    def judge(self, lines: pd.DataFrame) -> pd.DataFrame:
        """The lines that at least one opinion calls extreme.

        Parameters
        ----------
        lines
            Columns of ``int_order_lines_scaled``.

        Returns
        -------
        pandas.DataFrame
            Columns of ``OUTLIERS_SCHEMA``. ``robust_z`` is the one farthest from zero, but of a
            quantity or price within the middle nine tenths of its product: that is usual, however
            close together the rest lies.
        """
        lines = lines.reset_index(drop=True)
        if lines.empty:
            return pd.DataFrame(columns=list(OUTLIERS_SCHEMA))
        values = _deviations(lines)
        alone = np.where(_is_usual(lines), 0.0, values)
        z, distance, isolation, votes = self._opinions(values, alone)
        judged = lines.assign(
            **dict(zip(COLUMNS, alone.T, strict=True)),
            robust_z=z,
            mahalanobis_distance=distance,
            isolation_score=isolation,
            votes=votes,
            is_extreme=votes >= self.votes,
        )[votes > 0]
        said = [_reason(row, self.z_limit) for row in judged.to_dict("records")]
        judged["reason_code"] = pd.Series([code for code, _ in said], judged.index, dtype=object)
        judged["reason"] = pd.Series([text for _, text in said], judged.index, dtype=object)
        return judged[list(OUTLIERS_SCHEMA)]

    def _opinions(
        self, values: np.ndarray, alone: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Of each row the farthest value by itself, distance, isolation score and votes."""
        z = alone[np.arange(len(alone)), np.abs(alone).argmax(axis=1)]
        away = values - self.center
        distance = np.sqrt(np.einsum("ij,jk,ik->i", away, self.precision, away))
        isolation = np.full(len(values), np.nan)
        if self.forest is not None and len(values):
            with threadpool_limits(1):
                isolation = -self.forest.score_samples(values)
        votes = (
            (np.abs(z) >= self.z_limit).astype(int)
            + (distance >= self.distance_limit)
            + (np.nan_to_num(isolation) >= self.isolation_limit)
        )
        return z, distance, isolation, votes


def _deviations(lines: pd.DataFrame) -> np.ndarray:
    values = lines[list(COLUMNS)].to_numpy(dtype=float)
    return np.where(np.isfinite(values), values, 0.0)


def robust_covariance(values: np.ndarray, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Centre and covariance by the minimum covariance determinant (Rousseeuw 1984).

    The columns are in robust deviations. In a direction in which most lines are equal the variance
    found is zero and any difference would be infinitely far, so every eigenvalue is raised to at
    least 1, one robust deviation. With too few rows, or rows that hardly differ, the centre is 0
    and the covariance the unit matrix, which the deviations have by definition.
    """
    columns = values.shape[1]
    if len(values) < MIN_ROWS:
        return np.zeros(columns), np.eye(columns)
    try:
        with warnings.catch_warnings():
            # Said of every sample in which a column is constant for most rows; raised below.
            warnings.filterwarnings("ignore", message="The covariance matrix associated")
            warnings.filterwarnings("ignore", message="Determinant has increased")
            found = MinCovDet(support_fraction=SUPPORT, random_state=seed).fit(values)
    except ValueError:
        return np.zeros(columns), np.eye(columns)
    eigenvalues, vectors = np.linalg.eigh(found.covariance_)
    return found.location_, (vectors * np.maximum(eigenvalues, 1.0)) @ vectors.T


_USUAL = {
    "product": "this product",
    "category": "the category of this product",
    "all": "all products",
}


def _reason(line: dict, z_limit: float) -> tuple[str, str]:
    """Code and words: the most telling column beyond the limit, else the combination."""
    usual = _USUAL[line["norm_level"]]
    price, amount = _money(line["unit_price"]), abs(line["quantity"])
    pieces = f"{_amount(amount)} piece{'' if amount == 1 else 's'}"
    low, high = line["quantity_low"], line["quantity_high"]
    if line["quantity"] == round(line["quantity"]):
        low, high = np.floor(low), np.ceil(high)
    usual_pieces = _range(_amount(low), _amount(high))
    usual_price = _range(_money(line["price_low"]), _money(line["price_high"]))
    if abs(line["quantity_z"]) >= z_limit:
        back = " returned" if line["quantity"] < 0 else ""
        return "extreme_quantity", f"{pieces}{back} where {_are(usual_pieces)} usual for {usual}"
    if abs(line["price_z"]) >= z_limit:
        return "extreme_price", f"a price of {price} where {_are(usual_price)} usual for {usual}"
    if abs(line["discount_z"]) >= z_limit:
        return "extreme_discount", f"a discount of {line['discount_share']:.0%} of the order"
    if abs(line["value_z"]) >= z_limit:
        side = "large" if line["value_z"] > 0 else "small"
        value = _money(line["line_value"])
        kind = "an order line" if line["category"] == "unknown" else "its category"
        return "extreme_value", f"a line value of {value}, unusually {side} for {kind}"
    return (
        "extreme_combination",
        f"rare together: {pieces} at {price} with {line['discount_share']:.0%} discount; usual for "
        f"{usual} are {usual_pieces} at {usual_price}",
    )


def _is_usual(lines: pd.DataFrame) -> np.ndarray:
    """Whether quantity and price lie in the middle nine tenths; value and discount have none."""
    usual = np.zeros((len(lines), len(COLUMNS)), dtype=bool)
    for place, (column, name) in enumerate((("quantity", "quantity"), ("unit_price", "price"))):
        size = lines[column].abs()
        usual[:, place] = (size >= lines[f"{name}_low"]) & (size <= lines[f"{name}_high"])
    return usual


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _are(span: str) -> str:
    return f"{span} are" if " to " in span else f"{span} is"


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 100 else f"{value:.3g}"


def _money(value: float) -> str:
    return f"{value:,.2f}"

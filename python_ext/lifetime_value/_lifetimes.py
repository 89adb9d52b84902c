"""The models of each cutoff, and what they say of each customer."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from python_ext.frames import Schema
from python_ext.lifetime_value._bg_nbd import (
    bg_nbd_expected_purchases,
    bg_nbd_p_alive,
    fit_bg_nbd,
)
from python_ext.lifetime_value._clv import discounted_purchases
from python_ext.lifetime_value._fitting import Fit
from python_ext.lifetime_value._gamma_gamma import (
    check_independence,
    expected_order_value,
    fit_gamma_gamma,
)
from python_ext.lifetime_value._pareto_nbd import fit_pareto_nbd
from python_ext.lifetime_value._pooling import Histories, pool

DAYS_OF_WEEK = 7
WEEKS_OF_YEAR = 365 / DAYS_OF_WEEK
STEP_WEEKS = 30 / DAYS_OF_WEEK
# Where the Pareto/NBD model is fitted as a check, and on how many histories at most: its
# likelihood costs a hundred times that of the BG/NBD model.
CHECKED = ("score", "test")
CHECK_HISTORIES = 5_000

LIFETIME_MODELS_SCHEMA = Schema(
    {
        "cutoff_name": "string",
        "model": "string",
        "cutoff_on": "date",
        "is_used": "boolean",
        "customers": "bigint",
        "repeat_customers": "bigint",
        "parameters": "string",
        "standard_errors": "string",
        "log_likelihood": "double",
        "converged": "boolean",
        "warnings": "string",
    },
    key=("cutoff_name", "model"),
)

LIFETIMES_SCHEMA = Schema(
    {
        "customer_key": "string",
        "cutoff_name": "string",
        "cutoff_on": "date",
        "x": "bigint",
        "t_x": "double",
        "t": "double",
        "repeat_order_value": "double",
        "p_alive": "double",
        "expected_purchases": "double",
        "expected_order_value": "double",
        "expected_revenue": "double",
        "clv": "double",
        "clv_basis": "string",
        "purchase_model": "string",
        "last_event_at": "timestamp",
    },
    key=("customer_key", "cutoff_name"),
)


def fit_lifetimes(pooled: pd.DataFrame, *, least_repeat_customers: int, least_costed_share: float):
    """Fit every model at every cutoff on what was known before it.

    Parameters
    ----------
    pooled : pandas.DataFrame
        Rows of ``int_lifetimes_pooled``: histories with the number of customers that share them.
        Times are in weeks.
    least_repeat_customers : int
        Fewer customers with a second purchase give no model.
    least_costed_share : float
        Least share of net revenue with a known cost from which value is counted in margin.

    Returns
    -------
    pandas.DataFrame
        Rows of ``LIFETIME_MODELS_SCHEMA``: per cutoff ``population`` (plain figures of all
        customers, which stand in where a model cannot be had), ``bg_nbd``, ``gamma_gamma`` and
        ``pareto_nbd`` (a check that scores nobody, at the score and test cutoffs).
    """
    rows: list[dict] = []
    # A table has no order, and a sum of fractions depends on it in the last digits.
    pooled = pooled.sort_values(["cutoff_name", "x", "t_x", "t", "repeat_order_value"])
    for (cutoff_name, cutoff_on), part in pooled.groupby(["cutoff_name", "cutoff_on"]):
        histories = pool(part["x"], part["t_x"], part["t"], part["customers"])
        population = _measure_population(part, histories, least_costed_share)
        common = {
            "cutoff_name": cutoff_name,
            "cutoff_on": cutoff_on,
            "customers": int(histories.customers),
            "repeat_customers": int(histories.repeat_customers),
        }
        rows.append({**common, **_row(population), "is_used": True})
        few = histories.repeat_customers < least_repeat_customers
        fits = {
            "bg_nbd": lambda h=histories: fit_bg_nbd(h),
            "gamma_gamma": lambda p=part: _fit_values(p),
            "pareto_nbd": lambda h=histories: _fit_check(h),
        }
        for model, fit in fits.items():
            if model == "pareto_nbd" and cutoff_name not in CHECKED:
                continue
            fitted = _too_few(model, histories, least_repeat_customers) if few else fit()
            used = fitted.converged and model != "pareto_nbd"
            if model == "gamma_gamma":
                used = used and fitted.parameters["q"] > 1
            rows.append({**common, **_row(fitted), "is_used": used})
    return pd.DataFrame(rows, columns=list(LIFETIME_MODELS_SCHEMA))


def _too_few(model: str, histories: Histories, least: int) -> Fit:
    told = (
        f"Not fitted: {histories.repeat_customers:.0f} of {histories.customers:.0f} customers "
        f"bought again, and {least} are needed. The mean of all customers stands in."
    )
    return Fit(model, {}, {}, float("nan"), histories.customers, False, (told,))


def _fit_check(histories: Histories) -> Fit:
    """Pareto/NBD on every k-th history in their order, where there are very many."""
    step = -(-len(histories.x) // CHECK_HISTORIES)
    if step == 1:
        return fit_pareto_nbd(histories)
    fields = (histories.x, histories.t_x, histories.t, histories.weight)
    fit = fit_pareto_nbd(Histories(*(column[::step] for column in fields)))
    told = f"Fitted on every {step}th history only: it is a check, and dear to compute."
    return replace(fit, warnings=(*fit.warnings, told))


def _fit_values(part: pd.DataFrame) -> Fit:
    columns = part["x"], part["repeat_order_value"], part["customers"]
    if not ((part["x"] > 0) & (part["repeat_order_value"] > 0)).any():
        told = "Not fitted: no repeat purchase has a positive value."
        return Fit("gamma_gamma", {}, {}, float("nan"), 0.0, False, (told,))
    fit = fit_gamma_gamma(*columns)
    return replace(fit, warnings=(*fit.warnings, check_independence(*columns)[1]))


def _measure_population(part: pd.DataFrame, histories: Histories, least_costed_share: float) -> Fit:
    """Plain figures of all customers: what stands in, and what turns order value into revenue."""
    purchases = float(((part["x"] + 1) * part["customers"]).sum())
    sold, net = float(part["sold_revenue"].sum()), float(part["net_revenue"].sum())
    costed = float(part["costed_revenue"].fillna(0).sum())
    weeks = float(histories.weight @ histories.t)
    is_costed = net > 0 and costed > 0 and costed >= least_costed_share * net
    parameters = {
        "purchases_per_week": float(histories.weight @ histories.x) / weeks if weeks else 0.0,
        "order_value": sold / purchases,
        # Order values are before returns, revenue is after them.
        "kept_share": min(max(net / sold, 0.0), 1.0) if sold > 0 else 0.0,
    }
    if is_costed:
        parameters["margin_rate"] = float(part["costed_margin"].sum()) / costed
        told = "Customer lifetime value is counted in margin."
    else:
        told = (
            f"Customer lifetime value is counted in revenue, not margin: the cost of less than "
            f"{least_costed_share:.0%} of revenue is known."
        )
    return Fit("population", parameters, {}, float("nan"), histories.customers, True, (told,))


def _row(fit: Fit) -> dict:
    def as_json(numbers: dict[str, float]) -> str:
        return json.dumps({k: v if np.isfinite(v) else None for k, v in numbers.items()})

    return {
        "model": fit.model,
        "parameters": as_json(fit.parameters),
        "standard_errors": as_json(fit.standard_errors),
        "log_likelihood": fit.log_likelihood,
        "converged": fit.converged,
        "warnings": json.dumps(list(fit.warnings)),
    }


@dataclass(frozen=True)
class Lifetimes:
    """Models by cutoff, ready to score.

    Attributes
    ----------
    parameters : dict
        By cutoff and model, parameters of the models that are used.
    horizon_days, clv_days : float
        How far ahead purchases and lifetime value look.
    yearly_rate : float
        Discount rate of a year.
    """

    parameters: dict[str, dict[str, dict[str, float]]]
    horizon_days: float
    clv_days: float
    yearly_rate: float

    @classmethod
    def load(cls, models: pd.DataFrame, *, horizon_days, clv_days, yearly_rate) -> Lifetimes:
        """From rows of ``LIFETIME_MODELS_SCHEMA``."""
        parameters: dict[str, dict] = {}
        for row in models[models["is_used"].astype(bool)].itertuples():
            parameters.setdefault(row.cutoff_name, {})[row.model] = json.loads(row.parameters)
        return cls(parameters, float(horizon_days), float(clv_days), float(yearly_rate))

    def score(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Score rows of ``int_lifetimes_measured``, whatever their cutoffs.

        Returns
        -------
        pandas.DataFrame
            Rows of ``LIFETIMES_SCHEMA``.
        """
        parts = [
            self._score(part, self.parameters[cutoff])
            for cutoff, part in customers.groupby("cutoff_name", sort=True)
        ]
        if not parts:
            return pd.DataFrame(columns=list(LIFETIMES_SCHEMA))
        return pd.concat(parts, ignore_index=True)

    def _score(self, customers: pd.DataFrame, models: dict[str, dict[str, float]]) -> pd.DataFrame:
        population = models["population"]
        history = tuple(customers[name].to_numpy(dtype=float) for name in ("x", "t_x", "t"))
        if "bg_nbd" in models:
            parameters = tuple(models["bg_nbd"].values())
            p_alive = bg_nbd_p_alive(parameters, *history)

            def expected(weeks: float) -> np.ndarray:
                return bg_nbd_expected_purchases(parameters, weeks, *history)
        else:
            p_alive = np.full(len(customers), np.nan)

            def expected(weeks: float) -> np.ndarray:
                return np.full(len(customers), population["purchases_per_week"] * weeks)

        own_value = customers["repeat_order_value"].to_numpy(dtype=float)
        if "gamma_gamma" in models:
            values = tuple(models["gamma_gamma"].values())
            order_value = expected_order_value(values, history[0], np.maximum(own_value, 0))
        else:
            order_value = np.full(len(customers), population["order_value"])
        purchases = expected(self.horizon_days / DAYS_OF_WEEK)
        discounted = discounted_purchases(
            expected,
            horizon=self.clv_days / DAYS_OF_WEEK,
            yearly_rate=self.yearly_rate,
            step=STEP_WEEKS,
            year=WEEKS_OF_YEAR,
        )
        kept_value = order_value * population["kept_share"]
        if "margin_rate" in population:
            own_rate = customers["margin_rate"].to_numpy(dtype=float)
            rate = np.where(np.isnan(own_rate), population["margin_rate"], own_rate)
            basis = "margin"
        else:
            rate, basis = 1.0, "revenue"
        return customers[["customer_key", "cutoff_name", "cutoff_on", "x", "t_x", "t"]].assign(
            repeat_order_value=own_value,
            p_alive=p_alive,
            expected_purchases=purchases,
            expected_order_value=order_value,
            expected_revenue=purchases * kept_value,
            clv=discounted * kept_value * rate,
            clv_basis=basis,
            purchase_model="bg_nbd" if "bg_nbd" in models else "population",
            last_event_at=customers["last_event_at"],
        )

"""How long customers stay, how often they will buy, and what that is worth.

Histories are ``x`` (purchase days less one), ``t_x`` (first to last purchase) and ``t`` (first
purchase to the end of observation), in one time unit of the caller's choice; the models of this
project use weeks.
"""

from python_ext.lifetime_value._bg_nbd import (
    bg_nbd_expected_purchases,
    bg_nbd_log_likelihood,
    bg_nbd_p_alive,
    bg_nbd_unconditional_purchases,
    fit_bg_nbd,
)
from python_ext.lifetime_value._clv import discounted_purchases
from python_ext.lifetime_value._fitting import Fit
from python_ext.lifetime_value._gamma_gamma import (
    check_independence,
    expected_order_value,
    fit_gamma_gamma,
)
from python_ext.lifetime_value._lifetimes import (
    LIFETIME_MODELS_SCHEMA,
    LIFETIMES_SCHEMA,
    Lifetimes,
    fit_lifetimes,
)
from python_ext.lifetime_value._pareto_nbd import fit_pareto_nbd, pareto_nbd_log_likelihood
from python_ext.lifetime_value._pooling import Histories, pool

__all__ = [
    "LIFETIMES_SCHEMA",
    "LIFETIME_MODELS_SCHEMA",
    "Fit",
    "Histories",
    "Lifetimes",
    "bg_nbd_expected_purchases",
    "bg_nbd_log_likelihood",
    "bg_nbd_p_alive",
    "bg_nbd_unconditional_purchases",
    "check_independence",
    "discounted_purchases",
    "expected_order_value",
    "fit_bg_nbd",
    "fit_gamma_gamma",
    "fit_lifetimes",
    "fit_pareto_nbd",
    "pareto_nbd_log_likelihood",
    "pool",
]

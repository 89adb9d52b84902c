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
from python_ext.lifetime_value._boosting import TwoStageModel, train_two_stage
from python_ext.lifetime_value._calibration import (
    CALIBRATION_SCHEMA,
    calibrate_lifetimes,
    calibrate_purchases,
)
from python_ext.lifetime_value._clv import discounted_purchases
from python_ext.lifetime_value._fitting import Fit
from python_ext.lifetime_value._gamma_gamma import (
    check_independence,
    expected_order_value,
    fit_gamma_gamma,
)
from python_ext.lifetime_value._judging import compare_deviance, judge_amounts
from python_ext.lifetime_value._lifetimes import (
    LIFETIME_MODELS_SCHEMA,
    LIFETIMES_SCHEMA,
    Lifetimes,
    fit_lifetimes,
)
from python_ext.lifetime_value._pareto_nbd import (
    fit_pareto_nbd,
    pareto_nbd_expected_purchases,
    pareto_nbd_log_likelihood,
    pareto_nbd_p_alive,
)
from python_ext.lifetime_value._policy import RetrainPolicy
from python_ext.lifetime_value._pooling import Histories, pool
from python_ext.lifetime_value._run import VALUE_MODELS_SCHEMA, last_value_run, run_value
from python_ext.lifetime_value._scoring import CUSTOMER_VALUE_SCHEMA, ValueChampion
from python_ext.lifetime_value._totals import TOTALS_SCHEMA, sum_up_promises

__all__ = [
    "CALIBRATION_SCHEMA",
    "CUSTOMER_VALUE_SCHEMA",
    "Fit",
    "Histories",
    "LIFETIMES_SCHEMA",
    "LIFETIME_MODELS_SCHEMA",
    "Lifetimes",
    "RetrainPolicy",
    "TOTALS_SCHEMA",
    "TwoStageModel",
    "VALUE_MODELS_SCHEMA",
    "ValueChampion",
    "bg_nbd_expected_purchases",
    "bg_nbd_log_likelihood",
    "bg_nbd_p_alive",
    "bg_nbd_unconditional_purchases",
    "calibrate_lifetimes",
    "calibrate_purchases",
    "check_independence",
    "compare_deviance",
    "discounted_purchases",
    "expected_order_value",
    "fit_bg_nbd",
    "fit_gamma_gamma",
    "fit_lifetimes",
    "fit_pareto_nbd",
    "judge_amounts",
    "last_value_run",
    "pareto_nbd_expected_purchases",
    "pareto_nbd_log_likelihood",
    "pareto_nbd_p_alive",
    "pool",
    "run_value",
    "sum_up_promises",
    "train_two_stage",
]

"""What the purchases to come are worth today."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def discounted_purchases(
    expected: Callable[[float], np.ndarray],
    *,
    horizon: float,
    yearly_rate: float,
    step: float,
    year: float,
    paid_at: float = 0.5,
) -> np.ndarray:
    """Purchases of a horizon, each discounted to its beginning.

    Parameters
    ----------
    expected : callable
        From a period to the purchases expected within it.
    horizon : float
        Length of time that counts.
    yearly_rate : float
        Discount rate of a year: 0.1 means that 1.10 in a year is worth 1 today.
    step : float
        The horizon is cut into steps of at most this length.
    year : float
        Length of a year in the same unit.
    paid_at : float, default 0.5
        Where in its step a purchase is taken to fall: 0.5 the middle, 1 the end.

    Returns
    -------
    numpy.ndarray
        One number per customer.
    """
    steps = max(int(np.ceil(horizon / step - 1e-9)), 1)
    length = horizon / steps
    total, before = 0.0, 0.0
    for number in range(1, steps + 1):
        until = expected(number * length)
        when = (number - 1 + paid_at) * length / year
        total = total + (until - before) / (1 + yearly_rate) ** when
        before = until
    return np.asarray(total)

"""Lifetime models against published values, lifetimes' functions, integration and simulation."""

import numpy as np
import pandas as pd
import pytest
from lifetimes import BetaGeoFitter, GammaGammaFitter, ParetoNBDFitter
from scipy.integrate import quad
from scipy.optimize import approx_fprime

from python_ext import lifetime_value as lv
from python_ext.datasets._writing import wheel_file
from python_ext.errors import SegmentationError
from python_ext.lifetime_value import _bg_nbd, _gamma_gamma, _pareto_nbd

# Fader, Hardie and Lee (2005), Fader and Hardie (2005, 2013).
BG_NBD = (0.243, 4.414, 0.793, 2.426)
PARETO_NBD = (0.553, 10.578, 0.606, 11.669)
GAMMA_GAMMA = (6.25, 3.74, 15.44)
# Of simulated customers.
TRUE = (0.8, 6.0, 0.7, 3.0)


@pytest.fixture(scope="module")
def cdnow() -> pd.DataFrame:
    """The one-in-ten sample as published: weeks, first 39 of them."""
    name = "datasets/cdnow_customers_summary_with_transactions.csv"
    rows = pd.read_csv(wheel_file("lifetimes", name, distribution="lifetimes"))
    return rows.set_axis(["customer", "x", "t_x", "t", "value"], axis=1)


@pytest.fixture(scope="module")
def histories(cdnow) -> lv.Histories:
    return lv.pool(cdnow["x"], cdnow["t_x"], cdnow["t"])


@pytest.fixture(scope="module")
def bg_nbd(histories) -> lv.Fit:
    return lv.fit_bg_nbd(histories)


@pytest.fixture(scope="module")
def pareto_nbd(histories) -> lv.Fit:
    return lv.fit_pareto_nbd(histories)


def simulate_bg_nbd(parameters, customers, weeks, *, future=0.0, seed=1) -> pd.DataFrame:
    """Customers who first buy over the first third of the time, by the story of the model."""
    r, alpha, a, b = parameters
    rng = np.random.default_rng(seed)
    rate, leaves = rng.gamma(r, 1 / alpha, customers), rng.beta(a, b, customers)
    t = weeks - rng.uniform(0, weeks / 3, customers)
    now = np.zeros(customers)
    x, later, t_x = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    alive_now = np.ones(customers, dtype=bool)
    active = np.ones(customers, dtype=bool)
    while active.any():
        now = now + rng.exponential(1, customers) / np.maximum(rate, 1e-12)
        before, after = active & (now <= t), active & (now > t) & (now <= t + future)
        x += before
        later += after
        t_x = np.where(before, now, t_x)
        gone = rng.random(customers) < leaves
        alive_now &= ~(before & gone)
        active &= (now <= t + future) & ~gone
    return pd.DataFrame({"x": x, "t_x": t_x, "t": t, "alive": alive_now, "later": later})


class TestReferences:
    """DEFINITIONS: parameters of the CDNOW sample to three digits."""

    def test_bg_nbd(self, bg_nbd):
        assert tuple(round(value, 3) for value in bg_nbd.values) == BG_NBD
        assert bg_nbd.log_likelihood == pytest.approx(-9582.43, abs=0.005)
        assert bg_nbd.converged and bg_nbd.warnings == ()

    def test_pareto_nbd(self, pareto_nbd, histories):
        assert pareto_nbd.values == pytest.approx(PARETO_NBD, abs=0.0015)
        assert pareto_nbd.log_likelihood == pytest.approx(-9594.98, abs=0.01)
        # beta rounds to 11.668: no worse than what was published.
        assert pareto_nbd.log_likelihood > lv.pareto_nbd_log_likelihood(PARETO_NBD, histories)
        assert pareto_nbd.converged

    def test_gamma_gamma(self, cdnow):
        fit = lv.fit_gamma_gamma(cdnow["x"], cdnow["value"])
        assert fit.values == pytest.approx(GAMMA_GAMMA, rel=0.0015)
        assert fit.customers == 946

    def test_standard_errors_are_those_of_lifetimes(self, cdnow, bg_nbd):
        other = BetaGeoFitter().fit(cdnow["x"], cdnow["t_x"], cdnow["t"])
        expected = other.standard_errors_.to_dict()
        assert bg_nbd.standard_errors == pytest.approx(expected, rel=0.01)

    def test_pooling_changes_nothing(self, cdnow, histories):
        assert len(histories.x) < len(cdnow) / 2
        assert histories.customers == len(cdnow)
        apart = lv.Histories(
            *(cdnow[name].to_numpy(dtype=float) for name in ("x", "t_x", "t")), np.ones(len(cdnow))
        )
        for function in (lv.bg_nbd_log_likelihood, lv.pareto_nbd_log_likelihood):
            together = function(BG_NBD, histories)
            assert together == pytest.approx(function(BG_NBD, apart), rel=1e-12)

    def test_a_weight_is_that_many_customers(self, histories, bg_nbd):
        tenfold = lv.fit_bg_nbd(
            lv.pool(histories.x, histories.t_x, histories.t, histories.weight * 10)
        )
        assert tenfold.values == pytest.approx(bg_nbd.values, rel=1e-5)
        assert tenfold.standard_errors["r"] == pytest.approx(
            bg_nbd.standard_errors["r"] / np.sqrt(10), rel=1e-3
        )

    def test_the_unit_of_time_changes_only_the_times(self, histories, bg_nbd):
        days = lv.fit_bg_nbd(
            lv.pool(histories.x, histories.t_x * 7, histories.t * 7, histories.weight)
        )
        r, alpha, a, b = bg_nbd.values
        assert days.values == pytest.approx((r, alpha * 7, a, b), rel=1e-4)


@pytest.mark.parametrize("point", [(0.2, 4.0, 0.8, 2.4), (2.0, 30.0, 0.05, 0.3), (0.9, 1.0, 9, 20)])
def test_gradients_are_the_slopes(cdnow, histories, point):
    logs = np.log(point)
    likelihood = _bg_nbd._Likelihood(histories)
    slopes = approx_fprime(logs, lambda p: likelihood(p)[0], 1e-6)
    assert likelihood(logs)[1] == pytest.approx(slopes, rel=1e-3, abs=0.05)
    used = cdnow[(cdnow["x"] > 0) & (cdnow["value"] > 0)]
    values = _gamma_gamma._Likelihood(
        used["x"].to_numpy(dtype=float), used["value"].to_numpy(), np.ones(len(used))
    )
    slopes = approx_fprime(logs[:3], lambda p: values(p)[0], 1e-6)
    assert values(logs[:3])[1] == pytest.approx(slopes, rel=1e-3, abs=0.05)


@pytest.fixture(scope="module")
def history(cdnow):
    return tuple(cdnow[name].to_numpy(dtype=float) for name in ("x", "t_x", "t"))


@pytest.fixture(scope="module")
def other(cdnow):
    fitter = BetaGeoFitter()
    fitter.params_ = pd.Series(dict(zip(_bg_nbd.NAMES, BG_NBD, strict=True)))
    fitter.predict = fitter.conditional_expected_number_of_purchases_up_to_time
    return fitter


class TestPredictions:
    """The same as the functions of lifetimes, which are an implementation of another hand."""

    def test_p_alive(self, history, other):
        assert lv.bg_nbd_p_alive(BG_NBD, *history) == pytest.approx(
            other.conditional_probability_alive(*history), rel=1e-9
        )

    def test_p_alive_of_a_one_time_buyer_is_one_by_assumption(self):
        assert lv.bg_nbd_p_alive(BG_NBD, 0, 0, 500.0) == 1
        assert lv.bg_nbd_p_alive(BG_NBD, 1, 1.0, 500.0) < 0.1

    @pytest.mark.parametrize("period", [1, 13, 39, 200])
    def test_expected_purchases(self, history, other, period):
        assert lv.bg_nbd_expected_purchases(BG_NBD, period, *history) == pytest.approx(
            np.asarray(other.predict(period, *history)), rel=1e-6
        )
        assert lv.bg_nbd_unconditional_purchases(BG_NBD, period) == pytest.approx(
            other.expected_number_of_purchases_up_to_time(period), rel=1e-9
        )

    def test_pareto_nbd(self, history):
        other = ParetoNBDFitter()
        other.params_ = pd.Series(dict(zip(_pareto_nbd.NAMES, PARETO_NBD, strict=True)))
        assert lv.pareto_nbd_p_alive(PARETO_NBD, *history) == pytest.approx(
            np.asarray(other.conditional_probability_alive(*history)), rel=1e-6
        )
        assert lv.pareto_nbd_expected_purchases(PARETO_NBD, 39, *history) == pytest.approx(
            np.asarray(other.conditional_expected_number_of_purchases_up_to_time(39, *history)),
            rel=1e-6,
        )

    def test_order_value(self, cdnow):
        other = GammaGammaFitter()
        other.params_ = pd.Series(dict(zip(_gamma_gamma.NAMES, GAMMA_GAMMA, strict=True)))
        found = lv.expected_order_value(GAMMA_GAMMA, cdnow["x"], cdnow["value"])
        expected = other.conditional_expected_average_profit(cdnow["x"], cdnow["value"])
        assert found == pytest.approx(expected.to_numpy(), rel=1e-9)
        p, q, v = GAMMA_GAMMA
        assert found[(cdnow["x"] == 0).to_numpy()] == pytest.approx(p * v / (q - 1))

    def test_lifetime_value(self, cdnow, history, other):
        values = lv.expected_order_value(GAMMA_GAMMA, cdnow["x"], cdnow["value"])
        orders = GammaGammaFitter()
        orders.params_ = pd.Series(dict(zip(_gamma_gamma.NAMES, GAMMA_GAMMA, strict=True)))
        expected = orders.customer_lifetime_value(
            other, *(pd.Series(part) for part in history), cdnow["value"], 12, 0.01, "W"
        )
        month = 4.345
        found = lv.discounted_purchases(
            lambda weeks: lv.bg_nbd_expected_purchases(BG_NBD, weeks, *history),
            horizon=12 * month,
            yearly_rate=1.01**12 - 1,
            step=month,
            year=12 * month,
            paid_at=1,
        )
        assert found * values == pytest.approx(expected.to_numpy(), rel=1e-6)


@pytest.mark.parametrize(("x", "t_x", "t"), [(0, 0.0, 30.0), (3, 20.0, 25.0), (12, 70.0, 72.0)])
def test_lifetime_value_is_the_discounted_integral(x, t_x, t):
    """Integrated over the rates and dropout probabilities that the history leaves possible."""
    r, alpha, a, b = BG_NBD
    weeks, year, rate = 52.0, 365 / 7, 0.1
    fall = np.log(1 + rate) / year

    def instant(u, p):
        # Mean of rate·exp(-rate·p·u) over rate ~ Gamma(r + x, alpha + t).
        return (r + x) * (alpha + t) ** (r + x) / (alpha + t + p * u) ** (r + x + 1)

    def density(p):
        return p ** (a - 1) * (1 - p) ** (b + x - 1)

    def over_p(u):
        whole = quad(density, 0, 1)[0]
        return quad(lambda p: density(p) * instant(u, p), 0, 1)[0] / whole

    exact = quad(lambda u: np.exp(-fall * u) * over_p(u), 0, weeks)[0]
    exact *= lv.bg_nbd_p_alive(BG_NBD, x, t_x, t)
    found = lv.discounted_purchases(
        lambda period: lv.bg_nbd_expected_purchases(BG_NBD, period, x, t_x, t),
        horizon=weeks,
        yearly_rate=rate,
        step=30 / 7,
        year=year,
    )
    assert float(found) == pytest.approx(exact, rel=2e-4)


@pytest.fixture(scope="module")
def made():
    return simulate_bg_nbd(TRUE, 20_000, 60.0, future=13.0)


class TestSimulation:
    """Customers made by the story of the model, of whom the truth is known."""

    def test_parameters_are_found_again(self, made):
        fit = lv.fit_bg_nbd(lv.pool(made["x"], made["t_x"], made["t"]))
        for (name, value), true in zip(fit.parameters.items(), TRUE, strict=True):
            assert abs(value - true) < 4 * fit.standard_errors[name], name
        # Sharp enough for the test above to mean something.
        assert fit.standard_errors["r"] < 0.05

    def test_as_many_are_alive_as_said(self, made):
        alive = lv.bg_nbd_p_alive(TRUE, made["x"], made["t_x"], made["t"])
        for part in np.array_split(np.argsort(alive, kind="stable"), 5):
            assert alive[part].mean() == pytest.approx(made["alive"].iloc[part].mean(), abs=0.03)

    def test_as_much_is_bought_as_said(self, made):
        expected = lv.bg_nbd_expected_purchases(TRUE, 13.0, made["x"], made["t_x"], made["t"])
        table = lv.calibrate_purchases(made["x"], made["later"], expected, model="bg_nbd")
        noise = (table["actual_high"] - table["actual_purchases"]) / 1.96
        gap = (table["expected_purchases"] - table["actual_purchases"]) / noise
        assert gap.abs().max() < 3.5
        assert list(table["frequency_label"])[-1] == "7+"

    def test_pareto_nbd(self):
        r, alpha, s, beta = true = (1.2, 10.0, 0.8, 20.0)
        rng = np.random.default_rng(3)
        n = 5_000
        rate, leaving = rng.gamma(r, 1 / alpha, n), rng.gamma(s, 1 / beta, n)
        t = 80 - rng.uniform(0, 20, n)
        active = np.minimum(rng.exponential(1 / leaving), t)
        x = rng.poisson(rate * active)
        last = [active[i] * rng.random(count).max() if count else 0.0 for i, count in enumerate(x)]
        fit = lv.fit_pareto_nbd(lv.pool(x, last, t))
        for (name, value), truth in zip(fit.parameters.items(), true, strict=True):
            assert abs(value - truth) < 4 * fit.standard_errors[name], name

    def test_gamma_gamma(self):
        p, q, v = true = (3.0, 4.0, 60.0)
        rng = np.random.default_rng(4)
        x = rng.integers(1, 9, 8_000)
        scale = rng.gamma(q, 1 / v, len(x))
        value = rng.gamma(p * x, 1 / scale) / x
        fit = lv.fit_gamma_gamma(x, value)
        for (name, found), truth in zip(fit.parameters.items(), true, strict=True):
            assert abs(found - truth) < 4 * fit.standard_errors[name], name


class TestExtremes:
    @pytest.mark.parametrize(
        "parameters",
        [(0.5, 5, 1.0, 2), (0.2, 4, 0.3, 0.7), (1, 10, 1e-4, 1), (1, 10, 1e4, 9e4), (5, 1e3, 1, 1)],
    )
    @pytest.mark.parametrize("history", [(0, 0.0, 50.0), (1, 20.0, 90.0), (5_000, 290.0, 300.0)])
    def test_expected_purchases_hold(self, parameters, history):
        """By the hypergeometric function and by quadrature over the dropout probability."""
        x, t_x, t = (np.array([float(part)]) for part in history)
        found = lv.bg_nbd_expected_purchases(parameters, 13.0, x, t_x, t)
        alive = lv.bg_nbd_p_alive(parameters, x, t_x, t)
        other = alive * _bg_nbd._by_quadrature(*parameters, 13.0, x, t)
        assert np.isfinite(found).all() and found == pytest.approx(other, rel=2e-3, abs=1e-12)

    @pytest.mark.parametrize(
        "parameters",
        [PARETO_NBD, (1, 10, 1, 1e-4), (1, 1e-3, 0.5, 1e3), (1, 10, 1, 10), (2, 5, 30, 1e5)],
    )
    @pytest.mark.parametrize("history", [(0, 0.0, 50.0), (30, 100.0, 150.0), (500, 200.0, 300.0)])
    def test_the_pareto_likelihood_is_its_integral(self, parameters, history):
        r, alpha, s, beta = parameters
        x, t_x, t = history
        base = -(r + x) * np.log(alpha + t_x) - s * np.log(beta + t_x)

        def gone_at(u):
            log = np.log(s) - (r + x) * np.log(alpha + u) - (s + 1) * np.log(beta + u)
            return np.exp(log - base)

        points = [t_x + (t - t_x) * share for share in (1e-4, 1e-2, 0.1)]
        gone = quad(gone_at, t_x, t, points=points, limit=2000, epsabs=0)[0]
        there = np.exp(-(r + x) * np.log(alpha + t) - s * np.log(beta + t) - base)
        start = _pareto_nbd.gammaln(r + x) - _pareto_nbd.gammaln(r)
        exact = start + r * np.log(alpha) + s * np.log(beta) + base + np.log(there + gone)
        one = lv.pool([x], [t_x], [t])
        assert lv.pareto_nbd_log_likelihood(parameters, one) == pytest.approx(exact, rel=1e-8)


class TestWarnings:
    def test_nobody_drops_out(self):
        rng = np.random.default_rng(5)
        rate = rng.gamma(2.0, 1 / 10, 3_000)
        x = rng.poisson(rate * 50)
        t_x = [50 * rng.random(count).max() if count else 0.0 for count in x]
        fit = lv.fit_bg_nbd(lv.pool(x, t_x, np.full(len(x), 50.0)))
        assert any("determine" in told for told in fit.warnings), fit
        # What can be known is right all the same.
        expected = lv.bg_nbd_expected_purchases(fit.values, 10.0, x, t_x, np.full(len(x), 50.0))
        assert expected.mean() == pytest.approx(rate.mean() * 10, rel=0.05)

    def test_nobody_buys_again(self):
        fit = lv.fit_bg_nbd(lv.pool(np.zeros(500), np.zeros(500), np.linspace(1, 50, 500)))
        assert any("determine" in told or "flat" in told for told in fit.warnings), fit

    def test_everybody_is_alike(self):
        fit = lv.fit_bg_nbd(lv.pool(np.full(200, 3), np.full(200, 30.0), np.full(200, 40.0)))
        assert fit.warnings

    @pytest.mark.parametrize(
        ("x", "t_x", "t"), [(-1, 0, 5), (1, 6, 5), (0, 1, 5), (1, 1, float("nan"))]
    )
    def test_impossible_histories_are_refused(self, x, t_x, t):
        with pytest.raises(SegmentationError, match="1 histories cannot be"):
            lv.pool([0, x], [0, t_x], [1, t])

    def test_values_without_a_repeat_purchase_are_refused(self):
        with pytest.raises(SegmentationError, match="repeat purchase of positive value"):
            lv.fit_gamma_gamma([0, 2], [10.0, 0.0])


class TestIndependence:
    def test_cdnow_is_nearly_independent(self, cdnow):
        correlation, words = lv.check_independence(cdnow["x"], cdnow["value"])
        # Fader and Hardie (2013) give 0.11 with, and 0.06 without, one extreme customer.
        assert correlation == pytest.approx(0.11, abs=0.005)
        assert "hardly correlate" in words

    @pytest.mark.parametrize(("sign", "word"), [(1, "more"), (-1, "less")])
    def test_dependence_is_said(self, sign, word):
        rng = np.random.default_rng(6)
        x = rng.integers(1, 20, 500)
        value = 50.0 * x ** float(sign) * rng.lognormal(0, 0.2, 500)
        assert f"spends {word} per order" in lv.check_independence(x, value)[1]

    def test_one_repeat_each_says_nothing(self):
        correlation, words = lv.check_independence([1, 1, 1, 0], [5.0, 6.0, 7.0, 0.0])
        assert np.isnan(correlation) and "Too few" in words

"""The attainable purchase probability, against brute force and on simulated crowds."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import beta as beta_distribution
from scipy.stats import betabinom, binom, dirichlet_multinomial, gamma, norm, poisson
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score
from threadpoolctl import threadpool_limits

from python_ext.synth import attainable_purchase_probability, oracle_purchase_probability
from python_ext.synth._calendar import Calendar
from python_ext.synth._evidence import COMBINATIONS, life_log_likelihood, type_log_likelihood
from python_ext.synth._people import NEVER, make_people
from python_ext.synth._process import simulate_purchases
from python_ext.synth._settings import CATEGORIES, SEASON, TYPES, WINDOWS

END_ON = date(2026, 6, 30)
ON = date(2026, 4, 2)
START = date(2023, 7, 1)
HORIZON = 90
DRAWS = 30_000

# Purchase days and the day of the first record (None = unknown): the origins and habits that
# differ; the third may be of the installed base or have joined, the fourth buys in summer only.
HISTORIES = {
    "joined, regular, late": (["2025-06-01", "2025-08-20", "2025-10-03"], "2025-06-01"),
    "installed, one purchase": (["2024-12-12"], "2020-01-01"),
    "either": (["2023-07-20", "2024-11-05"], "2023-06-28"),
    "unknown, summers": (["2024-07-04", "2025-07-19", "2025-08-02"], None),
    "unknown, just bought": (["2026-03-20"], None),
}


def one(days, known, **further):
    customers = pd.DataFrame({"known_on": pd.to_datetime([known])}, index=["a"])
    purchases = pd.DataFrame({"customer": "a", "day": pd.to_datetime(days)})
    found = attainable_purchase_probability(
        customers.assign(**further), purchases, on=ON, horizon_days=HORIZON, end_on=END_ON
    )
    return found["a"]


def by_brute_force(days, known, rng):
    """Draw people from the prior and walk each through every day; mean and standard error."""
    days = {(pd.Timestamp(day).date() - START).days for day in days}
    morning = (ON - START).days
    first = min(days)
    known = None if known is None else (pd.Timestamp(known).date() - START).days
    sizes = rng.multinomial(DRAWS, [share for _, _, share in COMBINATIONS])
    weights, values = [], []
    for (kind, window, _), size in zip(COMBINATIONS, sizes, strict=True):
        customer_type = TYPES[kind]
        months = None if WINDOWS[window] is None else [int(m) for m in WINDOWS[window].split(",")]
        season = [
            f if months is None or month in months else 0.0 for month, f in enumerate(SEASON, 1)
        ]
        year = [date(2025, 1, 1) + timedelta(days=n) for n in range(365)]
        mean = customer_type.rate_per_year / sum(season[day.month - 1] for day in year)
        rate = rng.gamma(customer_type.rate_shape, mean / customer_type.rate_shape, size)
        a = customer_type.dropout * customer_type.dropout_size
        dropout = rng.beta(a, customer_type.dropout_size - a, size)
        factor = [season[(START + timedelta(days=n)).month - 1] for n in range(morning + HORIZON)]
        # The history has three years of 1,096 days.
        whole = sum(season[(START + timedelta(days=n)).month - 1] for n in range(1096))
        quiet = {value: np.exp(-rate * value) for value in set(season)}
        silence = np.exp(-rate * sum(factor[morning:]))
        for origin in ("installed", "joined"):
            if origin == "installed":
                record = 1.0 if known is None else (1 / 1459 if known < 0 else 0.0)
                alive, gone, begin = np.full(size, 0.36 * record), np.zeros(size), 0
            else:
                lead = None if known is None else first - known
                record = 1.0 if not lead else 0.3 / 39 if lead <= 39 else 0.0
                alive = np.full(size, 0.64 * record * factor[first] / whole)
                alive, gone, begin = alive * (1 - dropout), alive * dropout, first + 1
            for day in range(begin, morning):
                stays = quiet[factor[day]]
                if day in days:
                    alive, gone = alive * (1 - stays) * (1 - dropout), alive * (1 - stays) * dropout
                else:
                    alive = alive * stays
            weights.append(alive + gone)
            values.append(alive * (1 - silence))
    weights, values = np.concatenate(weights), np.concatenate(values)
    found = values.sum() / weights.sum()
    return found, np.sqrt(((values - found * weights) ** 2).sum()) / weights.sum()


@pytest.mark.parametrize("name", HISTORIES)
def test_bayes_agrees_with_brute_force(name):
    expected, error = by_brute_force(*HISTORIES[name], np.random.default_rng(3))
    assert error < 0.02
    assert abs(one(*HISTORIES[name]) - expected) < 4 * error


def test_who_never_bought_in_spring_is_told_by_the_season():
    summers = ["2023-08-03", "2024-07-04", "2024-08-12", "2025-07-19"]
    spread = ["2023-08-03", "2024-02-14", "2024-10-12", "2025-07-19"]
    assert one(summers, "2023-08-03") < one(spread, "2023-08-03")


@pytest.fixture(scope="module")
def crowd():
    """People with nothing but purchases: those of the first 1,006 days, and who bought after."""
    calendar = Calendar.ending(END_ON)
    people = make_people(12_000, calendar, np.random.default_rng(5))
    purchases = simulate_purchases(
        rate=people.rate,
        dropout=people.dropout,
        window=people.window,
        joined_day=people.joined_day,
        buys_on_joining=people.buys_on_joining,
        calendar=calendar,
        rng=np.random.default_rng(6),
    )
    start = pd.Timestamp(calendar.start)
    frame = pd.DataFrame(
        {"customer": purchases.person, "day": start + pd.to_timedelta(purchases.day, unit="D")}
    )
    truth = pd.DataFrame(
        {
            "is_prospect": people.is_prospect,
            "active_months": np.array(WINDOWS, dtype=object)[people.window],
            "joined_on": start + pd.to_timedelta(people.joined_day, unit="D"),
            "died_on": pd.Series(start + pd.to_timedelta(purchases.died_day % 99_999, unit="D")),
            "purchase_rate": people.rate,
        }
    )
    truth["died_on"] = truth["died_on"].mask(purchases.died_day == NEVER)
    known = start + pd.to_timedelta(people.created_day, unit="D")
    customers = pd.DataFrame({"known_on": known})
    return frame, customers, truth


def observed(crowd, on):
    """Customers with a purchase before a day, those purchases, and whether they buy after."""
    frame, customers, _ = crowd
    morning = pd.Timestamp(on)
    before = frame[frame["day"] < morning]
    inside = frame["day"].between(morning, morning + pd.Timedelta(days=HORIZON - 1))
    rows = customers.loc[np.sort(before["customer"].unique())]
    return rows, before, rows.index.isin(frame.loc[inside, "customer"])


def by_bayes(crowd, on):
    frame, _, _ = crowd
    rows, _, _ = observed(crowd, on)
    return attainable_purchase_probability(rows, frame, on=on, horizon_days=HORIZON, end_on=END_ON)


@pytest.mark.parametrize("on", [date(2024, 4, 2), ON])
def test_bayes_is_calibrated(crowd, on):
    _, _, bought = observed(crowd, on)
    found = by_bayes(crowd, on)
    groups = pd.DataFrame({"p": found, "y": bought})
    for _, group in groups.groupby(pd.qcut(groups["p"], 10), observed=True):
        error = np.sqrt((group["p"] * (1 - group["p"])).sum())
        assert abs(group["y"].sum() - group["p"].sum()) < 4 * error


def simple_features(before, rows, on):
    """What a model would be given of the same purchases."""
    days = (pd.Timestamp(on) - before["day"]).dt.days
    grouped = days.groupby(before["customer"])
    features = {"recency": grouped.min(), "tenure": grouped.max(), "frequency": grouped.size()}
    for length in (90, 180, 365):
        features[f"last_{length}"] = (days <= length).groupby(before["customer"]).sum()
    for month in range(1, 13):
        is_month = before["day"].dt.month == month
        features[f"month_{month}"] = is_month.groupby(before["customer"]).sum()
    features["same_window"] = days.between(276, 365).groupby(before["customer"]).sum()
    return pd.DataFrame(features).loc[rows.index]


def test_bayes_lies_between_what_learns_and_the_oracle(crowd):
    _, _, truth = crowd
    rows, before, bought = observed(crowd, ON)
    found = by_bayes(crowd, ON)
    values, labels = [], []
    for back in (90, 180, 270, 360):
        on = ON - timedelta(days=back)
        earlier, seen, label = observed(crowd, on)
        values.append(simple_features(seen, earlier, on))
        labels.append(label)
    with threadpool_limits(1):
        model = HistGradientBoostingClassifier(
            max_iter=150, learning_rate=0.05, max_leaf_nodes=15, random_state=0
        ).fit(pd.concat(values), np.concatenate(labels))
    learned = model.predict_proba(simple_features(before, rows, ON))[:, 1]
    seasonality = pd.DataFrame({"month": range(1, 13), "factor": SEASON})
    oracle = oracle_purchase_probability(truth, seasonality, on=ON, horizon_days=HORIZON)
    oracle = oracle[rows.index]
    areas = [roc_auc_score(bought, score) for score in (learned, found, oracle)]
    assert areas == sorted(areas) and len(set(areas)) == 3
    assert log_loss(bought, found) < log_loss(bought, learned)
    # And the learned one is near: the ceiling is not far above what can be learned.
    assert areas[1] - areas[0] < 0.02


def test_nothing_from_the_window_on_is_looked_at():
    days, known = HISTORIES["joined, regular, late"]
    later = [*days, "2026-04-02", "2026-05-09"]
    assert one(later, known) == one(days, known)
    customers = pd.DataFrame({"known_on": pd.to_datetime([known])}, index=["a"])
    purchases = pd.DataFrame({"customer": "a", "day": pd.to_datetime(days)})
    events = pd.DataFrame(
        {"customer": "a", "day": pd.to_datetime(["2025-12-01"]), "is_opened": True}
    )
    after = events.assign(day=pd.Timestamp("2026-04-02"))
    found = [
        attainable_purchase_probability(
            customers,
            purchases,
            on=ON,
            horizon_days=HORIZON,
            end_on=END_ON,
            visits=frame,
            mails=frame,
        )["a"]
        for frame in (events, pd.concat([events, after]))
    ]
    assert found[0] == found[1] > one(days, known)


def test_campaigns_of_the_window_add_their_mean_effect():
    days, known = HISTORIES["joined, regular, late"]
    customers = pd.DataFrame(
        {"known_on": pd.to_datetime([known] * 2), "is_mailable": [True, False]}, index=["a", "b"]
    )
    purchases = pd.DataFrame(
        {"customer": np.repeat(["a", "b"], 3), "day": pd.to_datetime([*days, *days])}
    )
    found = [
        attainable_purchase_probability(
            customers,
            purchases,
            on=ON,
            horizon_days=HORIZON,
            end_on=END_ON,
            campaigns=pd.Series(pd.to_datetime(sent)),
        )
        for sent in (["2026-04-20"], ["2026-03-01"], ["2026-06-30"], ["2026-04-20", "2026-05-20"])
    ]
    alone = one(days, known)
    for inside in (found[0], found[3]):
        assert inside["b"] == pytest.approx(alone) and inside["a"] > alone
    # One that has run out, and one whose answers come after the window, add nothing.
    for outside in (found[1], found[2]):
        assert outside["a"] == pytest.approx(alone)
    assert found[3]["a"] - alone > 1.5 * (found[0]["a"] - alone)


def test_likelihood_of_a_type_is_that_of_the_distributions_drawn_from():
    lines = [3, 0, 4, 0, 1, 0, 0, 2]
    customers = pd.DataFrame(
        [[*lines, 6, 2, 5, 1, 44.0, True]],
        columns=[f"lines_{name}" for name in CATEGORIES]
        + ["orders", "discounted_orders", "web_orders", "returned_orders", "age", "is_female"],
    )
    expected = []
    for kind in TYPES:
        mean = np.array([kind.taste.get(name, 0.004) for name in CATEGORIES])
        total = dirichlet_multinomial.logpmf(lines, mean / mean.sum() * kind.taste_size, 10)
        total += binom.logpmf(4, 24, kind.extra_lines)
        for count, chance, size in (
            (2, kind.discount, 14),
            (5, kind.web_share, 9),
            (1, kind.return_rate, 20),
        ):
            total += betabinom.logpmf(count, 6, chance * size, (1 - chance) * size)
        expected.append(total + norm.logpdf(44.0, *kind.age) + np.log(kind.female))
    found = type_log_likelihood(customers)[0]
    assert found - found[0] == pytest.approx(np.array(expected) - expected[0])
    unknown = pd.DataFrame({"age": [np.nan], "is_female": [None]})
    assert (type_log_likelihood(unknown) == 0).all()


def test_likelihood_of_visits_and_mails_is_that_of_the_rates_drawn_from():
    calendar = Calendar.ending(END_ON)
    begin, last, morning = 100, 300, 500
    day = pd.Timestamp(calendar.start) + pd.to_timedelta([150, 250, 300, 301, 420], unit="D")
    events = pd.DataFrame(
        {"customer": "a", "day": day, "is_opened": [True, False, True, True, False]}
    )
    places = {
        "begin": np.array([begin]),
        "last": np.array([last]),
        "morning": morning,
        "calendar": calendar,
    }
    visited = life_log_likelihood(pd.Index(["a"]), visits=events, **places)[0]
    mailed = life_log_likelihood(pd.Index(["a"]), mails=events, **places)[0]
    season = calendar.cumulative[0]
    until, since = season[last + 1] - season[begin], season[morning] - season[last + 1]
    for number, (kind, window, _) in enumerate(COMBINATIONS):
        customer_type = TYPES[kind]
        prior = gamma(1.6, scale=customer_type.sessions_per_year / 365 * 0.85 / 1.6)
        chances = []
        for fading in (1.0, 0.12):
            chances.append(
                quad(
                    lambda rate, fading=fading, prior=prior: (
                        prior.pdf(rate)
                        * poisson.pmf(3, rate * until)
                        * poisson.pmf(2, rate * fading * since)
                    ),
                    0,
                    prior.isf(1e-12),
                    limit=200,
                )[0]
            )
        expected = np.log(chances[1] / chances[0])
        assert visited[number, 1] - visited[number, 0] == pytest.approx(expected, abs=1e-5)

        months = WINDOWS[window]
        share = beta_distribution(customer_type.open_rate * 10, (1 - customer_type.open_rate) * 10)
        interest = [
            1.0 if months is None or str(moment.month) in months.split(",") else 0.6
            for moment in day
        ]
        chances = []
        for fading in (1.0, 0.35):
            factors = np.array(interest) * [1.0, 1.0, 1.0, fading, fading]
            chances.append(
                quad(
                    lambda rate, factors=factors, share=share: (
                        share.pdf(rate)
                        * np.prod(np.where(events["is_opened"], factors * rate, 1 - factors * rate))
                    ),
                    0,
                    1,
                )[0]
            )
        assert mailed[number] == pytest.approx(np.log(chances), abs=1e-6)


def test_what_cannot_be_answered_is_refused():
    customers = pd.DataFrame({"known_on": pd.to_datetime([None])}, index=["a"])
    purchases = pd.DataFrame({"customer": ["a"], "day": pd.to_datetime(["2026-05-01"])})
    settings = {"on": ON, "horizon_days": HORIZON, "end_on": END_ON}
    with pytest.raises(ValueError, match="1 customers have no purchase"):
        attainable_purchase_probability(customers, purchases, **settings)
    with pytest.raises(ValueError, match="horizon_days"):
        attainable_purchase_probability(customers, purchases, **{**settings, "horizon_days": 0})
    with pytest.raises(ValueError, match="outside of the history"):
        attainable_purchase_probability(
            customers, purchases, **{**settings, "on": END_ON + timedelta(days=2)}
        )
    nobody = attainable_purchase_probability(customers[:0], purchases, **settings)
    assert len(nobody) == 0

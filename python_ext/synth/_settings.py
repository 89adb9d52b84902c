"""What the fictitious retailer's customers are like: types, catalogue, calendar and rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CATEGORIES = (
    "fashion",
    "beauty",
    "home",
    "groceries",
    "kids",
    "gifts",
    "leisure",
    "electronics",
)

SUBCATEGORIES = {
    "fashion": ("dresses", "coats", "shoes", "bags", "shirts"),
    "beauty": ("make_up", "skin_care", "perfume", "hair"),
    "home": ("bedding", "kitchen", "decoration", "garden", "furniture"),
    "groceries": ("pantry", "drinks", "dairy", "fruit_vegetables", "organic"),
    "kids": ("baby", "school", "toys", "kids_clothing"),
    "gifts": ("books", "jewellery", "delicatessen", "gift_sets"),
    "leisure": ("beach", "camping", "swimwear", "outdoor_games"),
    "electronics": ("audio", "phones", "small_appliances", "accessories"),
}

# Median list price in euro and spread (sigma of its logarithm) per category.
CATEGORY_PRICE = {
    "fashion": (48.0, 0.55),
    "beauty": (17.0, 0.50),
    "home": (34.0, 0.60),
    "groceries": (6.5, 0.45),
    "kids": (16.0, 0.50),
    "gifts": (29.0, 0.50),
    "leisure": (24.0, 0.50),
    "electronics": (55.0, 0.60),
}

# French retail year: the winter sales (January), the summer sales (July), a quiet August,
# Black Friday and Christmas. Normalised to a mean of one over the twelve months.
_RAW_SEASON = (1.25, 0.85, 0.88, 0.92, 0.96, 0.98, 1.22, 0.80, 0.95, 0.97, 1.12, 1.45)
SEASON = tuple(round(12 * value / sum(_RAW_SEASON), 6) for value in _RAW_SEASON)
SALES_MONTHS = (1, 7)

QUESTIONS = (
    "value_quality",
    "value_price",
    "value_ethics",
    "motivation_pleasure",
    "motivation_convenience",
    "motivation_status",
    "lifestyle_green",
    "lifestyle_social",
    "lifestyle_family",
    "lifestyle_travel",
)

# Units of the currency per euro, constant over the history: an order in CHF carries the euro
# price times this rate.
CURRENCY_RATES = {"EUR": 1.0, "CHF": 0.95, "GBP": 0.85}


@dataclass(frozen=True)
class CustomerType:
    """One latent customer type: the means of the distributions its people are drawn from."""

    name: str
    share: float  # of all people
    rate_per_year: float  # mean purchase days in a full year alive
    rate_shape: float  # shape of the gamma of that rate; small = unequal people
    dropout: float  # mean probability to stop for good after a purchase day
    dropout_size: float  # a + b of its beta distribution
    active_months: tuple[tuple[str | None, float], ...]  # (months it buys in, probability)
    taste: dict[str, float]  # mean share of each category, missing = 0
    taste_size: float  # concentration of the Dirichlet of a person's taste
    extra_lines: float  # lines = 1 + Binomial(4, extra_lines)
    price_position: float  # mean rank (0 cheapest, 1 dearest) of products within a category
    discount: float  # mean share of orders with a discount
    discount_depth: float  # mean share of the value taken off such an order
    return_rate: float  # mean share of orders sent back, in full or part
    web_share: float  # mean share of orders on the web
    sessions_per_year: float  # browsing sessions while alive, beside those that end in an order
    login: float  # share of browsing sessions with a login
    mobile: float
    open_rate: float
    click_rate: float  # of opened mails
    fast_open: float  # share of opens within minutes of delivery
    unsubscribe: float  # per opened mail
    email_consent: float
    uplift: float  # multiplies a campaign's base uplift
    support: float  # tickets per order
    age: tuple[float, float]
    female: float
    income: float
    handle: float  # share with a known social handle
    answers: tuple[float, ...]  # mean answer to each of QUESTIONS
    sentiment: float


TYPES = (
    CustomerType(
        name="loyal_premium",
        share=0.15,
        rate_per_year=10.5,
        rate_shape=3.5,
        dropout=0.12,
        dropout_size=3.5,
        active_months=((None, 1.0),),
        taste={"fashion": 0.70, "beauty": 0.12, "home": 0.08, "gifts": 0.05, "leisure": 0.05},
        taste_size=14.0,
        extra_lines=0.32,
        price_position=0.80,
        discount=0.06,
        discount_depth=0.12,
        return_rate=0.07,
        web_share=0.18,
        sessions_per_year=5.0,
        login=0.45,
        mobile=0.30,
        open_rate=0.42,
        click_rate=0.18,
        fast_open=0.20,
        unsubscribe=0.002,
        email_consent=0.76,
        uplift=0.5,
        support=0.03,
        age=(52, 10),
        female=0.66,
        income=54000,
        handle=0.10,
        answers=(4.6, 2.0, 3.4, 4.4, 2.8, 4.2, 3.0, 3.0, 3.0, 3.9),
        sentiment=0.35,
    ),
    CustomerType(
        name="bargain_hunter",
        share=0.19,
        rate_per_year=8.5,
        rate_shape=2.8,
        dropout=0.17,
        dropout_size=3.0,
        active_months=((None, 1.0),),
        taste={
            "home": 0.62,
            "electronics": 0.15,
            "fashion": 0.08,
            "kids": 0.05,
            "leisure": 0.06,
            "groceries": 0.04,
        },
        taste_size=13.0,
        extra_lines=0.25,
        price_position=0.32,
        discount=0.78,
        discount_depth=0.28,
        return_rate=0.07,
        web_share=0.85,
        sessions_per_year=11.0,
        login=0.50,
        mobile=0.45,
        open_rate=0.48,
        click_rate=0.30,
        fast_open=0.45,
        unsubscribe=0.003,
        email_consent=0.80,
        uplift=1.7,
        support=0.06,
        age=(44, 11),
        female=0.54,
        income=29000,
        handle=0.15,
        answers=(2.9, 4.7, 2.5, 3.0, 3.6, 2.0, 2.7, 2.8, 3.2, 2.6),
        sentiment=0.05,
    ),
    CustomerType(
        name="young_digital",
        share=0.18,
        rate_per_year=8.5,
        rate_shape=2.5,
        dropout=0.19,
        dropout_size=3.0,
        active_months=((None, 1.0),),
        taste={"beauty": 0.68, "fashion": 0.16, "electronics": 0.08, "gifts": 0.08},
        taste_size=13.0,
        extra_lines=0.14,
        price_position=0.28,
        discount=0.24,
        discount_depth=0.15,
        return_rate=0.26,
        web_share=0.93,
        sessions_per_year=20.0,
        login=0.35,
        mobile=0.85,
        open_rate=0.18,
        click_rate=0.22,
        fast_open=0.50,
        unsubscribe=0.010,
        email_consent=0.62,
        uplift=1.2,
        support=0.07,
        age=(25, 4),
        female=0.62,
        income=21000,
        handle=0.48,
        answers=(3.2, 3.7, 3.6, 4.3, 4.0, 3.6, 3.7, 4.6, 1.9, 3.7),
        sentiment=0.15,
    ),
    CustomerType(
        name="family",
        share=0.20,
        rate_per_year=15.5,
        rate_shape=3.5,
        dropout=0.11,
        dropout_size=3.0,
        active_months=((None, 1.0),),
        taste={"groceries": 0.52, "kids": 0.35, "home": 0.07, "leisure": 0.06},
        taste_size=16.0,
        extra_lines=0.62,
        price_position=0.40,
        discount=0.28,
        discount_depth=0.12,
        return_rate=0.015,
        web_share=0.14,
        sessions_per_year=5.0,
        login=0.55,
        mobile=0.55,
        open_rate=0.30,
        click_rate=0.15,
        fast_open=0.25,
        unsubscribe=0.004,
        email_consent=0.70,
        uplift=0.8,
        support=0.02,
        age=(38, 6),
        female=0.63,
        income=38000,
        handle=0.14,
        answers=(3.7, 3.9, 3.3, 2.6, 4.6, 1.9, 3.5, 3.0, 4.8, 2.8),
        sentiment=0.20,
    ),
    CustomerType(
        name="gift_buyer",
        share=0.16,
        rate_per_year=4.2,
        rate_shape=3.0,
        dropout=0.18,
        dropout_size=4.0,
        active_months=(("11,12", 0.35), ("5,6,11,12", 0.40), ("2,5,6,11,12", 0.25)),
        taste={"gifts": 0.74, "electronics": 0.10, "beauty": 0.08, "kids": 0.08},
        taste_size=14.0,
        extra_lines=0.28,
        price_position=0.62,
        discount=0.12,
        discount_depth=0.12,
        return_rate=0.05,
        web_share=0.52,
        sessions_per_year=4.0,
        login=0.30,
        mobile=0.40,
        open_rate=0.25,
        click_rate=0.12,
        fast_open=0.15,
        unsubscribe=0.004,
        email_consent=0.60,
        uplift=0.9,
        support=0.05,
        age=(47, 13),
        female=0.48,
        income=36000,
        handle=0.12,
        answers=(4.0, 3.0, 3.0, 3.6, 4.2, 3.2, 2.9, 3.9, 3.9, 3.0),
        sentiment=0.25,
    ),
    CustomerType(
        name="seasonal_visitor",
        share=0.12,
        rate_per_year=4.5,
        rate_shape=3.0,
        dropout=0.17,
        dropout_size=4.0,
        active_months=(("6,7,8", 0.55), ("7,8", 0.25), ("6,7,8,9", 0.20)),
        taste={"leisure": 0.70, "groceries": 0.14, "fashion": 0.08, "beauty": 0.08},
        taste_size=14.0,
        extra_lines=0.35,
        price_position=0.50,
        discount=0.10,
        discount_depth=0.12,
        return_rate=0.02,
        web_share=0.06,
        sessions_per_year=2.0,
        login=0.25,
        mobile=0.65,
        open_rate=0.15,
        click_rate=0.08,
        fast_open=0.15,
        unsubscribe=0.006,
        email_consent=0.45,
        uplift=0.6,
        support=0.02,
        age=(45, 13),
        female=0.52,
        income=43000,
        handle=0.20,
        answers=(3.5, 3.2, 3.2, 4.5, 3.3, 2.8, 3.8, 3.9, 3.7, 4.7),
        sentiment=0.40,
    ),
)

TYPE_NAMES = tuple(kind.name for kind in TYPES)

# Every distinct window of months somebody buys in; index 0 is "all year".
WINDOWS: tuple[str | None, ...] = (None,) + tuple(
    months for kind in TYPES for months, _ in kind.active_months if months is not None
)

PROSPECT_SHARE = 0.08
GUEST_ONLY_SHARE = 0.02  # people who only ever order as a guest: no CRM record
SHOP_ONLY_SHARE = 0.005  # people whose orders carry a customer_id the CRM does not know
INSTALLED_BASE_SHARE = 0.36  # customers before the history starts
HISTORY_YEARS = 3
CAMPAIGNS = 24
UPLIFT_DAYS = 14

# The installed base became customers in the days before the history; most other people give
# their data on the day they join, some up to a few weeks before.
INSTALLED_BASE_DAYS = 4 * 365
EARLY_RECORD_SHARE = 0.3
LONGEST_LEAD = 39

# a + b of the beta distribution of people around the mean of their type. Drawn in this order:
# another one would make other people of the same seed.
BETA_SIZE = {
    "price_position": 30,
    "discount": 14,
    "return_rate": 20,
    "web_share": 9,
    "open_rate": 10,
}

# Base uplift of a campaign: lognormal, and three without any; the extra order comes after a
# geometric number of days.
UPLIFT_MEDIAN, UPLIFT_SPREAD, IDLE_CAMPAIGNS = 0.06, 0.35, 3
RESPONSE_CHANCE = 0.25
TREATMENT_SHARES = (0.8, 0.85, 0.9)

# Opening of mails by former customers, and by customers in months they do not buy in.
INTEREST_AFTER_END, INTEREST_OUT_OF_SEASON = 0.35, 0.6

# Browsing: shape of the gamma of its rate; of former customers against that of customers.
BROWSING_SHAPE, BROWSING_AFTER_END = 1.6, 0.12


def by_type(attribute: str) -> np.ndarray:
    """Values of one attribute of every type, in the order of TYPES; index it by type code."""
    return np.array([getattr(kind, attribute) for kind in TYPES], dtype=float)

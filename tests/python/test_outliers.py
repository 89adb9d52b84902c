"""Extreme order lines: each opinion against an independent implementation, and on the demo."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.spatial.distance import mahalanobis

from python_ext import frames, quality
from python_ext.quality._outliers import COLUMNS, robust_covariance


def lines(values, **columns) -> pd.DataFrame:
    """Order lines with these four deviations; usual ranges of one piece at a price of one."""
    table = pd.DataFrame(np.atleast_2d(values), columns=list(COLUMNS))
    rest = {
        "order_id": [f"o{i}" for i in range(len(table))],
        "line_number": 1,
        "quantity": 420.0,
        "unit_price": 9.0,
        "line_value": 3780.0,
        "discount_share": 0.0,
        "category": "gifts",
        "norm_level": "product",
        "quantity_low": 1.0,
        "quantity_high": 12.0,
        "price_low": 1.0,
        "price_high": 2.0,
    }
    return table.assign(**{**rest, **columns})


@pytest.fixture(scope="module")
def sample() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    return lines(rng.multivariate_normal(np.zeros(4), 2 * np.eye(4) + 0.5, size=3000))


@pytest.fixture(scope="module")
def fitted(sample) -> quality.OutlierModel:
    return quality.OutlierModel.fit(sample, seed=1)


def test_robust_z_agrees_with_scipy():
    values = np.random.default_rng(1).standard_t(3, size=500) * 7
    expected = (values - np.median(values)) / stats.median_abs_deviation(values, scale="normal")
    np.testing.assert_allclose(quality.robust_z(values, least_spread=0.1), expected, rtol=1e-4)


def test_robust_z_of_a_small_sample_by_hand():
    """Median 2.45; deviations sorted .05 .05 .15 .15 .15 .15 .35 .35 5.75 5.85: MAD 0.15."""
    values = np.array([2.1, 2.6, 2.4, 2.5, 2.3, 2.1, 2.3, 2.6, 8.2, 8.3])
    z = quality.robust_z(values, least_spread=0.1)
    assert z[8] == pytest.approx(0.6745 * 5.75 / 0.15, rel=1e-4)
    assert (np.abs(z) > 3.5).tolist() == [False] * 8 + [True] * 2


def test_robust_z_without_spread_is_finite():
    mostly_one = np.array([1.0] * 30 + [1.5])
    assert quality.robust_z(mostly_one, least_spread=0.5)[-1] == pytest.approx(1.0)
    assert not quality.robust_z(np.full(9, 4.0), least_spread=0.5).any()
    gone = quality.robust_z(np.array([np.nan, 1.0, 1.0]), least_spread=0.5)
    assert np.isnan(gone[0]) and gone[1] == 0
    assert np.isnan(quality.robust_z(np.array([np.nan]), least_spread=1.0)).all()
    with pytest.raises(ValueError, match="least_spread"):
        quality.robust_z(mostly_one, least_spread=0.0)


def test_distances_agree_with_scipy(fitted):
    far = np.array([[6.0, 0, 0, 0], [5, -5, 1, 2], [9, 9, 9, 9]])
    found = fitted.judge(lines(far))["mahalanobis_distance"]
    expected = [mahalanobis(row, fitted.center, fitted.precision) for row in far]
    np.testing.assert_allclose(found, expected)


def test_the_limit_of_the_distance_keeps_its_share():
    normal = np.random.default_rng(2).normal(size=(40_000, 4)) * 1.5
    model = quality.OutlierModel.fit(lines(normal), seed=1, alpha=0.01, z_limit=99)
    model = quality.OutlierModel(**{**model.__dict__, "isolation_limit": 1.0})
    assert len(model.judge(lines(normal))) / len(normal) == pytest.approx(0.01, abs=0.003)


def test_the_covariance_resists_a_twentieth_of_wild_rows():
    rng = np.random.default_rng(3)
    clean = rng.multivariate_normal(np.zeros(4), 3 * np.eye(4) + 1, size=4000)
    wild = np.vstack([clean, rng.normal(60, 1, size=(200, 4))])
    center, covariance = robust_covariance(wild, seed=0)
    assert np.abs(center).max() < 0.3
    np.testing.assert_allclose(covariance, 3 * np.eye(4) + 1, atol=0.6)
    assert np.abs(np.cov(wild.T) - 3 * np.eye(4) - 1).max() > 100


@pytest.mark.parametrize("rows", [0, 3, 200])
def test_lines_that_hardly_differ_get_a_unit_covariance(rows):
    center, covariance = robust_covariance(np.zeros((rows, 4)), seed=0)
    np.testing.assert_allclose(center, 0)
    np.testing.assert_allclose(covariance, np.eye(4), atol=1e-9)


def test_two_of_three_opinions_make_a_line_extreme(fitted):
    judged = fitted.judge(lines([[20.0, 0, 20, 0], [0, 0, 0, 0], [-20, 0, -20, 0]]))
    assert judged["order_id"].tolist() == ["o0", "o2"]
    assert judged["is_extreme"].all() and (judged["votes"] >= 2).all()
    assert judged["robust_z"].tolist() == [20.0, -20.0]
    strict = quality.OutlierModel(**{**fitted.__dict__, "votes": 4})
    assert not strict.judge(lines([[20.0, 0, 20, 0]]))["is_extreme"].any()


@pytest.mark.parametrize(
    ("values", "columns", "code", "words"),
    [
        ([9, 0, 9, 0], {}, "extreme_quantity", "420 pieces where 1 to 12 are usual for this"),
        (
            [9, 0, 9, 0],
            {"quantity": -420.0, "norm_level": "category"},
            "extreme_quantity",
            "420 pieces returned where 1 to 12 are usual for the category of this product",
        ),
        ([0, 9, 9, 0], {}, "extreme_price", "a price of 9.00 where 1.00 to 2.00 are usual"),
        ([0, 0, 0, 9], {"discount_share": 0.97}, "extreme_discount", "97% of the order"),
        ([0, 0, 9, 0], {}, "extreme_value", "3,780.00, unusually large for its category"),
        (
            [0, 0, 9, 0],
            {"category": "unknown"},
            "extreme_value",
            "unusually large for an order line",
        ),
        ([4.9, -4.9, 4.9, 4.9], {}, "extreme_combination", "rare together: 420 pieces at 9.00"),
    ],
)
def test_the_reason_names_what_is_extreme(fitted, values, columns, code, words):
    judged = fitted.judge(lines([values], **columns)).iloc[0]
    assert judged["reason_code"] == code
    assert words in judged["reason"]


def test_a_usual_quantity_is_never_extreme_by_itself(fitted):
    judged = fitted.judge(lines([[-9.0, 0, 0, 0]], quantity=1.0))
    assert (judged["robust_z"] == 0).all()
    assert "extreme_quantity" not in set(judged["reason_code"])


def test_batches_and_repeats_agree(sample):
    model, again = (quality.OutlierModel.fit(sample, seed=1, z_limit=3) for _ in range(2))
    whole = model.judge(sample)
    parts = pd.concat([again.judge(sample[:1100]), again.judge(sample[1100:])])
    assert len(whole) > 0
    pd.testing.assert_frame_equal(whole.reset_index(drop=True), parts.reset_index(drop=True))
    assert list(model.judge(sample[:0]).columns) == list(quality.OUTLIERS_SCHEMA)


def test_lines_of_far_kinds_are_judged_as_all_of_them(sample):
    """What is usual for a product may be far by itself: far kinds are more, never fewer."""
    model = quality.OutlierModel.fit(sample, seed=1, z_limit=3)
    table = pd.concat([sample, sample[:500]], ignore_index=True)
    table["order_id"] = [f"o{i}" for i in range(len(table))]
    table.loc[::2, "quantity"] = 1.0
    kinds = frames.distinct(table, columns=quality.DEVIATIONS)
    assert len(kinds) == len(sample)
    far = model.far_kinds(kinds)
    few = frames.join(table, far, on=tuple(quality.DEVIATIONS))
    whole = model.judge(table)
    assert 0 < len(whole) < len(few) < len(table) / 2
    order = dict(by="order_id", ignore_index=True)
    pd.testing.assert_frame_equal(model.judge(few).sort_values(**order), whole.sort_values(**order))
    assert model.far_kinds(kinds[:0]).empty


def test_every_planted_extreme_is_found_and_clean_lines_are_left_alone(demo_build, demo_data):
    planted = pd.read_parquet(demo_data / "_truth" / "defects.parquet").set_index("defect")["rows"]
    found = demo_build.rows(
        "select count(*) filter (where o.is_extreme and l.quantity >= 120), "
        "count(*) filter (where o.is_extreme and l.quantity < 120), count(*) "
        "from staging.stg_shop__order_lines as l "
        "left join marts.extreme_order_lines as o using (order_id, line_number) "
        "where l.rejection_reason is null"
    )
    extreme, false_alarms, accepted = found[0]
    assert extreme == planted["extreme_quantity"] > 0
    assert false_alarms <= 0.001 * accepted


def test_extreme_lines_stay_in_the_revenue(demo_build):
    """Nothing is dropped: every accepted line is measured, each flagged one is still netted."""
    assert demo_build.rows(
        "select count(*) from marts.extreme_order_lines anti join "
        "intermediate.int_order_lines_netted using (order_id, line_number)"
    ) == [(0,)]


def test_sql_and_python_measure_alike(demo_build):
    """Per product of the demo: the deviations of SQL are those of the reference."""
    with duckdb.connect(str(demo_build.database), read_only=True) as connection:
        table = connection.sql(
            "select s.product_id, z.quantity_z, z.price_z, s.quantity_size, s.price_size "
            "from intermediate.int_order_lines_sized as s "
            "join intermediate.int_order_lines_scaled as z using (order_id, line_number) "
            "where z.norm_level = 'product' order by s.order_id, s.line_number"
        ).df()
    assert table["product_id"].nunique() > 5
    for _, group in table.groupby("product_id"):
        for name in ("quantity", "price"):
            expected = quality.robust_z(group[f"{name}_size"].to_numpy(), least_spread=0.5)
            np.testing.assert_allclose(group[f"{name}_z"], expected, atol=1e-9)

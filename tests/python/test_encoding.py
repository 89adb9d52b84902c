"""Categories as numbers: levels, rates, smoothing, and what a row may not see."""

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.preprocessing import TargetEncoder

from python_ext.features import Feature, feature_frame, select_features
from python_ext.propensity._encoding import FeatureEncoder, prior_weight
from python_ext.propensity._folds import grouped_folds


def category(name, **options):
    return Feature(name, "v", "none", name, name, kind="category", **options)


def number(name, transform="none"):
    return Feature(name, "v", transform, name, name)


def many_levels(rows=4000, levels=60, *, spread=0.0, seed=0):
    """A category whose levels have rates spread on the logit scale, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    level = rng.integers(0, levels, rows)
    odds = rng.normal(-0.5, spread, levels)
    label = rng.random(rows) < 1 / (1 + np.exp(-odds[level]))
    return pd.DataFrame({"shop": [f"s{n:03d}" for n in level]}), label, odds[level]


# The frame a pipeline reads


def test_a_feature_frame_holds_numbers_on_their_scale_and_categories_as_text():
    table = pd.DataFrame(
        {"spent": [0.0, np.inf, np.e - 1], "device": ["web", "  ", None], "store": [3, 4, None]},
        index=[7, 8, 9],
    )
    frame = feature_frame(table, [category("device"), number("spent", "log"), category("store")])
    assert frame.columns.tolist() == ["device", "spent", "store"]
    assert frame.index.tolist() == [7, 8, 9]
    np.testing.assert_allclose(frame["spent"], [0, np.nan, 1])
    assert frame["device"].tolist() == ["web", None, None]
    assert frame["store"].tolist() == ["3.0", "4.0", None]
    categorical = feature_frame(
        table.assign(device=table["device"].astype("category")), [category("device")]
    )
    assert categorical["device"].tolist() == ["web", None, None]


def test_only_who_asks_for_categories_gets_them():
    seed = pd.DataFrame(
        {"feature": ["age", "device"], "source_table": "shop", "kind": ["number", "category"]}
    ).assign(view="v", transform="none", in_propensity=True)
    both = select_features(seed, seed["feature"], kinds=("number", "category"))
    assert [(f.name, f.kind) for f in both] == [("age", "number"), ("device", "category")]
    assert [f.name for f in select_features(seed, seed["feature"])] == ["age"]
    with pytest.raises(ValueError, match="device has the kind 'colour'"):
        select_features(seed.replace("category", "colour"), seed["feature"])


# Few levels


def test_few_levels_get_a_column_each_and_rare_ones_share_one():
    column = ["web"] * 60 + ["app"] * 50 + ["fax"] * 3 + [None] * 40
    frame = pd.DataFrame({"age": np.arange(153.0), "device": column})
    encoder = FeatureEncoder(["device"]).fit(frame)
    assert encoder.output_names_ == [
        "age",
        "device=(unknown)",
        "device=app",
        "device=web",
        "device=(rare)",
    ]
    assert encoder.outputs_ == [0, 1, 1, 1, 1]
    new = pd.DataFrame({"age": [1.0] * 5, "device": ["web", "app", "fax", None, "never seen"]})
    np.testing.assert_array_equal(
        encoder.transform(new)[:, 1:],
        [[0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 0, 0, 1]],
    )


def test_the_order_of_columns_and_rows_changes_nothing():
    frame, label, _ = many_levels(400, 4)
    frame["age"] = np.arange(400.0)
    one = FeatureEncoder(["shop"]).fit(frame[["shop", "age"]], label)
    other = FeatureEncoder(["shop"]).fit(frame[["age", "shop"]].iloc[::-1], label[::-1])
    np.testing.assert_array_equal(one.transform(frame), other.transform(frame))


# Many levels


def test_rates_are_smoothed_towards_the_overall_rate():
    frame, label, truth = many_levels(6000, 60, spread=1.0)
    encoder = FeatureEncoder(["shop"]).fit(frame, label)
    assert encoder.output_names_ == ["shop"]
    encoded = encoder.transform(frame)[:, 0]
    raw = frame.assign(y=label).groupby("shop")["y"].transform("mean").to_numpy()
    raw = np.log(raw / (1 - raw))
    overall = np.log(label.mean() / (1 - label.mean()))
    # Between the level's own rate and that of all, and closer to the truth than the raw rate.
    assert (np.abs(encoded - overall) <= np.abs(raw - overall) + 1e-9).all()
    assert ((encoded - truth) ** 2).mean() < ((raw - truth) ** 2).mean()
    # scikit-learn smooths by the variance of the label within and between levels.
    theirs = TargetEncoder(smooth="auto", cv=5, random_state=0).fit(frame, label).transform(frame)
    theirs = np.log(theirs[:, 0] / (1 - theirs[:, 0]))
    assert np.corrcoef(encoded, theirs)[0, 1] > 0.995


def test_levels_that_do_not_differ_all_get_the_overall_rate():
    frame, label, _ = many_levels(4000, 200, spread=0.0, seed=4)
    encoded = FeatureEncoder(["shop"]).fit(frame, label).transform(frame)[:, 0]
    raw = frame.assign(y=label).groupby("shop")["y"].mean()
    assert raw.std() > 0.08 and encoded.std() < 0.05


@pytest.mark.parametrize("weight", [15.0, 60.0])
def test_the_weight_of_the_overall_rate_is_that_of_a_beta_binomial(weight):
    rng = np.random.default_rng(3)
    size = rng.integers(5, 200, 3000)
    rate = rng.beta(0.3 * weight, 0.7 * weight, 3000)
    hits = rng.binomial(size, rate)
    assert prior_weight(hits.astype(float), size.astype(float)) == pytest.approx(weight, rel=0.1)
    binomial = rng.binomial(size, 0.3).astype(float)
    assert prior_weight(binomial, size.astype(float)) > 1000
    assert prior_weight(np.array([3.0]), np.array([9.0])) == np.inf
    assert prior_weight(np.array([0.0, 0.0]), np.array([9.0, 5.0])) == np.inf


def test_new_and_unknown_levels_have_a_value():
    frame, label, _ = many_levels(4000, 60, spread=1.0)
    frame.loc[:99, "shop"] = None
    encoder = FeatureEncoder(["shop"]).fit(frame, label)
    new = encoder.transform(pd.DataFrame({"shop": ["never seen", None]}))[:, 0]
    overall = (label.sum() + 0.5) / (len(label) + 1)
    assert new[0] == pytest.approx(np.log(overall / (1 - overall)))
    assert new[1] != new[0]
    with pytest.raises(ValueError, match="shop has many levels"):
        FeatureEncoder(["shop"]).fit(frame)


# What a row may not see


def test_the_rate_of_a_training_row_comes_from_other_customers():
    frame, label, _ = many_levels(900, 40, spread=1.0)
    customer = np.repeat(np.arange(300), 3)
    encoder = FeatureEncoder(["shop"])
    encoded = encoder.fit_transform(frame, label, groups=customer)[:, 0]
    overall = (label.sum() + 0.5) / (len(label) + 1)
    for inside, outside in grouped_folds(label, customer, folds=5):
        assert not set(customer[inside]) & set(customer[outside])
        others = frame.assign(y=label).iloc[inside].groupby("shop")["y"].agg(["sum", "size"])
        weight = prior_weight(others["sum"].to_numpy(float), others["size"].to_numpy(float))
        rate = ((others["sum"] + weight * overall) / (others["size"] + weight)).reindex(
            frame["shop"].iloc[outside]
        )
        np.testing.assert_allclose(encoded[outside], np.log(rate / (1 - rate)))
    assert not np.allclose(encoded, encoder.transform(frame)[:, 0])


def test_a_level_per_customer_tells_nothing_in_training():
    # The label is the customer's own coin: an encoding that saw it would rank perfectly.
    rng = np.random.default_rng(0)
    customer = np.repeat(np.arange(400), 4)
    label = np.repeat(rng.random(400) < 0.5, 4)
    frame = pd.DataFrame({"who": customer.astype(str)})
    encoder = FeatureEncoder(["who"])
    inside = encoder.fit_transform(frame, label, groups=customer)[:, 0]
    assert np.ptp(inside) < 1e-9
    leaky = encoder.transform(frame)[:, 0]
    assert leaky[label].min() > leaky[~label].max()


def test_the_encoder_goes_through_skops_by_name_alone():
    frame, label, _ = many_levels(4000, 60, spread=1.0)
    encoder = FeatureEncoder(["shop"]).fit(frame, label)
    stored = skops.io.dumps(encoder)
    assert skops.io.get_untrusted_types(data=stored) == [
        "python_ext.propensity._encoding.FeatureEncoder"
    ]
    read = skops.io.loads(stored, trusted=["python_ext.propensity._encoding.FeatureEncoder"])
    np.testing.assert_array_equal(read.transform(frame), encoder.transform(frame))

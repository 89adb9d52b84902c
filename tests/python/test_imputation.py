"""What stands in for unknown values: each strategy, and that nothing leaks into the fit."""

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import KNNImputer, SimpleImputer
from test_propensity import definitions, make_examples
from test_registry import FEATURES, make_input, run
from test_registry import definitions as registered

from python_ext import propensity, quality
from python_ext.features import select_features, transformed, untransformed
from python_ext.imputation import DONORS, NEIGHBOURS, STRATEGIES, FeatureImputer


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    """Three columns that go together, a fifth of each unknown."""
    rng = np.random.default_rng(6)
    table = rng.normal(size=(400, 1)) @ np.array([[1.0, 2.0, -1.0]])
    table += rng.normal(size=(400, 3)) / 5
    table[rng.random(table.shape) < 0.2] = np.nan
    return table


@pytest.mark.parametrize(
    ("strategy", "sklearn"), [("median", "median"), ("mean", "mean"), ("mode", "most_frequent")]
)
def test_a_statistic_is_that_of_scikit_learn(values, strategy, sklearn):
    values = values.round(1)
    ours = FeatureImputer([strategy] * 3, indicators="none").fit(values[:300])
    theirs = SimpleImputer(strategy=sklearn).fit(values[:300])
    np.testing.assert_allclose(ours.transform(values), theirs.transform(values))


def test_neighbours_are_those_of_scikit_learn(values):
    ours = FeatureImputer(["knn"] * 3, indicators="none").fit(values)
    center, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    scaled = (values - center) / spread
    donors = scaled[~np.isnan(scaled).all(axis=1)]
    expected = KNNImputer(n_neighbors=NEIGHBOURS).fit(donors).transform(scaled) * spread + center
    known_somewhere = ~np.isnan(values).all(axis=1)
    np.testing.assert_allclose(ours.transform(values)[known_somewhere], expected[known_somewhere])
    # Columns that go together are told by one another far better than by their median.
    full = np.random.default_rng(6).normal(size=(400, 1)) @ np.array([[1.0, 2.0, -1.0]])
    gone = np.isnan(values[:, 0]) & ~np.isnan(values[:, 1])
    error = np.abs(ours.transform(values)[gone, 0] - full[gone, 0]).mean()
    by_median = np.abs(np.nanmedian(values[:, 0]) - full[gone, 0]).mean()
    assert error < by_median / 2


def test_only_columns_that_ask_are_filled_by_neighbours_and_donors_are_capped(values):
    many = np.tile(values, (4, 1))
    imputer = FeatureImputer(["knn", "median", "zero"], indicators="none").fit(many)
    assert imputer.donors_.shape == (DONORS, 3)
    filled = imputer.transform(values)
    for j, stands_in in ((1, np.nanmedian(values[:, 1])), (2, 0.0)):
        assert set(filled[np.isnan(values[:, j]), j]) == {stands_in}
    assert len(np.unique(filled[np.isnan(values[:, 0]), 0])) > 10


def test_flagged_values_have_an_indicator_or_stay_unknown(values):
    strategies = ["flag", "median", "zero"]
    imputer = FeatureImputer(strategies, indicators="flag").fit(values)
    table = imputer.transform(values)
    assert table.shape == (400, 4)
    np.testing.assert_array_equal(table[:, 3], np.isnan(values[:, 0]))
    kept = FeatureImputer(strategies, keep_flagged=True, indicators="none").fit_transform(values)
    np.testing.assert_array_equal(np.isnan(kept), np.isnan(values) & [True, False, False])
    every = FeatureImputer(strategies).fit_transform(values)
    np.testing.assert_array_equal(every[:, 3:], np.isnan(values))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_degenerate_columns_are_filled(strategy):
    for column in ([], [np.nan, np.nan], [7.0], [7.0, np.nan, 7.0]):
        table = np.array(column, dtype=float).reshape(-1, 1)
        imputer = FeatureImputer([strategy], indicators="none").fit(table)
        filled = imputer.transform(np.array([[np.nan], [3.0]]))
        assert np.isfinite(filled).all() and filled[1, 0] == 3
        if 7.0 in column and strategy != "zero":
            assert filled[0, 0] == pytest.approx(7)


def test_faulty_strategies_are_named(values):
    with pytest.raises(ValueError, match="imputation 'guess'"):
        FeatureImputer(["guess"]).fit(values[:, :1])
    with pytest.raises(ValueError, match="2 strategies for 3 columns"):
        FeatureImputer(["mean", "mean"]).fit(values)
    with pytest.raises(ValueError, match="feature noise has the imputation 'guess'"):
        table = definitions()
        table["imputation"] = np.where(table["feature"] == "noise", "guess", "mean")
        select_features(table, table["feature"])


def test_transforms_can_be_undone():
    values = np.array([-3.0, 0.0, 0.5, 400.0])
    for name in ("none", "log", "sqrt"):
        np.testing.assert_allclose(untransformed(transformed(values, name), name), values)
    shares = np.array([0.0, 0.2, 0.5, 1.0])
    np.testing.assert_allclose(untransformed(transformed(shares, "share"), "share"), shares)


# Propensity: nothing leaks


def imputers(models: pd.DataFrame) -> dict[str, dict]:
    """What stands in for unknown values, of each model whose artefact is stored."""
    stored = models[models["artefact"].notna() & (models["algorithm"] != "prevalence")]
    return {
        row["algorithm"]: propensity.read_artefact(
            row["artefact"], sha256=row["artefact_sha256"]
        ).imputation[1]
        for row in stored.to_dict("records")
    }


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_other_test_rows_change_nothing_that_was_fitted(strategy):
    features, labels = make_input()
    features.loc[np.random.default_rng(1).random(len(features)) < 0.3, "frequency"] = np.nan
    wild = features.copy()
    wild.loc[wild["split"] == "test", list(FEATURES)] = 1e9
    fitted = []
    for table in (features, wild):
        seeds = registered().assign(imputation=strategy)
        models = run(
            (table, labels), seeds=seeds, algorithms=["logistic_regression", "random_forest"]
        )
        fitted.append({name: found.to_dict() for name, found in imputers(models).items()})
    # Which of the two is kept for what the test cutoff may decide, not what they hold.
    shared = fitted[0].keys() & fitted[1].keys()
    assert shared and all(fitted[0][name] == fitted[1][name] for name in shared)


def test_every_fold_is_filled_from_its_own_training_part(monkeypatch):
    """One customer's planted value moves the mean of the folds that hold them, and of no other."""
    rows = make_examples(customers=400)
    train = rows[rows["split"] == "train"].reset_index(drop=True)
    someone = train["customer_key"].iloc[0]
    train.loc[train["customer_key"] == someone, "noise"] = 1e9
    features = select_features(
        definitions().assign(imputation="mean"), definitions()["feature"], purpose="propensity"
    )
    column = [feature.name for feature in features].index("noise")
    means: list[float] = []
    fit = FeatureImputer.fit

    def recorded(self, values, y=None):
        fit(self, values)
        means.append(float(self.statistics_[column]))
        return self

    monkeypatch.setattr(FeatureImputer, "fit", recorded)
    propensity.fit_candidates(
        train,
        features,
        algorithms=("logistic_regression",),
        settings=propensity.SearchBudget(settings=1),
        baseline=None,
        select=False,
    )
    planted = np.array([mean > 1e5 for mean in means])
    # Three folds, each read in three ways, of which one fold leaves the customer out; then all.
    assert len(planted) == 10
    assert sorted(planted[:9].reshape(3, 3).sum(axis=1)) == [0, 3, 3] and planted[9]


def test_shares_and_values_are_listed_in_the_unit_of_the_feature(values):
    features = select_features(
        definitions().assign(imputation="median"), definitions()["feature"], purpose="propensity"
    )
    table = pd.DataFrame({f.name: np.arange(1.0, 101) for f in features})
    table.loc[:24, "monetary"] = np.nan
    columns = np.column_stack(
        [transformed(table[f.name].to_numpy(), f.transform) for f in features]
    )
    imputer = FeatureImputer([f.imputation for f in features]).fit(columns)
    scored = table.assign(monetary=np.nan)
    listed = quality.list_imputations(
        {"purchase": (features, imputer), "churn": None}, scored
    ).set_index("feature")
    assert listed.loc["monetary", "fitted_value"] == pytest.approx(63)
    assert listed.loc["monetary", "imputed_share_fitted"] == 0.25
    assert listed.loc["monetary", "imputed_share_scored"] == 1.0
    assert listed.loc["noise", "imputed_share_scored"] == 0.0
    assert set(listed["model"]) == {"purchase"}

"""A straight line does not go on where nothing was learned: real shops have short histories."""

import numpy as np
import pandas as pd

from python_ext.features import Feature
from python_ext.propensity._candidates import CATALOGUE, fit_estimator
from python_ext.propensity._preparation import Prepared


def prepared(values):
    feature = Feature("tenure_days", "value", "none", "Days as a customer", "Ancienneté")
    frame = pd.DataFrame({"tenure_days": values})
    label = np.arange(len(values)) % 2 == 0
    return Prepared.fit(frame, [feature], label=label, group=np.arange(len(values)))


def test_what_lies_beyond_training_reads_like_its_end():
    part = prepared([10.0, 20.0, 60.0, 100.0])
    later = pd.DataFrame({"tenure_days": [-500.0, 10.0, 100.0, 285.0]})
    low, least, greatest, high = part.transform(later, "scaled")[:, 0]
    assert low == least < greatest == high


def test_within_training_nothing_but_the_scale_changes():
    values = np.array([10.0, 20.0, 60.0, 100.0])
    scaled = prepared(values).matrix("scaled")[:, 0]
    np.testing.assert_allclose(scaled, (values - values.mean()) / values.std())


def test_some_rows_of_the_training_part_are_those_of_the_whole_matrix():
    part = prepared([10.0, np.nan, 60.0, 100.0])
    rows = np.array([3, 1])
    for reads in ("open", "filled", "scaled"):
        np.testing.assert_array_equal(part.matrix(reads, rows), part.matrix(reads)[rows])


def test_a_tree_reads_the_value_itself():
    later = pd.DataFrame({"tenure_days": [285.0]})
    assert prepared([10.0, 20.0, 60.0]).transform(later, "filled")[0, 0] == 285.0


def test_a_column_nobody_in_a_part_has_does_not_stop_boosting():
    draw = np.random.default_rng(0)
    values = np.column_stack([draw.normal(size=200), np.full(200, np.nan)])
    label = values[:, 0] > 0
    settings = {**CATALOGUE["gradient_boosting"].default, "max_iter": 10}
    model = fit_estimator("gradient_boosting", settings, values, label, seed=0)
    other = values.copy()
    other[:, 1] = 7.0
    assert (model.predict(values) == label).mean() > 0.95
    np.testing.assert_array_equal(model.predict_proba(values), model.predict_proba(other))

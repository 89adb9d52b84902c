"""A straight line does not go on where nothing was learned: real shops have short histories."""

import numpy as np
import pandas as pd

from python_ext.features import Feature
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


def test_a_tree_reads_the_value_itself():
    later = pd.DataFrame({"tenure_days": [285.0]})
    assert prepared([10.0, 20.0, 60.0]).transform(later, "filled")[0, 0] == 285.0

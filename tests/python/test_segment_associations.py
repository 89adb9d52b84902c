"""Links between attributes against scipy, published values and planted truth."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from python_ext import clustering, frames
from python_ext.clustering import _associations

VIEWS = pd.DataFrame(
    {"view": ["all", "taste", "said"], "label_en": ["All", "Taste", "Said"], "label_fr": "v"}
)
VIEW_FEATURES = pd.DataFrame({"view": ["all", "taste", "said"], "feature": ["f", "t", "s"]})
DEFINITIONS = pd.DataFrame(
    {
        "feature": ["f", "t", "s"],
        "source_table": ["shop.orders", "shop.products", "survey.responses"],
    }
)
ATTRIBUTES = pd.DataFrame(
    {
        "attribute": ["rfm_segment", "gender", "city"],
        "sources": ["shop", None, None],
        "label_en": ["RFM segment", "Gender", "City"],
        "label_fr": ["Segment RFM", "Genre", "Ville"],
    }
)


def customers(n=3000, seed=1):
    rng = np.random.default_rng(seed)
    keys = [f"k{i:05d}" for i in range(n)]
    segment = rng.integers(1, 5, n)
    clusters = pd.DataFrame({"view": "all", "customer_key": keys, "segment_id": segment})
    held = pd.DataFrame(
        {
            "customer_key": keys,
            "rfm_segment": np.where(rng.random(n) < 0.8, segment, rng.integers(1, 5, n)).astype(
                str
            ),
            "gender": rng.choice(["f", "m"], n),
            "city": rng.choice(["x", "y"], n),
        }
    )
    held.loc[rng.random(n) < 0.6, "gender"] = None
    return clusters, held


def associate(clusters, held, **options):
    found = clustering.associate_segments(
        clusters, held, ATTRIBUTES, VIEWS, VIEW_FEATURES, DEFINITIONS, **options
    )
    frames.typed_table(found, clustering.ASSOCIATIONS_SCHEMA)
    return found.set_index(["left_attribute", "right_attribute"])


@pytest.mark.parametrize("shape", [(2, 2), (3, 5), (6, 4)])
def test_chi_squared_and_v_equal_scipy(shape):
    observed = np.random.default_rng(sum(shape)).integers(1, 60, shape).astype(float)
    found = _associations.chi_squared(observed)
    reference = stats.chi2_contingency(observed, correction=False)
    assert found["statistic"] == pytest.approx(reference.statistic)
    assert found["degrees"] == reference.dof
    assert found["p_value"] == pytest.approx(reference.pvalue)
    assert found["smallest"] == pytest.approx(reference.expected_freq.min())
    # Bergsma's formula (2013), written out.
    n, (r, c) = observed.sum(), shape
    phi = max(0, reference.statistic / n - (r - 1) * (c - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    assert found["v"] == pytest.approx(np.sqrt(phi / min(rows - 1, columns - 1)))
    plain = stats.contingency.association(observed.astype(int), method="cramer")
    assert found["v"] <= plain


def test_a_published_table():
    # Hair and eye colour of 592 students (Snee 1974): chi squared 138.29 on 9 degrees of freedom.
    observed = np.array(
        [[68, 20, 15, 5], [119, 84, 54, 29], [26, 17, 14, 14], [7, 94, 10, 16]], dtype=float
    )
    found = _associations.chi_squared(observed)
    assert found["statistic"] == pytest.approx(138.29, abs=0.005)
    assert found["degrees"] == 9
    plain = np.sqrt(138.29 / (592 * 3))
    assert found["v"] == pytest.approx(np.sqrt(plain**2 - 9 / (591 * 3)), abs=0.01)


def test_independence_is_read_as_chance_and_a_link_is_found():
    found = associate(*customers())
    link, none = found.loc[("segment", "rfm_segment")], found.loc[("segment", "city")]
    assert link["strength"] == "strong" and link["cramers_v"] > 0.7
    assert "no discovery" in link["reading_en"] and "découverte" in link["reading_fr"]
    assert none["strength"] == "chance" and none["cramers_v"] < 0.05
    assert none["reading_en"] == "No difference beyond chance."
    assert link["top_segment_id"] == int(link["top_value"]) and link["top_index"] > 200


def test_only_the_known_are_tested_and_the_others_counted():
    clusters, held = customers()
    row = associate(clusters, held).loc[("segment", "gender")]
    known = held["gender"].notna().to_numpy()
    table = pd.crosstab(clusters["segment_id"][known], held["gender"][known])
    assert row["customers"] == known.sum()
    assert row["customers_unknown"] == (~known).sum()
    assert row["chi_squared"] == pytest.approx(
        stats.chi2_contingency(table, correction=False).statistic
    )


def test_p_values_are_corrected_over_all_pairs():
    clusters, held = customers()
    found = associate(clusters, held)
    raw = []
    for _, right in found.index:
        known = held[right].notna()
        table = pd.crosstab(clusters["segment_id"][known], held[right][known])
        raw.append(stats.chi2_contingency(table, correction=False).pvalue)
    ordered = sorted(raw)
    expected = np.maximum.accumulate([p * (3 - i) for i, p in enumerate(ordered)]).clip(max=1)
    np.testing.assert_allclose(sorted(found["p_value"]), expected, rtol=1e-6)


def test_a_tiny_difference_among_many_is_not_worth_acting_on():
    n = 200_000
    clusters, held = customers(n)
    half = held["city"].eq("x") & (clusters["segment_id"] == 1)
    held.loc[half & (np.arange(n) % 20 == 0), "city"] = "y"
    row = associate(clusters, held).loc[("segment", "city")]
    assert row["p_value"] < 0.001
    assert row["strength"] == "negligible"
    assert "too small to be worth acting on" in row["reading_en"]


def test_rare_values_are_joined_and_thin_tables_say_so():
    clusters, held = customers(200)
    held["city"] = [f"city {i // 4}" for i in range(200)]
    row = associate(clusters, held).loc[("segment", "city")]
    assert (row["right_values"], row["values_joined"]) == (1, 50)
    assert row["strength"] == "unknown"
    held["city"] = ["rare" if i < 21 else "usual" for i in range(200)]
    clusters["segment_id"] = np.where(np.arange(200) < 21, 1, clusters["segment_id"])
    row = associate(clusters, held).loc[("segment", "city")]
    assert row["smallest_expected"] > 0 and not row["is_expected_small"]


def test_circular_is_what_shares_a_source():
    clusters, held = customers()
    views = [clusters.assign(view=view) for view in ("all", "taste", "said")]
    found = associate(views, held)["is_circular"]
    assert found["segment", "taste_segment"] and found["segment", "rfm_segment"]
    assert not found["said_segment", "taste_segment"]
    assert not found["segment", "said_segment"] and not found["segment", "gender"]


def test_few_customers_are_named_no_combination():
    clusters, held = customers(120)
    row = associate(clusters, held, least_customers=1000).loc[("segment", "rfm_segment")]
    assert pd.isna(row["top_value"]) and pd.isna(row["top_segment_id"])

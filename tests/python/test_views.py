"""Views of customers as the seeds say, and what a faulty seed is told."""

from pathlib import Path

import pandas as pd
import pytest

from python_ext.clustering import load_views, views_left_out
from python_ext.errors import SegmentationError

SEEDS = Path(__file__).resolve().parents[2] / "seeds" / "reference"

VIEWS = pd.DataFrame(
    {
        "view": ["value", "behaviour", "sleeping"],
        "label_en": ["Value", "Behaviour", "Sleeping"],
        "label_fr": ["Valeur", "Comportement", "Dormant"],
        "reduction": ["pca", "none", "none"],
        "is_active": [True, True, False],
    }
)
DEFINITIONS = pd.DataFrame(
    {
        "feature": ["basket", "margin", "visits", "recency"],
        "source_table": ["shop.orders", "shop.products", "web.events", "shop.orders"],
        "view": ["value", "value", "engagement", "behaviour"],
        "transform": ["log", "none", "log", "log"],
        "in_propensity": False,
        "imputation": ["median", "flag", "zero", "median"],
        "label_en": ["Basket", "Margin", "Visits", "Recency"],
        "label_fr": ["Panier", "Marge", "Visites", "Récence"],
    }
)
COLUMNS = list(DEFINITIONS["feature"])


def row(view, feature, transform=None, scaling="z", lower=0.01, upper=0.02, weight=1.0):
    return {
        "view": view,
        "feature": feature,
        "transform": transform,
        "scaling": scaling,
        "winsor_lower": lower,
        "winsor_upper": upper,
        "weight": weight,
    }


FEATURES = [
    row("value", "margin"),
    row("value", "basket", "sqrt"),
    row("behaviour", "recency", weight=0.5),
    row("behaviour", "visits", scaling="robust"),
    row("behaviour", "basket"),
    row("sleeping", "basket"),
]


def load(*changed, views=VIEWS, **options):
    features = pd.DataFrame([*FEATURES, *changed])
    return load_views(views, features, DEFINITIONS, COLUMNS, **options)


def test_a_view_holds_what_its_rows_say():
    behaviour, value = load()
    assert (behaviour.name, behaviour.label_fr, behaviour.reduction) == (
        "behaviour",
        "Comportement",
        "none",
    )
    assert behaviour.feature_names == ("basket", "recency", "visits")
    assert value.reduction == "pca"
    # An empty transform is that of the definitions; the group is theirs as well.
    assert [f.transform for f in value.features] == ["sqrt", "none"]
    assert [f.transform for f in behaviour.features] == ["log", "log", "log"]
    assert [f.view for f in behaviour.features] == ["value", "behaviour", "engagement"]
    visits = behaviour.features[2]
    assert (visits.scaling, visits.winsor_lower, visits.winsor_upper) == ("robust", 0.01, 0.02)
    assert (visits.imputation, visits.label_en) == ("zero", "Visits")
    assert [f.weight for f in behaviour.features] == [1, 0.5, 1]


def test_the_order_of_the_seeds_changes_nothing():
    turned = pd.DataFrame(FEATURES[::-1])
    assert load_views(VIEWS[::-1], turned, DEFINITIONS[::-1], COLUMNS[::-1]) == load()


def test_a_source_that_is_off_takes_features_along_and_then_the_view():
    only = load(sources={"web": False})
    assert [view.feature_names for view in only] == [("basket", "recency"), ("basket", "margin")]
    assert [view.name for view in load(sources='{"shop.products": false}')] == ["behaviour"]
    features = pd.DataFrame(FEATURES)
    told = views_left_out(
        VIEWS, features, DEFINITIONS, COLUMNS, sources={"web": False, "shop.products": False}
    )
    assert list(told) == ["value"]  # a view that is not active is not missed
    assert told["value"].startswith("1 of its 2 features")
    assert views_left_out(VIEWS, features, DEFINITIONS, COLUMNS) == {}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (row("vlaue", "margin"), "feature margin of view vlaue: there is no such view"),
        (row("value", "marign"), "feature marign of view value: there is no such feature"),
        (row("value", "visits", "cube"), "the transform 'cube'. Write one of none, log, sqrt, sh"),
        (row("value", "visits", scaling="rank"), "scaling 'rank'. Write one of z, min_max, robust"),
        (row("value", "visits", lower=-0.1), "clips the shares -0.1 and 0.02"),
        (row("value", "visits", upper=0.5), "clips the shares 0.01 and 0.5"),
        (row("value", "visits", lower="much"), "winsor_lower must be a number, not 'much'"),
        (row("value", "visits", upper=None), "winsor_upper must be a number"),
        (row("value", "visits", weight=0), "has the weight 0. It must be over 0; delete the row"),
        (row("value", "visits", weight=float("inf")), "has the weight inf"),
        (row("value", "visits", weight=2), "view value is reduced by pca.* yet visits has one"),
        (row("value", "margin"), "repeats the row value, margin"),
    ],
)
def test_a_faulty_row_is_named_with_its_file_and_what_to_write(changed, said):
    with pytest.raises(SegmentationError, match=said) as caught:
        load(changed)
    assert "seeds/reference/segmentation_features.csv" in str(caught.value)


def test_a_faulty_view_is_named():
    with pytest.raises(SegmentationError, match=r"segmentation_views.csv: view .* 'svd'"):
        load(views=VIEWS.assign(reduction="svd"))
    with pytest.raises(SegmentationError, match="repeats the view behaviour"):
        load(views=pd.concat([VIEWS, VIEWS.iloc[[1]]]))


def test_the_seeds_that_are_shipped_are_sound():
    """All sources on: every view; the shop alone: what a shop can tell."""
    read = {
        name: pd.read_csv(SEEDS / f"{name}.csv")
        for name in ("segmentation_views", "segmentation_features", "feature_definitions")
    }
    columns = read["feature_definitions"]["feature"]
    views = load_views(*read.values(), columns)
    assert [view.name for view in views] == [
        "all",
        "behaviour",
        "engagement",
        "psychographics",
        "taste",
        "value",
    ]
    shop = dict.fromkeys(("web", "email", "crm", "survey", "social", "external"), False)
    fed = load_views(*read.values(), columns, sources=shop)
    assert [view.name for view in fed] == ["all", "behaviour", "taste", "value"]
    bare = load_views(*read.values(), columns, sources={**shop, "shop.products": False})
    assert [view.name for view in bare] == ["all", "behaviour", "value"]
    # What describes a person, and what only time changes, makes no main segment.
    assert not {"age_years", "median_income", "recency_days"} & set(views[0].feature_names)

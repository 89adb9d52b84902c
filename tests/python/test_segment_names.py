"""Names of segments: backed by the profile, unique, short, kept; and the seeds they are made of."""

from pathlib import Path

import pandas as pd
import pytest

from python_ext import clustering, frames
from python_ext.clustering._wording import Wording

SEEDS = Path("seeds/reference")


def seed(name: str) -> pd.DataFrame:
    return pd.read_csv(SEEDS / f"{name}.csv")


CATEGORIES = pd.DataFrame(
    {"category": ["beauty", "electronics", "hats"], "category_rank": [1, 2, 3]}
)
SHARE = {"overall": 0.2, "spread": 0.15}


def profile(view="all", level="segment", parents=None, customers=100, **z):
    """Profile rows out of z values per feature, one entry per segment; means agree with them."""
    rows = []
    for feature, values in z.items():
        is_share = Wording.of(feature_words=seed("feature_words")).unit(feature) == "percent"
        overall, spread = (0.2, 0.15) if is_share else (10.0, 4.0)
        for place, value in enumerate(values):
            mean = overall + spread * value
            rows.append(
                {
                    "view": view,
                    "level": level,
                    "segment_id": place + 1,
                    "parent_segment_id": parents[place] if parents else float("nan"),
                    "feature": feature,
                    "label_en": feature.replace("_", " ").capitalize(),
                    "label_fr": feature,
                    "mean": mean,
                    "overall_mean": overall,
                    "index_vs_all": 100 * mean / overall,
                    "z": value,
                    "parent_mean": overall,
                    "index_vs_parent": 100 * mean / overall,
                    "z_vs_parent": value,
                    "customers": customers,
                    "is_circular": True,
                }
            )
    table = pd.DataFrame(rows)
    size = table["z"].abs().where(lambda s: s > 0)
    table["differentiator_rank"] = size.groupby(table["segment_id"]).rank(ascending=False)
    return table


def name(profiles, **options) -> pd.DataFrame:
    options.setdefault("as_of", "2025-01-01")
    found = clustering.name_segments(
        profiles,
        seed("segment_archetypes"),
        seed("archetype_features"),
        seed("feature_words"),
        categories=CATEGORIES,
        category_labels=seed("category_labels"),
        rfm_segments=seed("rfm_segments"),
        actions=seed("segment_actions"),
        **options,
    )
    frames.typed_table(found, clustering.NAMES_SCHEMA)
    return found


def names_of(profiles, **options) -> list[str]:
    return name(profiles, **options)["segment"].tolist()


BASE = {
    "monetary": [1.2, -0.4, -0.6],
    "average_order_value": [1.0, -0.3, 0.1],
    "frequency": [0.7, 0.1, -0.8],
    "discount_rate": [-0.5, 1.4, -0.4],
}


def test_names_follow_the_profile_with_their_evidence_and_an_action():
    found = name(profile(**BASE))
    assert found["segment"].tolist() == [
        "Premium loyalists",
        "Bargain hunters",
        "Occasional buyers",
    ]
    assert found["segment_fr"].tolist()[:2] == ["Fidèles premium", "Chasseurs de promotions"]
    assert found["evidence"][0].startswith("Monetary: index 148; Average order value: index 140")
    assert found["evidence_fr"][1].startswith("discount_rate : 41 % contre 20 %")
    assert found["name_is_backed"].all()
    assert found["action"].str.len().gt(10).all() and found["action"].is_unique


@pytest.mark.parametrize("missing", ["monetary", "average_order_value", "frequency"])
def test_a_name_needs_every_feature_it_claims(missing):
    weaker = {**BASE, missing: [0.1, *BASE[missing][1:]]}
    assert "Premium loyalists" not in names_of(profile(**weaker))
    gone = {feature: values for feature, values in BASE.items() if feature != missing}
    assert "Premium loyalists" not in names_of(profile(**gone))


def test_a_difference_that_the_means_do_not_show_gives_no_name():
    # Of a skewed feature the logarithm may be above and the mean below that of all.
    skewed = profile(monetary_365d=[0.9, -0.9], view="value")
    skewed.loc[0, ["mean", "index_vs_all"]] = [4.0, 40.0]
    found = name(skewed)
    assert found["segment"][0] == "Other customers"
    assert "spending" not in found["description"][0]


def test_a_limit_of_the_mean_is_kept():
    shares = {"christmas_share": [2.0, -2.0], "frequency": [-0.5, 0.5]}
    assert names_of(profile(**shares))[0] == "Christmas shoppers"
    few = profile(**shares)
    few.loc[few["feature"] == "christmas_share", "mean"] *= 0.5
    few.loc[few["feature"] == "christmas_share", "overall_mean"] *= 0.5
    assert names_of(few)[0] == "Year-end shoppers"


def test_a_kind_has_a_size_where_the_seed_says_so():
    graded = profile(
        view="value",
        monetary=[1.5, 0.5, -0.5, -1.5],
        margin=[1.4, 0.5, -0.5, -1.4],
        average_order_value=[0.5, 0.1, -0.1, -0.5],
        monetary_365d=[1.2, 0.4, -0.3, -0.8],
    )
    assert names_of(graded) == ["Top customers", "Good customers", "Modest value", "Low value"]


def test_tastes_are_named_by_their_category():
    found = name(
        profile(
            view="taste",
            taste_1=[1.5, -0.5, -0.5],
            taste_2=[-0.5, 1.5, -0.5],
            taste_3=[-0.5, -0.5, 1.5],
        )
    )
    assert found["segment"].tolist() == ["Beauty fans", "Electronics fans", "Hats fans"]
    assert found["segment_fr"].tolist()[:2] == ["Passionnés de beauté", "Passionnés d'électronique"]
    assert found["segment_fr"][2] == "Passionnés d'hats"  # no label: the category as it is
    assert found["action"][0].startswith("Lead with beauty")


def test_equal_profiles_get_different_and_short_names():
    same = profile(
        frequency=[0.5, 0.5, -0.9], items_per_order=[-0.3, -0.3, 0.5], taste_1=[0.4, -0.3, 0.1]
    )
    found = name(same)
    assert found["segment"].is_unique and found["segment_fr"].is_unique
    assert found["segment"].str.count(",").max() <= 1
    assert not found["segment"].str.contains("Cluster|Segment").any()


def test_nothing_that_differs_is_average():
    flat = profile(frequency=[0.0, 0.01, 0.0], items_per_order=[0.01, 0.0, 0.0])
    found = name(flat)
    assert found["segment"][0].startswith("Other customers") and found["segment"].is_unique
    assert found["description"][0] == "Compared with all customers: no marked difference."


def test_only_a_single_segment_is_everyone():
    one = name(profile(frequency=[0.0]))
    assert one["segment"].tolist() == ["Everyone"]
    two = name(profile(frequency=[1.0, -1.0]), previous=one, as_of="2025-02-01")
    assert "Everyone" not in two["segment"].tolist()


def test_rfm_segments_stand_in_under_their_own_names():
    ids = clustering.rfm_segment_ids(seed("rfm_segments"))
    table = profile(frequency=[1.0, -1.0])
    table["segment_id"] = table["segment_id"].map({1: ids["Champions"], 2: ids["Lost"]})
    found = name(table)
    assert dict(zip(found["segment"], found["segment_fr"], strict=True)) == {
        "Champions": "Champions",
        "Lost": "Perdus",
    }
    assert found["action"].tolist() == [
        row["action_en"]
        for wanted in ("Champions", "Lost")
        for _, row in seed("segment_actions").iterrows()
        if row["rfm_segment"] == wanted
    ]
    assert min(ids.values()) == 901 and len(ids) == 11


def nested():
    top = profile(**BASE)
    parts = profile(
        level="sub_segment",
        parents=[1, 1, 2, 2],
        frequency=[0.8, -0.8, 0.0, 0.0],
        taste_1=[0.1, 0.0, 0.9, -0.9],
        items_per_order=[0.3, 0.3, 0.3, -0.3],
    )
    micro = profile(
        level="micro_segment",
        parents=[1, 1],
        frequency=[0.9, -0.9],
        items_per_order=[0.6, -0.6],
    )
    return pd.concat([top, parts, micro])


def test_parts_carry_their_parents_name_and_what_sets_them_apart():
    found = name(nested()).set_index(["level", "segment_id"])
    sub = found.loc["sub_segment"]
    assert sub["segment"].tolist() == [
        "Premium loyalists · more frequent",
        "Premium loyalists · less frequent",
        "Bargain hunters · more beauty",
        "Bargain hunters · less beauty",
    ]
    assert sub["segment_fr"][3] == "Chasseurs de promotions · plus de beauté"
    # A part does not repeat what its parent's name says.
    assert found.loc["micro_segment", "segment"].tolist() == [
        "Premium loyalists · more frequent · larger baskets",
        "Premium loyalists · more frequent · smaller baskets",
    ]
    assert sub["description"][1].startswith(
        "Compared with the rest of “Premium loyalists”: more fr"
    )


def test_an_only_part_keeps_the_parents_name():
    only = profile(level="sub_segment", parents=[1], frequency=[0.0])
    found = name(pd.concat([profile(**BASE), only]))
    assert found.loc[found["level"] == "sub_segment", "segment"].tolist() == ["Premium loyalists"]


def test_a_segment_keeps_its_name_whatever_its_profile_does():
    before = name(nested())
    turned = nested()
    top = turned["level"] == "segment"
    turned.loc[top, "z"] = -turned.loc[top, "z"]
    turned.loc[top, "mean"] = 2 * turned.loc[top, "overall_mean"] - turned.loc[top, "mean"]
    after = name(turned, previous=before, as_of="2025-03-01")
    key = ["view", "level", "segment_id"]
    words = ["segment", "segment_fr", "description", "first_seen_on"]
    pd.testing.assert_frame_equal(
        after.set_index(key)[words].astype(str), before.set_index(key)[words].astype(str)
    )
    backed = after.set_index(["level", "segment_id"])["name_is_backed"]
    assert not backed["segment", 1] and not backed["segment", 2]
    assert backed["sub_segment", 1]
    # The action follows the profile of today, and not the name of yesterday.
    assert after["action"][0] != before["action"][0]


def test_the_same_build_again_changes_nothing():
    first = name(nested())
    again = name(nested(), previous=first)
    schema = clustering.NAMES_SCHEMA
    assert frames.typed_table(again, schema).equals(frames.typed_table(first, schema))


def test_what_is_no_more_is_remembered_and_its_name_is_free():
    before = name(profile(**BASE))
    today = profile(**BASE)
    today["segment_id"] = today["segment_id"].replace({2: 7})
    after = name(today, previous=before, as_of="2025-02-01").set_index("segment_id")
    assert not after.loc[2, "is_current"] and pd.isna(after.loc[2, "customers"])
    assert after.loc[2, "segment"] == after.loc[7, "segment"] == "Bargain hunters"
    assert str(after.loc[7, "first_seen_on"]) == "2025-02-01"
    assert str(after.loc[1, "first_seen_on"]) == "2025-01-01"


def test_a_later_build_is_not_known_to_an_earlier_one():
    later = name(profile(**BASE), as_of="2025-06-01")
    later["segment"] = "Renamed " + later["segment"]
    earlier = name(profile(**BASE), previous=later, as_of="2025-01-01")
    assert "Premium loyalists" in earlier["segment"].tolist()
    assert earlier["is_current"].all()


def test_a_name_of_features_says_when_it_is_no_longer_backed():
    before = name(profile(view="engagement", emails_delivered_365d=[1.0, -1.0]))
    features = before["name_features"].tolist()
    assert features == ["+emails_delivered_365d", "-emails_delivered_365d"]
    turned = profile(view="engagement", emails_delivered_365d=[-1.0, 1.0])
    assert not name(turned, previous=before)["name_is_backed"].any()


def test_the_seeds_are_sound():
    kinds, features = seed("segment_archetypes"), seed("archetype_features")
    words, actions = seed("feature_words"), seed("segment_actions")
    known = set(seed("feature_definitions")["feature"])
    assert set(features["feature"]) <= known and set(words["feature"]) <= known | {"taste"}
    assert set(features["archetype"]) == set(kinds["archetype"])
    assert features["direction"].between(-1, 1).all() and (features["direction"] != 0).all()
    assert features[features["is_required"]].groupby("archetype").size().ge(1).all()
    assert set(features.loc[features["is_required"], "archetype"]) == set(kinds["archetype"])
    views = set(seed("segmentation_views")["view"])
    for _, row in kinds.iterrows():
        assert set(row["views"].split()) <= views, row["archetype"]
    for view in views:
        mine = kinds[[view in row.split() for row in kinds["views"]]]
        assert mine["name_en"].is_unique and mine["name_fr"].is_unique
    assert kinds["name_en"].str.len().max() <= 40 and kinds["name_fr"].str.len().max() <= 40
    # Every kind and every RFM segment has an action, and so has whatever is neither.
    assert set(actions["archetype"].dropna()) == set(kinds["archetype"])
    assert set(actions["rfm_segment"].dropna()) == set(seed("rfm_segments")["rfm_segment"])
    rest = actions[["archetype", "rfm_segment", "feature"]].isna().all(axis=1)
    assert (
        rest.sum() == 1 and actions.loc[rest, "rule_number"].item() == actions["rule_number"].max()
    )
    for column in ("more_en", "more_fr", "less_en", "less_fr"):
        assert words[column].is_unique, column
    described = pd.concat([kinds.drop(columns="typical_size"), actions[["action_en", "action_fr"]]])
    assert described[["description_en", "description_fr"]].dropna().shape[0] == len(kinds)


def test_what_is_said_of_an_only_part_is_said_of_its_parent():
    only = profile(level="sub_segment", parents=[1], frequency=[0.0])
    found = name(pd.concat([profile(**BASE), only])).set_index(["level", "segment_id"])
    said = ["evidence", "description", "action", "name_is_backed", "match_similarity"]
    assert found.loc[("sub_segment", 1), said].tolist() == found.loc[("segment", 1), said].tolist()

"""Runs of the segmentation over time: kept or fitted, ids, events, and what stays when repeated."""

import dataclasses
from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from python_ext import clustering, frames
from python_ext.clustering import _refit
from python_ext.errors import SegmentationError

FIRST, SECOND, THIRD = date(2025, 1, 1), date(2025, 2, 1), date(2025, 3, 1)
CENTRES = np.array([[0, 0, 0], [8, 0, 0], [0, 8, 0], [0, 0, 8], [8, 8, 8]], dtype=float)
OPTIONS = {"choosing": {"max_k": 7, "min_segment_share": 0.02, "algorithms": ["kmeans"]}}


def view(name="all", columns=("f0", "f1", "f2")):
    features = tuple(
        clustering.ViewFeature(
            name=column, view=column, transform="none", label_en=column, label_fr=column
        )
        for column in columns
    )
    return clustering.View(name, name, name, "none", features)


def customers(groups, *, rows=120, seed=0, start=0):
    """So many customers around each of these centres; the key tells the group."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(groups, rows)
    points = CENTRES[truth] + rng.normal(0, 0.6, (len(truth), 3))
    frame = pd.DataFrame(points, columns=["f0", "f1", "f2"])
    keys = [f"g{group}-{start + i % rows:04d}" for i, group in enumerate(truth)]
    return frame.assign(customer_key=keys, monetary=100.0 - truth)


def run(frame, memory=None, as_of=FIRST, views=None, **options):
    rows = clustering.run_segmentation(
        frame, views or [view()], memory, as_of=as_of, **{**OPTIONS, **options}
    )
    # As the warehouse gives it back.
    return frames.typed_table(rows, clustering.MODELS_SCHEMA).to_pandas()


def chosen(rows, name="all"):
    return rows[rows["is_chosen"] & (rows["view"] == name)].iloc[0]


def segments(rows, frame, as_of=None):
    model = clustering.current_models(rows, as_of=as_of)["all"]
    return model.assign(frame).set_index("customer_key")["segment_id"]


def group_ids(rows, frame, as_of=None):
    """Planted group → the segment that holds most of it."""
    found = segments(rows, frame, as_of)
    return found.groupby(found.index.str[:2]).agg(lambda s: s.mode().iloc[0]).to_dict()


@pytest.fixture(scope="module")
def first():
    return run(customers([0, 1, 2, 3]))


def test_the_first_run_fits_and_says_why(first):
    row = chosen(first)
    assert row["decision"] == "fitted" and "no model of an earlier date" in row["decision_reason"]
    assert row["k"] == 4
    events = clustering.read_events(first)
    born = events[events["level"] == "segment"]
    assert born["event"].eq("born").all() and set(born["segment_id"]) == {1, 2, 3, 4}


def test_by_default_the_model_is_kept(first):
    rows = run(customers([0, 1, 2, 3], seed=1), first, SECOND)
    assert len(rows) == 1
    row = chosen(rows)
    assert row["decision"] == "kept" and row["model_id"] == chosen(first)["model_id"]
    assert "fitted 31 days ago" in row["decision_reason"] and "PSI" in row["decision_reason"]
    assert 0 < row["silhouette"] <= 1 and row["inertia"] != chosen(first)["inertia"]
    assert len(clustering.read_events(pd.concat([first, rows]))) == len(
        clustering.read_events(first)
    )


def test_ids_survive_a_new_fit_of_others_and_new_ids_are_new(first):
    frame = customers([0, 1, 2, 3, 4], seed=2)
    second = run(frame, first, SECOND, refit="always")
    memory = pd.concat([first, second])
    before, after = group_ids(first, customers([0, 1, 2, 3])), group_ids(memory, frame)
    assert {group: after[group] for group in before} == before
    assert after["g4"] == 5
    events = clustering.read_events(memory)
    events = events[(events["as_of_date"] == SECOND) & (events["level"] == "segment")]
    found = set(zip(events["event"], events["segment_id"], strict=True))
    assert found >= {("born", 5), *(("kept", number) for number in (1, 2, 3, 4))}
    assert "died" not in set(events["event"])
    # The planted kind goes again, comes back later, and is another then.
    third = run(customers([0, 1, 2, 3], seed=3), memory, THIRD, refit="always")
    memory = pd.concat([memory, third])
    assert set(clustering.current_models(memory)["all"].ids) == {1, 2, 3, 4}
    assert 5 in set(clustering.read_events(memory).query("event == 'died'")["segment_id"])
    fourth = run(frame, memory, date(2025, 4, 1), refit="always")
    assert group_ids(fourth, frame)["g4"] == 6


def test_a_second_run_of_a_date_adds_nothing(first):
    frame = customers([0, 1, 2, 3], seed=1)
    second = run(frame, first, SECOND)
    memory = pd.concat([first, second])
    again = run(frame, memory, SECOND)
    pd.testing.assert_frame_equal(again, second)
    fitted = run(frame, first, SECOND, refit="always")
    again = run(frame, pd.concat([first, fitted]), SECOND, refit="always")
    pd.testing.assert_frame_equal(again, fitted)
    pd.testing.assert_frame_equal(run(customers([0, 1, 2, 3]), first), first)


def test_customers_of_a_mended_file_are_divided_anew_on_the_same_date(first):
    """Under the ids that go on, as where settings changed."""
    frame = customers([0, 1, 2, 3])
    spoilt = run(frame.assign(f0=lambda rows: rows["f0"] * 100))
    mended = run(frame, spoilt)
    assert chosen(mended)["decision"] == "fitted"
    assert len(set(segments(mended, frame))) == len(set(segments(first, frame)))
    pd.testing.assert_frame_equal(run(frame, mended), mended)
    pd.testing.assert_frame_equal(run(frame, spoilt, refit="never"), spoilt)


def test_what_a_smaller_run_must_keep_is_decided_anew_by_a_whole_one_of_the_same_date(first):
    moved = customers([0, 1, 2, 3], seed=1).assign(f0=lambda frame: frame["f0"] + 6)
    daily = run(moved, first, SECOND, refit="never")
    assert chosen(daily)["decision"] == "kept"
    whole = run(moved, pd.concat([first, daily]), SECOND)
    assert chosen(whole)["decision"] == "fitted"
    pd.testing.assert_frame_equal(whole, run(moved, first, SECOND))
    # And the smaller runs after it keep what it fitted.
    after = pd.concat([first, whole])
    pd.testing.assert_frame_equal(run(moved, after, SECOND, refit="never"), whole)


def test_a_first_run_fitted_again_keeps_its_ids(first):
    frame = customers([0, 1, 2, 3])
    again = run(frame, first, refit="always")
    assert group_ids(again, frame) == group_ids(first, frame)
    once_more = run(frame, again, refit="always")
    pd.testing.assert_frame_equal(once_more, again)
    # With other settings on the same date: four go on, the others are new.
    other = run(frame, first, choosing={**OPTIONS["choosing"], "fixed_k": 3})
    ids = clustering.current_models(other)["all"].ids
    assert len(ids) == 3 and len(set(ids) & {1, 2, 3, 4}) >= 2 and max(ids) <= 5


def test_a_run_of_a_later_date_is_not_looked_at_and_its_ids_are_not_given_again(first):
    frame = customers([0, 1, 2, 3, 4], seed=2)
    memory = pd.concat([first, run(frame, first, THIRD, refit="always")])
    second = run(frame, memory, SECOND, refit="always")
    assert group_ids(second, frame, SECOND)["g4"] == 6
    assert clustering.previous_models(memory, as_of=SECOND)["all"].ids == (1, 2, 3, 4)
    assert set(clustering.previous_models(memory, as_of=FIRST)) == set()
    assert len(clustering.current_models(memory, as_of=SECOND)["all"].ids) == 4


def test_a_view_that_is_not_there_any_more_has_no_model(first):
    frame = customers([0, 1, 2, 3])
    both = run(frame, views=[view(), view("value", ("f0", "f1"))])
    assert set(clustering.current_models(both)) == {"all", "value"}
    rows = run(frame, both, SECOND)
    assert set(clustering.current_models(pd.concat([both, rows]))) == {"all"}
    # Reactivated, it continues.
    back = run(frame, pd.concat([both, rows]), THIRD, views=[view(), view("value", ("f0", "f1"))])
    assert chosen(back, "value")["decision"] == "kept"


# The policy ------------------------------------------------------------------------------------


def decide(first, frame, *, as_of=SECOND, views=None, **options):
    return chosen(run(frame, first, as_of, views=views, **options))


def test_policy_table(first):
    same = customers([0, 1, 2, 3], seed=1)
    moved = same.assign(f0=same["f0"] * 1.0 + 6)
    cases = {
        "nothing": (same, {}, "kept", "fitted 31 days ago"),
        "on demand": (same, {"refit": "always"}, "fitted", "segments_refit is always"),
        "age": (same, {"as_of": date(2025, 7, 31)}, "fitted", "211 days ago, at most 180"),
        "younger": (same, {"as_of": date(2025, 6, 30)}, "kept", "180 days ago, at most 180"),
        "drift": (moved, {}, "fitted", "PSI over 0.25 in 1 of 3 features: f0"),
        "drift allowed": (moved, {"drift_psi": 99}, "fitted", "outliers"),
        "never": (moved, {"refit": "never"}, "kept", "segments_refit is never; "),
        "settings": (
            same,
            {"choosing": {**OPTIONS["choosing"], "fixed_k": 3}},
            "fitted",
            "fixed_k (None before, 3 now)",
        ),
        "features": (same, {"views": [view(columns=("f0", "f1"))]}, "fitted", "f2 gone"),
        "seed": (same, {"seed": 7}, "fitted", "seed (42 before, 7 now)"),
        "categories": (
            same.assign(taste_1=same["f0"]),
            {"views": [view(columns=("f0", "f1", "taste_1"))]},
            "fitted",
            "taste_1 added",
        ),
        "sizes": (
            pd.concat([customers([0], rows=400, seed=4), customers([1, 2, 3], rows=15, seed=5)]),
            {},
            "fitted",
            "PSI of the segment sizes",
        ),
    }
    for name, (frame, options, decision, said) in cases.items():
        row = decide(first, frame, **options)
        assert row["decision"] == decision, (name, row["decision_reason"])
        assert said in row["decision_reason"], (name, row["decision_reason"])


def test_another_category_behind_a_taste_is_another_setting():
    frame = customers([0, 1, 2, 3]).rename(columns={"f2": "taste_1"})
    views = [view(columns=("f0", "f1", "taste_1"))]
    books = pd.DataFrame({"category_rank": [1, 2], "category": ["Books", "Garden"]})
    first = run(frame, views=views, categories=books)
    assert chosen(run(frame, first, SECOND, views=views, categories=books))["decision"] == "kept"
    toys = books.assign(category=["Toys", "Garden"])
    row = chosen(run(frame, first, SECOND, views=views, categories=toys))
    assert row["decision"] == "fitted" and "taste_1 changed" in row["decision_reason"]


def test_a_dwindling_segment_is_a_reason_and_a_small_one_is_none(first):
    dwindled = pd.concat([customers([0, 1, 2], rows=400, seed=4), customers([3], rows=2, seed=5)])
    row = decide(first, dwindled, drift_psi=99)
    assert row["decision"] == "fitted"
    assert "the smallest segment holds 0.2%" in row["decision_reason"]
    # Chance: a sample of few may hold fewer than is asked.
    few = pd.concat([customers([0, 1, 2], rows=20, seed=4), customers([3], rows=1, seed=5)])
    assert decide(first, few, drift_psi=99)["decision"] == "kept"


def test_outliers_are_a_reason(first):
    frame = customers([0, 1, 2, 3], seed=1)
    far = frame.index % 10 == 0
    frame.loc[far, "f1"] += 30
    row = decide(first, frame, drift_psi=99)
    assert row["decision"] == "fitted" and "outliers" in row["decision_reason"]


def test_never_without_a_model_is_refused():
    with pytest.raises(SegmentationError, match="segments_refit is never, and there is no model"):
        run(customers([0, 1, 2, 3]), refit="never")
    with pytest.raises(SegmentationError, match="segments_refit is 'sometimes'"):
        run(customers([0, 1, 2, 3]), refit="sometimes")
    with pytest.raises(SegmentationError, match="No view"):
        clustering.run_segmentation(customers([0, 1]), [], None, as_of=FIRST)
    with pytest.raises(SegmentationError, match="segmentation_view is 'all'"):
        run(customers([0, 1]), views=[view("value")])


def test_a_model_of_another_format_is_replaced_and_its_ids_stay_spent(first):
    frame = customers([0, 1, 2, 3])
    old = first.copy()
    at = old.index[old["is_chosen"]][0]
    artefact = old.at[at, "artefact"].replace(b"segmentation.2026-11", b"segmentation.1999-01")
    old.at[at, "artefact"] = artefact
    row = chosen(run(frame, old, SECOND))
    assert row["decision"] == "fitted" and "cannot be used" in row["decision_reason"]
    assert clustering.SegmentModel.from_bytes(row["artefact"], model_id=row["model_id"]).ids == (
        *(5, 6, 7, 8),
    )
    members = clustering.current_models(first)["all"].assign(frame)
    rows = run(frame, old, SECOND, clusters=lambda: members)
    assert group_ids(rows, frame) == group_ids(first, frame)
    # Not even the counter can be read: as many as there were segments.
    old.at[at, "artefact"] = b"\x00damaged"
    rows = run(frame, old, SECOND)
    assert min(clustering.current_models(rows)["all"].ids) == 5
    assert clustering.previous_models(old, as_of=SECOND) == {}


def damaged(rows, as_of=None):
    """The rows with the artefacts of a date, or all, not as they were written."""
    hit = rows["is_chosen"] & (as_of is None or rows["as_of_date"] == pd.Timestamp(as_of))
    return rows.assign(artefact=rows["artefact"].mask(hit, b"\x00damaged"))


def never():
    raise AssertionError("the members were asked for")


def test_a_lost_model_is_fitted_again_to_the_same_bytes(first):
    frame, later = customers([0, 1, 2, 3]), customers([0, 1, 2, 3, 4])
    again = run(frame, damaged(first), clusters=never)
    pd.testing.assert_frame_equal(again, first)
    second = run(later, first, SECOND, refit="always")
    assert set(clustering.current_models(second)["all"].ids) == {1, 2, 3, 4, 5}
    both = pd.concat([first, second], ignore_index=True)
    again = run(later, damaged(both, SECOND), SECOND, refit="always", clusters=never)
    pd.testing.assert_frame_equal(again, second)


def test_a_lost_model_is_taken_from_another_run_that_kept_it(first):
    frame = customers([0, 1, 2, 3], seed=1)
    kept = run(frame, first, SECOND)
    both = pd.concat([first, kept], ignore_index=True)
    assert chosen(kept)["decision"] == "kept"
    again = run(frame, damaged(both, SECOND), SECOND, clusters=never)
    pd.testing.assert_frame_equal(again, kept)
    later = run(frame, damaged(both, SECOND), THIRD, clusters=never)
    assert chosen(later)["decision"] == "kept"
    assert clustering.previous_models(damaged(both, FIRST), as_of=SECOND).keys() == {"all"}
    events = clustering.read_events(both)
    pd.testing.assert_frame_equal(clustering.read_events(damaged(both, FIRST)), events)
    assert not events.empty


@pytest.mark.parametrize("as_of", [FIRST, SECOND])
def test_segments_of_a_lost_model_are_found_again_by_their_members(as_of):
    options = {"nesting": {"min_rows": 30}, "choosing": {**OPTIONS["choosing"], "fixed_k": 4}}
    first = run(customers([0, 1, 2, 3]), **options)
    before = clustering.current_models(first)["all"].assign(customers([0, 1, 2, 3]))
    ids = ["segment_id", "sub_segment_id", "micro_segment_id"]
    # As they are after years of new segments, so that no count from one gives them again.
    before[ids] = before[ids] * 7
    # Of other customers no fit gives the same model; those of group 3 are gone.
    frame = customers([0, 1, 2, 4], seed=1)
    rows = run(frame, damaged(first), as_of, clusters=lambda: before, **options)
    after = clustering.current_models(rows)["all"].assign(frame)
    both = before.merge(after, on="customer_key", suffixes=("_before", ""))
    assert len(both) == 360
    for level in ids:
        assert (both[level] == both[f"{level}_before"]).all()
    born = set(after["segment_id"]) - set(both["segment_id"])
    assert born and min(born) > before["segment_id"].max()
    # Of another model's members nothing is taken.
    other = before.assign(model_id="0" * 16)
    rows = run(frame, damaged(first), as_of, clusters=lambda: other, **options)
    assert min(clustering.current_models(rows)["all"].ids) == 5


def test_a_memory_of_other_columns_is_none():
    rows = run(customers([0, 1, 2, 3]), pd.DataFrame({"level": ["segment"], "k": [3]}))
    assert chosen(rows)["decision"] == "fitted"


def test_scales_and_features_may_change_and_ids_stay(first):
    """The same customers through other coordinates: only whom a segment holds is compared."""
    frame = customers([0, 1, 2, 3], seed=0)
    other = frame.assign(f3=frame["f0"] * 1000 - 4, f4=np.exp(frame["f1"] / 8))
    rows = run(other, first, SECOND, views=[view(columns=("f2", "f3", "f4"))])
    assert chosen(rows)["decision"] == "fitted"
    assert group_ids(pd.concat([first, rows]), other) == group_ids(first, frame)


def test_lower_levels_keep_their_ids_within_their_parent():
    rng = np.random.default_rng(3)
    frame = customers([0, 1, 2], rows=300)
    part = rng.random(len(frame)) < 0.5
    frame["f2"] = frame["f2"] + np.where(part, 2.5, -2.5) * (frame["f0"] < 4)
    options = {"nesting": {"min_rows": 30}, "choosing": {**OPTIONS["choosing"], "fixed_k": 3}}
    first = run(frame, **options)
    model = clustering.current_models(first)["all"]
    assert len(model.nesting.sub_ids) > 3
    second = run(frame.sample(frac=0.9, random_state=1), first, SECOND, refit="always", **options)
    again = clustering.current_models(pd.concat([first, second]))["all"]
    before, after = model.assign(frame), again.assign(frame)
    same = (before["sub_segment_id"] == after["sub_segment_id"]).mean()
    assert same > 0.95
    assert adjusted_rand_score(before["segment_id"], after["segment_id"]) > 0.95
    parents = after.groupby("sub_segment_id")["segment_id"].nunique()
    assert parents.eq(1).all()


def test_the_policy_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        _refit.RefitPolicy().refit = "never"

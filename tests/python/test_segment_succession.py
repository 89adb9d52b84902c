"""Ids over time: against permutations, splits, merges, births, deaths and chains of them."""

import numpy as np
import pytest

from python_ext import drift
from python_ext.clustering._succession import first_ids, succeed


def points_of(labels, centres):
    """Customers exactly at the centre of the group they are in."""
    return np.array(centres, dtype=float)[labels]


def events(succession, kind):
    return [
        (e.segment_id, e.other_segment_id, None if e.overlap is None else round(e.overlap, 3))
        for e in succession.events
        if e.event == kind
    ]


def match(new, old, *, k=None, old_ids=None, points=None, issued=None, **more):
    new, old = np.array(new), np.array(old)
    old_ids = sorted(set(old.tolist())) if old_ids is None else old_ids
    points = np.zeros((len(new), 0)) if points is None else points
    return succeed(
        new,
        old,
        k=int(new.max()) + 1 if k is None else k,
        old_ids=old_ids,
        points=points,
        issued=max(old_ids, default=0) if issued is None else issued,
        **more,
    )


@pytest.mark.parametrize("seed", range(5))
def test_a_permutation_is_undone(seed):
    rng = np.random.default_rng(seed)
    old = rng.integers(0, 6, 900)
    ids = rng.permutation(np.arange(1, 7))
    turned = rng.permutation(6)
    found = match(turned[old], ids[old], issued=9)
    assert [found.ids[turned[group]] for group in range(6)] == ids.tolist()
    assert found.issued == 9
    assert {e.event for e in found.events} == {"kept"}
    assert all(e.overlap == 1 for e in found.events)


def test_a_few_who_change_sides_change_no_id():
    old = np.repeat([1, 2, 3], 100)
    new = np.repeat([2, 0, 1], 100)
    new[:20] = 0
    found = match(new, old)
    assert found.ids == (2, 3, 1)
    assert events(found, "kept") == [(2, None, 0.833), (3, None, 1.0), (1, None, 0.8)]


def test_a_split_keeps_the_id_with_the_larger_part():
    found = match([0] * 60 + [1] * 40 + [2] * 50, [1] * 100 + [2] * 50)
    assert found.ids == (1, 3, 2)
    assert found.parents == (1, None, 2)
    assert events(found, "split") == [(1, 1, 0.6), (1, 3, 0.4)]
    assert events(found, "born") == [(3, 1, 1.0)]
    assert not events(found, "died") and not events(found, "merged")


def test_a_merge_keeps_the_id_of_the_larger_part():
    found = match([0] * 100 + [1] * 50, [1] * 40 + [2] * 60 + [3] * 50)
    assert found.ids == (2, 3)
    assert events(found, "merged") == [(2, 1, 1.0), (2, 2, 1.0)]
    assert events(found, "died") == [(1, 2, 1.0)]
    assert not events(found, "born") and not events(found, "split")


def test_a_trace_within_a_segment_is_no_merger():
    found = match([0] * 105, [1] * 100 + [2] * 5)
    assert events(found, "merged") == []
    assert events(found, "died") == [(2, 1, 1.0)]


def test_a_new_kind_of_customer_gets_an_id_never_given():
    # Id 5 was given once and is not there any more.
    found = match([0] * 50 + [1] * 50 + [2] * 30, [1] * 50 + [2] * 70 + [2] * 10, issued=5)
    assert found.ids == (1, 2, 6) and found.issued == 6
    assert events(found, "born") == [(6, 2, 1.0)]


def test_a_segment_without_customers_today_has_died():
    found = match([0] * 50, [1] * 50, old_ids=[1, 2])
    assert found.ids == (1,)
    assert events(found, "died") == [(2, None, None)]


def test_thirds_of_three_segments_match_none():
    """Nothing flows largely anywhere: everything is new."""
    old = np.repeat([1, 2, 3], 90)
    new = np.tile([0, 1, 2], 90)
    found = match(new, old)
    assert found.ids == (4, 5, 6)
    assert len(events(found, "died")) == 3


def test_under_a_half_the_centre_decides():
    # Both new segments share 3 of 8 with the old one; one lies where it lay.
    old = np.array([1] * 30 + [1] * 30 + [2] * 20 + [2] * 20)
    new = np.array([0] * 30 + [1] * 30 + [0] * 20 + [1] * 20)
    rng = np.random.default_rng(0)
    far = points_of(new, [[0, 0], [9, 9]]) + rng.normal(0, 0.01, (100, 2))
    found = match(new, old, points=far)
    assert round(30 / 80, 3) == 0.375
    assert sum(parent == 1 for parent in found.parents) == 1
    # Without coordinates all are equally near, and the older id and the first segment win.
    assert match(new, old).parents[0] == 1


def test_ties_are_broken_the_same_way_whatever_the_order_of_customers():
    rng = np.random.default_rng(3)
    old = np.repeat([1, 2], 100)
    new = np.tile([0, 1], 100)
    old[::2] = 1
    first = match(new, old)
    for _ in range(5):
        order = rng.permutation(200)
        assert match(new[order], old[order]) == first


def test_a_pair_that_may_not_match_does_not():
    allowed = np.array([[False], [False]])
    found = match([0] * 50 + [1] * 10, [7] * 60, allowed=allowed)
    assert found.ids == (8, 9)
    assert events(found, "died")[0][0] == 7


def test_spare_ids_are_used_only_while_they_are_free():
    new, old = [0] * 50 + [1] * 50 + [2] * 50, [1] * 50 + [2] * 100
    assert match(new, old, issued=4, spare=(None, None, 4)).ids == (1, 2, 4)
    # Id 1 belongs to another, so the spare one is not given.
    assert match(new, old, issued=4, spare=(None, None, 1)).ids == (1, 2, 5)


def test_first_ids_start_above_all_that_were_given():
    found = first_ids(np.array([0, 0, 1]), k=2, issued=7)
    assert found.ids == (8, 9) and found.issued == 9
    assert [e.customers for e in found.events] == [2, 1]


def test_over_many_runs_no_id_is_given_twice():
    """Segments that split, merge, vanish and come: each id means one line of succession."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 5, 2000)
    succession = first_ids(labels, k=5, issued=0)
    ids, issued = succession.ids, succession.issued
    alive, dead = set(ids), set()
    for _ in range(30):
        old = np.array(ids)[labels]
        labels = rng.permutation(labels.max() + 1)[labels]
        change = rng.integers(3)
        if change == 0 and labels.max() > 1:
            labels = np.where(labels == labels.max(), 0, labels)
        elif change == 1:
            inside = (labels == 0) & (rng.random(2000) < 0.4)
            labels = np.where(inside, labels.max() + 1, labels)
        _, labels = np.unique(labels, return_inverse=True)
        found = match(labels, old, old_ids=ids, issued=issued)
        assert len(set(found.ids)) == len(found.ids)
        fresh = set(found.ids) - alive
        assert not fresh & dead, "an id came back from the dead"
        assert all(number > issued for number in fresh)
        dead |= alive - set(found.ids)
        alive, ids, issued = set(found.ids), found.ids, found.issued
    assert issued > 8 and dead


# Drift -----------------------------------------------------------------------------------------


def test_psi_is_the_sum_by_hand():
    expected, actual = np.array([50, 30, 20]), np.array([40, 40, 20])
    by_hand = (0.4 - 0.5) * np.log(0.4 / 0.5) + (0.4 - 0.3) * np.log(0.4 / 0.3)
    assert by_hand == pytest.approx(0.05108, abs=1e-5)
    assert drift.population_stability(expected, actual) == pytest.approx(by_hand)
    assert drift.population_stability(expected, expected * 7) == pytest.approx(0)


def test_an_empty_bin_is_no_infinity():
    value = drift.population_stability(np.array([100, 0]), np.array([50, 50]))
    assert np.isfinite(value) and value > 1


def test_chance_exceeds_the_critical_value_as_often_as_is_said():
    """Two samples of one distribution, drawn 4,000 times."""
    rng = np.random.default_rng(5)
    share = np.array([0.1, 0.2, 0.3, 0.4])
    limit = drift.critical_stability(4, 800, 500, chance=0.05)
    drawn = [
        drift.population_stability(rng.multinomial(800, share), rng.multinomial(500, share))
        for _ in range(4000)
    ]
    assert np.mean(np.array(drawn) > limit) == pytest.approx(0.05, abs=0.015)

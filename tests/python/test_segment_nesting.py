"""Sub- and micro-segments: planted ones are found, others are not, and all of them are nested."""

import json
import time

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.metrics import adjusted_rand_score

from python_ext.clustering import Nesting, _replication, nest
from python_ext.clustering._dendrogram import Node, join, lay_out
from python_ext.clustering._replication import find_lasting_split
from python_ext.clustering._splits import Split, find_split
from python_ext.errors import SegmentationError

RULES = {"least_rows": 40, "most_groups": 5, "min_stability": 0.6}
LASTING = {**RULES, "min_agreement": 0.75}


def planted(children, *, grandchildren=1, rows=300, dimensions=8, seed=0):
    """Points, segment of each, true child of each; children differ by six deviations."""
    rng = np.random.default_rng(seed)
    points, labels, truth = [], [], []
    for segment, count in enumerate(children):
        for child in range(count):
            for grandchild in range(grandchildren):
                centre = np.zeros(dimensions)
                centre[segment % 4] = 60 * (1 + segment // 4)
                centre[4 + child % 4] = 6 * grandchildren**2 if count > 1 else 0
                centre[(5 + child) % 4] += 6 * grandchild
                points.append(centre + rng.normal(size=(rows, dimensions)))
                labels += [segment] * rows
                truth.append([[segment, child, grandchild]] * rows)
    return np.vstack(points), np.array(labels), np.vstack(truth)


def structureless(shape, dimensions, rng, rows=1500):
    if shape == "cut off by k-means":
        points = rng.normal(size=(4 * rows, dimensions))
        return points[(points[:, 0] > 0) & (points[:, 1] > points[:, 0] / 2)]
    spread = np.geomspace(3, 0.5, dimensions)
    if shape == "exponential":
        return rng.exponential(size=(rows, dimensions)) * spread
    return (rng.normal if shape == "normal" else rng.uniform)(size=(rows, dimensions)) * spread


@pytest.mark.parametrize("seed", range(4))
def test_planted_children_are_found_and_only_they(seed):
    points, labels, truth = planted([1, 2, 3, 3], seed=seed)
    nesting = nest(points, labels, seed=seed)
    assert [split.groups for split in nesting.segment_splits] == [1, 2, 3, 3]
    assert [split.groups for split in nesting.sub_splits] == [1] * 9
    subs, micros = nesting.assign(points, labels)
    assert adjusted_rand_score(truth[:, 0] * 10 + truth[:, 1], subs) > 0.98
    assert len(set(subs)) == len(set(micros)) == 9


def test_planted_grandchildren_are_micro_segments():
    points, labels, truth = planted([1, 2, 2], grandchildren=2, rows=250)
    nesting = nest(points, labels)
    subs, micros = nesting.assign(points, labels)
    assert adjusted_rand_score(truth @ [100, 10, 1], micros) > 0.97
    assert len(set(micros)) > len(set(subs)) > 3


@pytest.mark.parametrize("dimensions", [4, 12])
@pytest.mark.parametrize("shape", ["normal", "uniform", "cut off by k-means"])
def test_what_has_no_structure_is_not_divided(shape, dimensions):
    for seed in range(3):
        points = structureless(shape, dimensions, np.random.default_rng(seed))
        labels, split = find_split(points, seed=seed, **RULES)
        assert split.groups == 1 and not labels.any()
        assert split.reason.startswith("not divided: its customers pass into one another")


@pytest.mark.parametrize("dimensions", [2, 4, 12])
@pytest.mark.parametrize("shape", ["normal", "uniform", "exponential", "cut off by k-means"])
def test_a_division_of_what_has_no_structure_does_not_last(shape, dimensions):
    for seed in range(4):
        points = structureless(shape, dimensions, np.random.default_rng(seed))
        labels, split = find_lasting_split(points, seed=seed, **LASTING)
        assert split.groups == 1 and not labels.any()
        assert split.reason.startswith("not divided: ") and split.agreement is None


@pytest.mark.parametrize("groups", [2, 3])
@pytest.mark.parametrize("apart", [5, 6])
def test_what_is_planted_is_divided_alike_whatever_the_seed_and_the_sample(groups, apart):
    """Equal divisions from four seeds and from two samples that share no customer."""
    rng = np.random.default_rng(apart)
    centres = np.eye(8)[:groups] * apart / np.sqrt(2)
    truth = np.tile(np.arange(groups), 700)
    points = centres[truth] + rng.normal(size=(len(truth), 8))
    for seed in range(4):
        labels, split = find_lasting_split(points, seed=seed, **LASTING)
        assert split.groups == groups and split.looks == 8 and split.looks_alike >= 6
        assert split.agreement > 0.9 and split.reason.startswith(f"divided into {groups}: ")
        assert adjusted_rand_score(truth, labels) > 0.95
    middle = len(points) // 2
    for part in (slice(None, middle), slice(middle, None)):
        labels, split = find_lasting_split(points[part], seed=0, **LASTING)
        assert split.groups == groups and adjusted_rand_score(truth[part], labels) > 0.93


def lasting_of(monkeypatch, said, points, **rules):
    """What is decided where the halves say these groups, in turn: labels made by a rule."""
    halves = iter(said)

    def look(inside, **_):
        rule = next(halves)
        labels = rule(inside)
        groups = int(labels.max()) + 1
        return labels, Split(groups, "not divided: alone" if groups == 1 else "divided")

    monkeypatch.setattr(_replication, "find_split", look)
    return find_lasting_split(points, seed=0, **{**LASTING, "min_stability": 0, **rules})[1]


def whole(points):
    return np.zeros(len(points), dtype=int)


def in_two(points, axis=0):
    return (points[:, axis] > 0).astype(int)


def in_three(points):
    return np.digitize(points[:, 0], [-0.5, 0.5])


def test_a_majority_must_divide_into_the_same_number(monkeypatch):
    points = np.random.default_rng(0).uniform(-1, 1, (800, 2)) * [4, 1]
    split = lasting_of(monkeypatch, [in_two] * 8, points)
    assert (split.groups, split.looks, split.looks_alike) == (2, 8, 8)
    assert split.agreement > 0.9
    one_against = lasting_of(monkeypatch, [whole, *[in_two] * 7], points)
    # Who sees no groups agrees with no division.
    assert one_against.groups == 2 and 0.75 < one_against.agreement <= 7 / 8
    assert "7 of 8 random halves" in one_against.reason
    # Six of eight are the majority asked, but two that see nothing leave too little agreement.
    assert lasting_of(monkeypatch, [whole, whole, *[in_two] * 6], points).groups == 1
    mixed = lasting_of(monkeypatch, [in_two, in_two, in_three, in_three, whole], points)
    assert (mixed.groups, mixed.looks, mixed.looks_alike) == (1, 5, 2)
    assert mixed.reason.endswith("fall 2 into 2, 2 into 3 and 1 into none)")
    assert "would not last" in mixed.reason
    # It ends when a majority is out of reach, and then nothing was seen at all.
    none = lasting_of(monkeypatch, [whole] * 3, points)
    assert (none.groups, none.looks, none.reason) == (1, 3, "not divided: alone")


def test_the_line_must_run_in_the_same_place(monkeypatch):
    points = np.random.default_rng(0).uniform(-1, 1, (800, 2))
    crossed = [in_two, lambda inside: in_two(inside, axis=1)] * 4
    split = lasting_of(monkeypatch, crossed, points)
    assert split.groups == 1 and split.looks_alike == 8
    assert 0.2 < split.agreement < 0.75 and "who belongs together" in split.reason
    assert lasting_of(monkeypatch, crossed, points, min_agreement=0.2).groups == 2


def test_halves_share_no_customer():
    halves = [half for half, _ in _replication._halves(1001, seed=3)]
    assert len(halves) == 8 and all(len(half) == 500 for half in halves)
    for one, two in zip(halves[::2], halves[1::2], strict=True):
        assert not set(one) & set(two)


def test_a_group_of_equal_customers_is_not_divided():
    assert find_split(np.ones((500, 3)), seed=0, **RULES)[1].groups == 1
    assert find_split(np.empty((0, 3)), seed=0, **RULES)[1].groups == 1


def test_a_rare_kind_is_no_group_of_its_own_and_does_not_hide_the_others():
    rng = np.random.default_rng(0)
    centres = np.array([[0.0] * 6, [8.0] + [0.0] * 5, [0.0] * 5 + [20.0]])
    kind = np.repeat([0, 1, 2], [500, 480, 20])
    points = centres[kind] + rng.normal(size=(1000, 6))
    labels, split = find_split(points, seed=0, **RULES)
    assert split.groups == 2
    assert adjusted_rand_score(kind[kind < 2], labels[kind < 2]) > 0.98


def test_no_group_is_under_the_floor_of_privacy_nor_under_the_least_share():
    points, labels, _ = planted([2, 3], rows=60)
    assert len(nest(points, labels, min_rows=10).sub_ids) == 5
    assert len(nest(points, labels, min_rows=10, k_anonymity=61).sub_ids) == 2
    assert len(nest(points, labels, min_rows=10, min_share=0.25).sub_ids) == 2


def test_an_unstable_division_is_refused():
    points, _, _ = planted([3], rows=100)
    assert find_split(points, seed=0, **RULES)[1].groups == 3
    labels, split = find_split(points, seed=0, **{**RULES, "min_stability": 1.01})
    assert split.groups == 1 and "Jaccard" in split.reason
    assert nest(points, np.zeros(300, dtype=int), min_agreement=1.01).sub_ids == (1,)


@pytest.mark.parametrize("seed", range(2))
def test_every_point_is_nested_wherever_it_lies(seed):
    """A sub-segment has one segment and a micro-segment one sub-segment, for any points at all."""
    points, labels, _ = planted([1, 2, 3], grandchildren=2, rows=150, seed=seed)
    nesting = nest(points, labels, seed=seed)
    rng = np.random.default_rng(seed)
    anywhere = rng.normal(size=(5000, 8)) * 50
    segment = rng.integers(0, 3, 5000)
    subs, micros = nesting.assign(anywhere, segment)
    assert len(set(zip(subs, segment, strict=True))) == len(set(subs))
    assert len(set(zip(micros, subs, strict=True))) == len(set(micros))
    assert subs.dtype == micros.dtype == np.int64
    of_sub = dict(zip(nesting.sub_ids, nesting.sub_segments, strict=True))
    assert all(of_sub[sub] == label for sub, label in zip(subs, segment, strict=True))


def test_ids_count_from_one_in_the_order_of_size_and_can_be_replaced():
    points, labels, _ = planted([1, 3, 2], rows=200)
    nesting = nest(points, labels)
    # Segment 1 is the largest, then 2, then 0.
    assert nesting.sub_segments == (0, 1, 1, 1, 2, 2)
    assert nesting.sub_ids[0] == 6 and sorted(nesting.sub_ids[1:4]) == [1, 2, 3]
    other = nesting.replace_ids({6: 70}, [11, 12, 13, 14, 15, 16])
    assert other.sub_ids[0] == 70 and other.micro_ids == (11, 12, 13, 14, 15, 16)
    before, after = nesting.assign(points, labels), other.assign(points, labels)
    np.testing.assert_array_equal(before[0][labels > 0], after[0][labels > 0])
    assert set(after[0][labels == 0]) == {70}
    with pytest.raises(SegmentationError, match="none twice"):
        nesting.replace_ids([1, 1, 2, 3, 4, 5], nesting.micro_ids)


def test_a_nesting_survives_json():
    points, labels, _ = planted([1, 2, 3])
    nesting = nest(points, labels)
    again = Nesting.from_dict(json.loads(json.dumps(nesting.to_dict(), allow_nan=False)))
    assert again.to_dict() == nesting.to_dict()
    for one, two in zip(nesting.assign(points, labels), again.assign(points, labels), strict=True):
        np.testing.assert_array_equal(one, two)
    assert again.nodes([7, 8, 9]).equals(nesting.nodes([7, 8, 9]))


def test_the_same_seed_gives_the_same_nesting():
    points, labels, _ = planted([1, 2, 3])
    assert nest(points, labels, seed=5).to_dict() == nest(points, labels, seed=5).to_dict()


def test_wrong_labels_and_coordinates_are_refused():
    points, labels, _ = planted([1, 2])
    nesting = nest(points, labels)
    with pytest.raises(SegmentationError, match="8 coordinates"):
        nesting.assign(points[:, :3], labels)
    with pytest.raises(SegmentationError, match="2 segments"):
        nesting.assign(points, labels + 1)


def test_an_empty_segment_has_its_own_groups():
    points, labels, _ = planted([2, 1])
    nesting = nest(points, labels, k=3)
    assert nesting.k == 3 and nesting.sub_segments == (0, 0, 1, 2)
    assert nesting.nodes()["segment_id"].max() == 3


def test_the_tree_is_a_tree_and_can_be_drawn():
    points, labels, _ = planted([1, 2, 3, 3], grandchildren=1)
    nesting = nest(points, labels)
    nodes = nesting.nodes([4, 3, 2, 1]).set_index("node_id")
    assert (nodes["parent_node_id"].isna()).sum() == 1
    below = nodes.dropna(subset="parent_node_id")
    above = nodes.loc[below["parent_node_id"].astype(int)]
    assert (above["height"].to_numpy() >= below["height"].to_numpy()).all()
    assert (below["parent_node_id"].to_numpy() < below.index.to_numpy()).all()
    # Each group once, under the parent that its index names.
    for level, ids in (("sub_segment", nesting.sub_ids), ("micro_segment", nesting.micro_ids)):
        found = nodes[nodes["level"] == level]
        assert sorted(found[f"{level}_id"]) == sorted(ids)
    assert sorted(nodes.loc[nodes["level"] == "segment", "segment_id"]) == [1, 2, 3, 4]
    assert nodes.loc[nodes["level"] == "segment", "reason"].notna().all()
    # Customers add up, ends stand side by side, a node amid its children.
    children = below.groupby(below["parent_node_id"].astype(int))
    assert (
        children["customers"].sum() == nodes.loc[children["customers"].sum().index, "customers"]
    ).all()
    middle = (children["x"].min() + children["x"].max()) / 2
    np.testing.assert_allclose(middle, nodes.loc[middle.index, "x"])
    ends = nodes[~nodes.index.isin(below["parent_node_id"])]
    assert sorted(ends["x"]) == list(range(1, len(ends) + 1))
    assert (ends["y"] == 0).all()
    cut = nodes[nodes["is_cut"] & (nodes["level"] == "sub_segment")]
    assert len(cut) == 8  # the segment that was not divided has no cut


def test_joining_weighted_centres_is_ward_on_all_points():
    """scipy on every customer, the centre of a group standing in for each of its members."""
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(7, 3)) * 5
    sizes = rng.integers(1, 40, 7)
    everyone = np.repeat(centres, sizes, axis=0)
    expected = linkage(everyone, "ward")[-6:, 2]
    top = join(
        [
            Node("segment", c, int(n), index={"segment": i})
            for i, (c, n) in enumerate(zip(centres, sizes, strict=True))
        ],
        Node("all", centres.mean(axis=0), int(sizes.sum())),
        total=int(sizes.sum()),
    )
    rows = lay_out(top)
    heights = sorted(row["height"] for row in rows if row["height"] > 0)
    np.testing.assert_allclose(heights, np.sort(expected) / np.sqrt(sizes.sum()), rtol=1e-6)
    # And the same two groups at the top.
    parts = fcluster(linkage(everyone, "ward"), 2, "maxclust")
    assert sorted(np.bincount(parts)[1:]) == sorted(
        r["customers"] for r in rows if r["parent_node_id"] == 1
    )


def test_a_million_customers_are_assigned_in_seconds():
    points, labels, _ = planted([1, 2, 3, 3], rows=100, dimensions=16)
    nesting = nest(points, labels)
    times = 1_000_000 // len(points) + 1
    many, of = np.tile(points, (times, 1)), np.tile(labels, times)
    started = time.perf_counter()
    subs, _ = nesting.assign(many, of)
    assert len(subs) >= 1_000_000
    assert time.perf_counter() - started < 20

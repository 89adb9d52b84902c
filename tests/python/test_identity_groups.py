"""Bridges, contradictions and size: what is cut from a group, and what is not."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from python_ext.identity._groups import cut_groups


def links(*rows):
    """``a``, ``b``, weight; a weight of 1 stands for a rule."""
    frame = pd.DataFrame(rows, columns=["a", "b", "weight"])
    frame = frame.assign(by_weight=frame["weight"] < 1)
    return frame.sort_values(
        ["by_weight", "weight", "a", "b"], ascending=[True, False, True, True], kind="stable"
    )


def cut(frame, *, hostile=(), most=20):
    """Pairs that are cut, with the reason."""
    enemies = {frozenset(pair) for pair in hostile}

    def contradictions(pairs):
        return np.array([frozenset(pair) in enemies for pair in pairs[["a", "b"]].to_numpy()])

    reasons = cut_groups(frame, contradictions=contradictions, max_records_per_person=most)
    return {(int(frame.at[k, "a"]), int(frame.at[k, "b"])): why for k, why in reasons.items()}


TRIANGLES = [(a, b, 0.999) for group in ((0, 1, 2), (3, 4, 5)) for a, b in combinations(group, 2)]


def test_a_weak_bridge_between_two_groups_is_cut():
    assert cut(links(*TRIANGLES, (2, 3, 0.9))) == {(2, 3): "bridge"}


@pytest.mark.parametrize("weight", [0.99, 1.0])
def test_a_strong_bridge_stays(weight):
    assert cut(links(*TRIANGLES, (2, 3, weight))) == {}


def test_two_weak_links_are_no_bridge():
    assert cut(links(*TRIANGLES, (2, 3, 0.9), (1, 4, 0.9))) == {}


def test_a_weak_link_to_a_single_record_stays():
    assert cut(links(*TRIANGLES[:3], (2, 3, 0.9))) == {}


def test_a_chain_by_rules_stays_however_long():
    assert cut(links(*((k, k + 1, 1.0) for k in range(15)))) == {}


def test_bridges_are_those_that_brute_force_finds():
    rng = np.random.default_rng(11)
    for _ in range(60):
        pairs = {tuple(sorted(map(int, rng.choice(9, 2, replace=False)))) for _ in range(10)}
        frame = links(*((a, b, 0.9) for a, b in sorted(pairs)))

        def component(start, edges):
            seen, todo = {start}, [start]
            while todo:
                node = todo.pop()
                for a, b in edges:
                    for here, there in ((a, b), (b, a)):
                        if here == node and there not in seen:
                            seen.add(there)
                            todo.append(there)
            return seen

        expected = set()
        for a, b in pairs:
            rest = pairs - {(a, b)}
            left, right = component(a, rest), component(b, rest)
            if left != right and min(len(left), len(right)) >= 2:
                expected.add((a, b))
        assert set(cut(frame)) == expected


def test_people_who_contradict_are_parted_at_the_weakest_link():
    chain = links((0, 1, 1.0), (1, 2, 0.995), (2, 3, 0.999))
    assert cut(chain, hostile=[(0, 3)]) == {(1, 2): "contradicting_group"}


def test_a_group_does_not_grow_beyond_its_size():
    star = links(*((0, k, 1.0) for k in range(1, 7)))
    assert cut(star, most=4) == {(0, k): "too_large" for k in (4, 5, 6)}


def test_nothing_to_group():
    assert cut(links()) == {}
    assert cut(links((0, 1, 0.9))) == {}

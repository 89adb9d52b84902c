"""How good identity is, on data with known truth, and how that is measured."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from python_ext import identity
from python_ext.cli import main
from python_ext.errors import SegmentationError
from python_ext.identity import _evaluation as evaluation
from python_ext.identity._records import connect, prepare
from python_ext.settings import project_vars
from python_ext.truth import pair_quality


@pytest.fixture(scope="module")
def settings():
    from conftest import PROJECT

    project = project_vars(PROJECT)
    names = ("match_threshold", "max_records_per_key", "max_records_per_person", "twins_stay_apart")
    return {name: project[name] for name in names}


def test_pairs_and_clusters_are_judged_as_by_hand():
    """Found {1, 2} {3, 4, 5} {6}; true {1, 2} {3, 4} {5, 6}."""
    figures = evaluation.judge(pd.Series(list("aabbbc")), pd.Series(list("xxyyzz")))
    # Found pairs 1 + 3, true pairs 3, common 12 and 34.
    assert figures["precision"] == 2 / 4
    assert figures["recall"] == 2 / 3
    assert figures["f1"] == pytest.approx(2 * 2 / 7)
    assert figures["people_exact"] == 1 / 3
    assert figures["clusters_exact"] == 1 / 2
    assert figures["people_found"] == 1 / 3


def test_pairs_are_judged_as_an_independent_count_judges_them():
    rng = np.random.default_rng(3)
    found, true = pd.Series(rng.integers(0, 40, 200)), pd.Series(rng.integers(0, 40, 200))
    figures = evaluation.judge(found, true)
    expected = pair_quality(found, true)
    assert (figures["precision"], figures["recall"], figures["f1"]) == pytest.approx(expected)


def test_nobody_brought_together_has_no_precision():
    figures = evaluation.judge(pd.Series([1, 2]), pd.Series([1, 2]))
    assert np.isnan(figures["precision"]) and np.isnan(figures["clusters_exact"])
    assert figures["people_exact"] == 1


def test_febrl_three_is_resolved_without_social_security_number(settings):
    records, _ = evaluation.febrl_records(3)
    assert not [column for column in records if "soc" in column]
    figures = evaluation.evaluate_febrl(3, settings={**settings, "twins_stay_apart": False})
    assert (figures.records, figures.people) == (5000, 2000)
    assert figures.precision >= 0.995
    assert figures.f1 >= 0.99


def test_weights_are_learned_the_same_way_twice():
    records, _ = evaluation.febrl_records(1)

    def learned(frame):
        with connect() as connection:
            prepare(connection, frame, max_records_per_key=20)
            return identity.train_model(connection, name="n", trained_on="t")

    first = learned(records)
    assert first == learned(records.sample(frac=1, random_state=5))
    for levels in first["comparisons"].values():
        assert sum(level["m"] for level in levels) == pytest.approx(1, abs=1e-4)
        assert levels[0]["m"] > levels[0]["u"] and levels[-1]["m"] < levels[-1]["u"]


def test_too_little_to_learn_from_is_said():
    with connect() as connection:
        prepare(connection, pd.DataFrame({"record_id": ["a"]}), max_records_per_key=20)
        with pytest.raises(SegmentationError, match="too little to learn"):
            identity.train_model(connection, name="n", trained_on="t")


def test_a_saved_model_is_read_again_and_a_strange_one_refused(tmp_path):
    model = identity.load_model()
    identity.save_model(model, tmp_path / "m.json")
    assert identity.load_model(tmp_path / "m.json") == model
    model["comparisons"]["email"][1]["label"] = "something else"
    identity.save_model(model, tmp_path / "m.json")
    with pytest.raises(SegmentationError, match="other comparisons"):
        identity.load_model(tmp_path / "m.json")
    (tmp_path / "m.json").write_text("{")
    with pytest.raises(SegmentationError, match="identity train"):
        identity.load_model(tmp_path / "m.json")


def test_the_commands_train_and_measure(tmp_path, demo_data):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- figures: start -->\nold\n<!-- figures: end -->\nafter\n")
    arguments = ["identity", "evaluate", "--no-febrl", "--customers", "600", "--out", str(page)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert "segmentation identity evaluate --no-febrl --customers 600" in text
    row = next(line for line in text.splitlines() if line.startswith("| demo, 600 customers"))
    precision, recall = (float(cell) for cell in row.split("|")[4:6])
    assert precision >= 0.98 and recall >= 0.98

    out = tmp_path / "weights.json"
    done = CliRunner().invoke(
        main, ["identity", "train", "--raw", str(demo_data), "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert set(json.loads(out.read_text())["comparisons"]) == set(
        identity.load_model()["comparisons"]
    )


def test_a_page_without_a_place_for_figures_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing\n")
    arguments = ["identity", "evaluate", "--no-febrl", "--customers", "0", "--out", str(page)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1 and "has no place" in done.output
    assert page.read_text() == "nothing\n"

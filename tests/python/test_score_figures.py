"""`segmentation models figures`: the table of the champions beside both baselines."""

import duckdb
import numpy as np
import pytest
from _made_up_models import AUC, model_marts
from click.testing import CliRunner

from python_ext.cli import main


@pytest.fixture
def published(tmp_path):
    metrics = model_marts(np.random.default_rng(0))["model_metrics"]
    with duckdb.connect(str(tmp_path / "published.duckdb")) as connection:
        connection.execute("create schema marts")
        connection.register("metrics", metrics)
        connection.execute("create table marts.model_metrics as from metrics")
    return tmp_path / "published.duckdb"


def figures(file):
    said = CliRunner().invoke(main, ["models", "figures", "--database", str(file)])
    assert said.exit_code == 0, said.output
    head, _, *lines = [line.strip("| ").split(" | ") for line in said.output.splitlines()]
    return {line[0]: dict(zip(head, line, strict=True)) for line in lines}


def test_a_champion_stands_beside_recency_alone_and_the_random_split(published):
    told = figures(published)
    auc, low, high, _, recency, random = AUC["churn"]
    churn = told["churn"]
    assert churn["champion"] == "logistic_regression"
    assert churn["AUC out of time"] == f"{auc:.3f} ({low:.3f} to {high:.3f})"
    assert churn["AUC of recency alone"] == f"{recency:.3f}"
    assert churn["AUC random split"] == f"{random:.3f}"
    assert churn["less than recency alone"] == "+0.020 (-0.002 to +0.030)"


def test_a_prevalence_that_scores_is_shown_as_it_is(published):
    told = figures(published)
    assert set(told) == {"purchase", "churn", "repeat"}
    repeat = told["repeat"]
    assert repeat["champion"] == "prevalence"
    assert repeat["AUC out of time"] == "0.500 (0.500 to 0.500)"
    assert repeat["less than recency alone"] == "-"


def test_a_file_without_scores_is_named_in_words(tmp_path):
    duckdb.connect(str(tmp_path / "empty.duckdb")).close()
    said = CliRunner().invoke(
        main, ["models", "figures", "--database", str(tmp_path / "empty.duckdb")]
    )
    assert said.exit_code != 0
    assert "marts.model_metrics" in said.output

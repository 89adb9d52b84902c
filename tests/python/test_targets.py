"""What is predicted: rows of the seed, checked in words, and the build that follows them."""

import csv
import shutil

import pandas as pd
import pytest
import yaml
from conftest import PROJECT, project_without_tests, run_dbt

from python_ext.errors import SegmentationError
from python_ext.propensity import Target, load_targets

SEED = PROJECT / "seeds/reference/propensity_targets.csv"
ROW = {
    "target": "purchase",
    "is_active": True,
    "label_en": "Purchase",
    "label_fr": "Achat",
    "description_en": "Buys.",
    "description_fr": "Achète.",
    "event": "purchase",
    "category_rank": None,
    "measure": "count",
    "at_least": 1,
    "top_share": None,
    "happens": True,
    "eligibility": "any_buyer",
    "horizon_days": None,
    "contact_cost": 0.5,
    "hit_gain": 8,
}


def rows(*changes) -> pd.DataFrame:
    return pd.DataFrame([{**ROW, **change} for change in changes or ({},)])


def load(*changes, **options) -> list[Target]:
    return load_targets(rows(*changes), **{"horizon_days": 90, **options})


def test_a_row_becomes_a_target():
    (target,) = load()
    assert (target.target, target.label_fr, target.event) == ("purchase", "Achat", "purchase")
    assert (target.horizon_days, target.at_least, target.top_share) == (90, 1.0, None)
    assert (target.contact_cost, target.hit_gain, target.happens) == (0.5, 8.0, True)
    assert target.category_rank is None


def test_rows_of_the_warehouse_and_of_the_file_mean_the_same():
    text = pd.read_csv(SEED, dtype=str, keep_default_na=False)
    assert load_targets(text, horizon_days=90) == load_targets(pd.read_csv(SEED), horizon_days=90)


def test_inactive_and_unlabelled_targets_are_left_out():
    changes = ({"target": "b"}, {"target": "c", "is_active": False}, {"target": "a"})
    assert [target.target for target in load(*changes)] == ["a", "b"]
    assert [target.target for target in load(*changes, labels=["b", "c"])] == ["b"]


def test_a_shorter_horizon_is_kept():
    assert load({"horizon_days": 30})[0].horizon_days == 30


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"horizon_days": 91}, "horizon of 91 days, and cutoffs are 90 days apart"),
        ({"horizon_days": 0}, "Write 1 to 90, or nothing for 90"),
        ({"horizon_days": 30.5}, "horizon_days must be a whole number, not 30.5"),
        ({"measure": "sum"}, "the measure 'sum'. Write one of count, amount"),
        ({"at_least": None}, "has neither. Fill one of the two cells"),
        ({"top_share": 0.1}, "has both. Fill one of the two cells"),
        ({"at_least": 0}, "at_least 0, which everybody reaches"),
        ({"at_least": None, "top_share": 10}, "top_share 10. Write a share between 0 and 1"),
        ({"contact_cost": -1}, "contact_cost must be an amount of 0 or more"),
        ({"hit_gain": None}, "hit_gain must be an amount of 0 or more"),
        ({"at_least": "many"}, "at_least must be a number or empty, not 'many'"),
        ({"target": " "}, "has a row without a target"),
    ],
)
def test_a_faulty_row_is_named_with_what_to_write(change, said):
    with pytest.raises(SegmentationError) as caught:
        load(change)
    assert said in str(caught.value) and "seeds/reference/propensity_targets.csv" in str(
        caught.value
    )


def test_a_target_stands_there_once():
    with pytest.raises(SegmentationError, match="repeats the target purchase"):
        load({}, {})


def test_events_are_told_alike_everywhere():
    """The macro, the seed's list and the model's list of events."""
    seeds = yaml.safe_load((PROJECT / "seeds/reference/_reference__seeds.yml").read_text())
    models = yaml.safe_load(
        (PROJECT / "models/intermediate/features/_targets__models.yml").read_text()
    )

    def listed(file: dict, kind: str, name: str) -> list[str]:
        node = next(node for node in file[kind] if node["name"] == name)
        column = next(column for column in node["columns"] if column["name"] == "event")
        return next(
            test["accepted_values"]["arguments"]["values"]
            for test in column["data_tests"]
            if isinstance(test, dict)
        )

    events = listed(models, "models", "int_outcome_events")
    assert sorted(events) == sorted(listed(seeds, "seeds", "propensity_targets"))
    macro = (PROJECT / "macros/targets.sql").read_text()
    assert all(f"'{event}': [" in macro for event in events)


def test_a_faulty_seed_stops_the_build_before_anything_is_written(demo_data, tmp_path):
    """A copy of the project is parsed, since the check reads the file of the seed."""
    project = tmp_path / "project"
    shutil.copytree(project_without_tests(), project)
    shutil.copy(PROJECT / "profiles.yml", project)
    faulty = [
        {"target": "asleep", "event": "sleep"},
        {"target": "lucky", "eligibility": "born_lucky"},
        {"target": "someday", "horizon_days": 365},
        {"target": "both", "top_share": 0.1},
    ]
    with (project / SEED.relative_to(PROJECT)).open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, list(ROW)).writerows({**ROW, **change} for change in faulty)
    stopped = run_dbt(
        "seed",
        "--select",
        "propensity_targets",
        "--project-dir",
        str(project),
        "--profiles-dir",
        str(project),
        folder=tmp_path,
        raw_data=demo_data,
        variables={"demo_secret_allowed": True, "sources": {"email": False}},
    )
    assert stopped.returncode != 0
    said = " ".join(stopped.output.split())
    assert "target asleep names the event 'sleep'" in said
    assert "target lucky names the condition 'born_lucky'" in said
    assert "target someday has a horizon of 365 days, and cutoffs are 90 days apart" in said
    assert "target both must have either at_least or top_share" in said
    assert stopped.rows("select count(*) from duckdb_tables()") == [(0,)]

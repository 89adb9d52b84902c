"""Data flows one way: a model refers only to layers left of its own."""

import json
from pathlib import Path

import pytest

# A stage may refer to itself and to any stage before it. Identity stands on both sides of the
# fence: its SQL prepares records and links, its Python model resolves them.
STAGES = [
    ("sources",),
    ("reference",),
    ("staging",),
    ("intermediate/quality", "ml/quality"),
    ("intermediate/identity", "ml/identity"),
    ("intermediate/orders",),
    ("intermediate/web",),
    ("intermediate/engagement",),
    ("intermediate/lifetimes", "ml/lifetimes"),
    ("intermediate/features",),
    ("ml/segments",),
    ("ml/scoring",),
    ("ml/value",),
    ("marts",),
]


def stage_of(node: dict) -> int:
    """Number of the stage a node stands in; a node outside every stage is an error."""
    if node["resource_type"] == "source":
        return 0
    if node["resource_type"] == "seed":
        return 1
    path = node["original_file_path"].removeprefix("models/")
    for number, folders in enumerate(STAGES):
        if any(path.startswith(f"{folder}/") for folder in folders):
            return number
    raise AssertionError(f"{path} stands in no layer")


def violations(manifest: dict) -> list[str]:
    """References that go against the flow, as text."""
    nodes = {**manifest["nodes"], **manifest["sources"]}
    wrong = []
    for node in nodes.values():
        if node["resource_type"] != "model" or node["package_name"] != "customer_segmentation":
            continue
        for parent_id in node["depends_on"]["nodes"]:
            parent = nodes[parent_id]
            same_source = (
                stage_of(node) == 2
                and stage_of(parent) == 2
                and Path(parent["original_file_path"]).parent
                != Path(node["original_file_path"]).parent
            )
            if stage_of(parent) > stage_of(node) or same_source:
                wrong.append(f"{node['name']} refers to {parent['name']}")
    return wrong


@pytest.fixture(scope="module")
def manifest(demo_build) -> dict:
    return json.loads((demo_build.target / "manifest.json").read_text())


def test_models_refer_only_to_the_left(manifest):
    assert violations(manifest) == []


@pytest.mark.parametrize("parent", ["customer_segments", "stg_crm__customers"])
def test_a_reference_to_the_right_or_to_another_source_is_found(parent, manifest):
    crossed = json.loads(json.dumps(manifest))
    staging = "model.customer_segmentation.stg_shop__orders"
    crossed["nodes"][staging]["depends_on"]["nodes"].append(f"model.customer_segmentation.{parent}")
    assert violations(crossed) == [f"stg_shop__orders refers to {parent}"]


def test_every_model_says_its_grain(manifest):
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model" and node["package_name"] == "customer_segmentation":
            text = Path(node["original_file_path"])
            first = next(
                line
                for line in text.read_text().splitlines()
                if line.strip() and not line.startswith("{{ config")
            )
            assert first.lstrip("-# ").startswith("One row per"), node["name"]


def test_every_column_of_a_mart_is_described(manifest):
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model" and "/marts/" in node["original_file_path"]:
            assert node["description"], node["name"]
            for column in node["columns"].values():
                assert column["description"].strip(), f"{node['name']}.{column['name']}"


def test_personal_data_stops_before_the_features(manifest):
    """No column tagged as personal data stands right of the identity stage."""
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model" and node["package_name"] == "customer_segmentation":
            tagged = [
                name
                for name, column in node["columns"].items()
                if (column.get("config", {}).get("meta") or column["meta"]).get("pii")
            ]
            assert not tagged or stage_of(node) <= 4, f"{node['name']}: {tagged}"

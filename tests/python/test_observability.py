"""What can be checked of `make observe` without the packages it fetches."""

import importlib.util
import json
import re
from collections import defaultdict

import duckdb
import jinja2
import pytest
import yaml
from conftest import PROJECT, run_dbt
from dbt.config.project import package_config_from_data
from dbt.task.deps import _create_sha1_hash

FOLDER = PROJECT / "observability"
# Enough to see that a value is missing, too little to tell whose it is.
HARMLESS_MONITORS = {"null_count", "null_percent"}


def script(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(name):
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def manifest_of(build):
    return json.loads((build.target / "manifest.json").read_text(encoding="utf-8"))


def elementary_tests(manifest):
    """(kind, place, node) of every enabled elementary test; place is `shop.orders` or a model."""
    found = []
    for node in manifest["nodes"].values():
        test = node.get("test_metadata") or {}
        if test.get("namespace") == "elementary":
            watched = [".".join(source) for source in node["sources"]]
            watched += [reference["name"] for reference in node["refs"]]
            found.append((test["name"], watched[0], node))
    return found


@pytest.fixture(scope="module")
def observed(tmp_path_factory, demo_data):
    """The project with OBSERVABILITY=1 and two things switched off, its packages not there."""
    build = run_dbt(
        "--quiet",
        "compile",
        "--no-partial-parse",
        "--inline",
        "{{ adapter.get_columns_in_relation(source('shop', 'products'))"
        " | map(attribute='name') | join(' ') }}",
        folder=tmp_path_factory.mktemp("observed"),
        raw_data=demo_data,
        variables={"sources": {"web": False, "crm.consents": False}},
        env={"OBSERVABILITY": "1", "DBT_WRITE_JSON": "true"},
        tested=True,
    )
    assert build.returncode == 0, build.output[-4000:]
    return build


def test_a_build_sees_nothing_of_elementary_unless_asked(demo_build):
    manifest = manifest_of(demo_build)
    assert {node["package_name"] for node in manifest["nodes"].values()} == {
        "customer_segmentation"
    }
    assert {macro["package_name"] for macro in manifest["macros"].values()} == {
        "customer_segmentation",
        "dbt",
        "dbt_duckdb",
    }
    assert elementary_tests(manifest) == []
    assert not any(m["path"].startswith("observability") for m in manifest["macros"].values())
    assert "elementary" not in demo_build.output
    assert demo_build.rows(
        "select count(*) from information_schema.schemata where schema_name like 'elementary%'"
    ) == [(0,)]


def test_sources_and_marts_are_watched_for_every_kind_of_anomaly(observed):
    manifest = manifest_of(observed)
    places = defaultdict(set)
    for kind, place, node in elementary_tests(manifest):
        places[kind].add(place)
        assert node["config"]["severity"] == "warn", node["name"]
    marts = {
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and "marts" in node["fqn"]
    }
    sources = {f"{s['source_name']}.{s['name']}" for s in manifest["sources"].values()}
    for kind in ("volume_anomalies", "freshness_anomalies", "schema_changes", "column_anomalies"):
        assert places[kind] & sources, kind
        assert places[kind] & marts, kind
    assert set().union(*places.values()) <= sources | marts
    on = {source for source in sources if source.split(".")[0] != "web"} - {"crm.consents"}
    assert places["schema_changes"] & sources == on


def test_a_source_that_is_switched_off_is_not_watched(observed):
    watched = {place for _, place, _ in elementary_tests(manifest_of(observed))}
    assert "shop.orders" in watched
    assert not watched & {"web.events", "crm.consents"}


def test_personal_data_is_watched_for_missing_values_only(observed):
    manifest = manifest_of(observed)
    personal = {
        (f"{table['source_name']}.{table['name']}", column["name"])
        for table in manifest["sources"].values()
        for column in table["columns"].values()
        if column["config"]["meta"].get("pii")
    }
    assert ("crm.customers", "email") in personal
    for kind, place, node in elementary_tests(manifest):
        if (place, node["column_name"]) in personal:
            monitors = set(node["test_metadata"]["kwargs"]["column_anomalies"])
            assert kind == "column_anomalies", node["name"]
            assert monitors <= HARMLESS_MONITORS, node["name"]
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    assert project["vars"]["test_sample_row_count"] == 0


def test_the_columns_of_a_source_in_files_are_found(observed):
    assert observed.output.split() == ["product_id", "category", "subcategory", "unit_cost"]


def test_the_lock_belongs_to_its_packages_so_that_no_hub_is_asked():
    packages = read("packages.yml")
    expected = _create_sha1_hash(package_config_from_data(packages, packages).packages)
    assert read("package-lock.yml")["sha1_hash"] == expected


def test_packages_come_from_where_the_environment_says():
    def address(package, environment):
        text = jinja2.Environment().from_string(package["git"])
        return text.render(env_var=lambda name, default: environment.get(name, default))

    mirrors = {"ELEMENTARY_GIT": "https://git.example.com/e.git", "DBT_UTILS_GIT": "/clones/utils"}
    locked = read("package-lock.yml")["packages"]
    assert {package["name"]: address(package, mirrors) for package in locked} == {
        "elementary": "https://git.example.com/e.git",
        "dbt_utils": "/clones/utils",
    }
    assert all(address(package, {}).startswith("https://github.com/") for package in locked)
    assert all(re.fullmatch("[0-9a-f]{40}", package["revision"]) for package in locked)


def test_edr_and_the_dbt_package_are_of_one_version():
    (package,) = read("packages.yml")["packages"]
    lock = (PROJECT / "requirements-dev.lock").read_text(encoding="utf-8")
    (version,) = re.findall(r"^elementary-data==([\w.]+)", lock, flags=re.MULTILINE)
    assert package == {"package": "elementary-data/elementary", "version": version}


def test_edr_reads_and_cannot_write(tmp_path):
    output = read("profiles.yml")["elementary"]["outputs"]["report"]
    assert output["schema"] == "elementary"
    file = tmp_path / "warehouse.duckdb"
    duckdb.connect(str(file)).close()
    with (
        duckdb.connect(str(file), config=output["config_options"]) as connection,
        pytest.raises(duckdb.InvalidInputException, match="read-only"),
    ):
        connection.execute("create table made as select 1")
    assert read("config.yml")["run_dbt_deps_if_needed"] is False


def test_a_finished_dataset_is_judged_from_its_end(demo_build):
    observed_vars = script("vars").observed_vars
    raw_data = str(demo_build.raw_data)
    ((day,),) = demo_build.rows(
        "select cast(as_of_date as varchar) from intermediate.int_as_of_date"
    )
    found = observed_vars(raw_data, demo_build.database)
    assert found["custom_run_started_at"] == f"{day}T00:00:00+00:00"
    assert found["raw_data"] == raw_data
    chosen = observed_vars(raw_data, demo_build.database, at="2024-07-01")
    assert chosen["custom_run_started_at"] == "2024-07-01T00:00:00+00:00"


def test_data_of_ones_own_are_judged_from_now(demo_build, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "shop").symlink_to(demo_build.raw_data / "shop")
    found = script("vars").observed_vars(str(mine), demo_build.database)
    assert "custom_run_started_at" not in found


def test_without_a_warehouse_a_finished_dataset_is_judged_from_now(demo_data, tmp_path):
    found = script("vars").observed_vars(str(demo_data), tmp_path / "none.duckdb")
    assert "custom_run_started_at" not in found


def test_findings_are_the_tests_that_warned_or_failed(tmp_path):
    nodes = {
        "test.a": {
            "sources": [["shop", "orders"]],
            "column_name": "customer_id",
            "test_metadata": {"name": "column_anomalies"},
        },
        "test.b": {"refs": [{"name": "customers"}], "test_metadata": {"name": "volume_anomalies"}},
        "test.c": {"refs": [{"name": "customers"}]},
        "test.d": {"refs": [{"name": "customers"}], "test_metadata": {"name": "unique"}},
    }
    statuses = {"test.a": "warn", "test.b": "fail", "test.c": "error", "test.d": "pass"}
    results = [{"unique_id": name, "status": status} for name, status in statuses.items()]
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    (tmp_path / "run_results.json").write_text(json.dumps({"results": results}))
    assert script("findings").findings(tmp_path) == [
        "error test.c",
        "fail  customers: volume_anomalies",
        "warn  shop.orders.customer_id: column_anomalies",
    ]

import json

import duckdb
import pytest
from _datasets import ROOT, row_query, write_dataset, write_table
from click.testing import CliRunner

from python_ext.cli import main
from python_ext.errors import SegmentationError
from python_ext.settings import dataset_vars, warehouse_path


@pytest.fixture
def run(monkeypatch):
    """The command line, called from the root of the project."""
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("RAW_DATA", raising=False)

    def call(*arguments, **environment):
        return CliRunner().invoke(main, [str(a) for a in arguments], env=environment)

    return call


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A folder of CSV files with the two tables that nothing can do without."""
    folder = tmp_path_factory.mktemp("shop") / "mine"
    for table in ("shop.orders", "shop.order_lines"):
        write_table(folder, table, row_query(table), raw_format="csv")
    return folder


def vars_of(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


COMMANDS = [
    (),
    ("datasets",),
    ("datasets", "generate"),
    ("datasets", "import"),
    ("check",),
    ("vars",),
    ("publish",),
    ("summary",),
    ("record-of-processing",),
    ("vault",),
    ("vault", "write"),
    ("vault", "lookup"),
    ("export",),
    ("forget",),
    ("search-person",),
    ("subject-report",),
    ("rotate-secret",),
    ("retention",),
    ("identity",),
    ("identity", "train"),
    ("identity", "evaluate"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run, command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 5
    usage, *rest = result.stdout.splitlines()
    assert usage.startswith("Usage:")
    # No default that says nothing, no description cut short.
    assert not any("None" in line or line.endswith("...") for line in rest)


def test_vars_of_a_described_dataset_are_its_own(run, tmp_path):
    folder = write_dataset(tmp_path / "files")
    (folder / "dataset.yml").write_text(
        """
        name: mine
        title: "My shop: three years"
        synthetic: true
        public: false
        vars:
          dataset: mine
          base_currency: CHF
          as_of_date: 2024-06-01
          sources: {web: false, crm.consents: false}
        """
    )
    result = run("vars", "--raw-data", folder)
    assert vars_of(result) == {
        "dataset": "mine",
        "base_currency": "CHF",
        "as_of_date": "2024-06-01",
        "sources": {"web": False, "crm.consents": False},
        "raw_data": str(folder),
        "raw_format": "parquet",
        "raw_folders": [],
        "demo_secret_allowed": True,
        "dataset_title": "My shop: three years",
        "is_synthetic": True,
    }
    assert result.stderr == ""


@pytest.mark.parametrize(("public", "allowed"), [("true", True), ("false", False)])
def test_demo_secret_is_for_public_or_synthetic_data(run, shop, public, allowed):
    (shop / "dataset.yml").write_text(f"name: mine\npublic: {public}\n")
    settings = vars_of(run("vars", "--raw-data", shop))
    (shop / "dataset.yml").unlink()
    assert settings["demo_secret_allowed"] is allowed
    assert settings["is_synthetic"] is False


def test_undescribed_folder_switches_off_what_has_no_file(run, shop, monkeypatch):
    result = run("vars", "--raw-data", shop)
    settings = vars_of(result)
    assert settings["raw_format"] == "csv"
    assert settings["sources"] == {
        "crm": False,
        "email": False,
        "external": False,
        "shop": True,
        "shop.products": False,
        "social": False,
        "survey": False,
        "web": False,
    }
    assert (settings["dataset"], settings["dataset_title"]) == ("mine", "mine")
    assert settings["demo_secret_allowed"] is False
    assert "no dataset.yml" in result.stderr
    assert "Switched off, because no file was found: crm, email" in result.stderr
    assert "EUR" in result.stderr
    refused = run("check", "--raw-data", shop)
    assert refused.exit_code == 1 and "SEGMENTATION_SECRET" in refused.stderr
    monkeypatch.setenv("SEGMENTATION_SECRET", "a secret of more than sixteen letters")
    assert run("check", "--raw-data", shop).exit_code == 0


def test_required_tables_are_never_switched_off(run, tmp_path):
    write_table(tmp_path / "mine", "shop.orders", row_query("shop.orders"))
    sources = vars_of(run("vars", "--raw-data", tmp_path / "mine"))["sources"]
    assert "shop.order_lines" not in sources and sources["shop"] is True
    result = run("check", "--raw-data", tmp_path / "mine")
    assert result.exit_code == 1 and "shop.order_lines" in result.stdout


def test_file_under_a_wrong_name_is_mentioned(run, tmp_path):
    folder = write_dataset(tmp_path / "mine")
    (folder / "crm" / "consents.parquet").rename(folder / "crm" / "consent.parquet")
    result = run("vars", "--raw-data", folder)
    assert vars_of(result)["sources"]["crm.consents"] is False
    assert "not read: crm/consent.parquet" in result.stderr


def test_mixed_formats_are_refused_unless_one_is_named(run, tmp_path):
    folder = write_dataset(tmp_path / "mine")
    write_table(folder, "shop.orders", row_query("shop.orders"), raw_format="csv")
    result = run("vars", "--raw-data", folder)
    assert result.exit_code == 1
    assert "several formats" in result.stderr
    assert "shop/orders.csv" in result.stderr and ".parquet" in result.stderr
    (folder / "dataset.yml").write_text("vars: {raw_format: parquet}")
    settings = vars_of(run("vars", "--raw-data", folder))
    assert (settings["raw_format"], settings["dataset"]) == ("parquet", "mine")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("titel: x", "unknown key titel"),
        ("vars: {sources: {webb: false}}", "webb, which is no source"),
        ("vars: {sources: {web: 'no'}}", "must be true or false"),
        ("vars: [a]", "must be mappings"),
        ("- a", "must be a mapping"),
        ("a: [", "cannot be read"),
        ("vars: {raw_format: xlsx}", "raw_format xlsx"),
    ],
)
def test_wrong_dataset_yml_is_told_in_one_message(run, shop, content, message):
    (shop / "dataset.yml").write_text(content)
    result = run("vars", "--raw-data", shop)
    (shop / "dataset.yml").unlink()
    assert result.exit_code == 1
    assert message in result.stderr and "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)


def test_address_is_taken_as_it_is():
    settings = dataset_vars("s3://bucket/mine/", project_dir=ROOT)
    assert settings.vars["raw_data"] == "s3://bucket/mine"
    assert settings.vars["sources"] == {}
    assert "not a local folder" in settings.messages[0]


def test_missing_folder_is_a_wrong_call(run, tmp_path):
    for command in ("vars", "check"):
        result = run(command, "--raw-data", tmp_path / "none")
        assert result.exit_code == 2
        assert result.stderr.startswith("Error: There is no folder")


def test_check_takes_the_folder_from_the_environment_and_lists_problems(run, tmp_path):
    folder = write_dataset(tmp_path / "mine")
    secret = "a secret of more than sixteen letters"
    assert run("check", RAW_DATA=str(folder), SEGMENTATION_SECRET=secret).exit_code == 0
    write_table(folder, "shop.orders", row_query("shop.orders", channel=None))
    (folder / "web" / "events.parquet").write_bytes(b"")
    result = run("check", RAW_DATA=str(folder))
    assert result.exit_code == 1
    assert "channel" in result.stdout and "web.events" in result.stdout
    assert "cannot be built: 2 problems" in result.stderr


def test_demo_is_generated_and_can_be_built(run, tmp_path):
    out = tmp_path / "demo"
    result = run(
        "datasets", "generate", "--customers", 200, "--seed", 7, "--out", out, "--end-on",
        "2024-06-30",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert (out / "_truth" / "people.parquet").exists()
    assert run("check", "--raw-data", out).exit_code == 0
    assert vars_of(run("vars", "--raw-data", out))["is_synthetic"] is True
    latest = duckdb.execute(
        f"select max(ordered_at)::date::varchar from '{out}/shop/orders.parquet' "
        "where ordered_at < date '2025-01-01'"
    ).fetchone()
    assert latest == ("2024-06-30",)


def test_generator_refusals_are_wrong_calls(run, tmp_path, shop):
    few = run("datasets", "generate", "--customers", 1, "--out", tmp_path / "demo")
    foreign = run("datasets", "generate", "--customers", 200, "--out", shop)
    assert (few.exit_code, foreign.exit_code) == (2, 2)
    assert "at least 200" in few.stderr and "another folder" in foreign.stderr
    assert (shop / "shop" / "orders.csv").exists()


def test_imported_dataset_can_be_built(run, tmp_path):
    result = run("datasets", "import", "cdnow", "--out", tmp_path / "cdnow")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"Wrote {tmp_path / 'cdnow'}.\n"
    assert run("check", "--raw-data", tmp_path / "cdnow").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("online_retail",), 1, "UCI"),
        (("online_retail", "--source-file", "none.csv"), 1, "no file none.csv"),
        (("cdnow", "--source-file", "none.csv"), 2, "needs no --source-file"),
        (("online_retail", "--all-customers"), 2, "no --all-customers"),
        (("hillstrom",), 2, "complete_journey"),
    ],
)
def test_wrong_imports_are_told(run, tmp_path, arguments, code, message):
    result = run("datasets", "import", *arguments, "--out", tmp_path / "out")
    assert (result.exit_code, message in result.stderr) == (code, True), result.stderr
    assert not (tmp_path / "out").exists()


def test_nothing_is_published_without_a_passed_build(run, tmp_path):
    result = run(
        "publish", "--database", tmp_path / "none.duckdb", "--out", tmp_path / "publish",
        "--run-results", tmp_path / "run_results.json",
    )  # fmt: skip
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: Nothing was published")
    assert not (tmp_path / "publish").exists()


def test_summary_of_nothing_is_told(run, tmp_path):
    result = run("summary", "--published", tmp_path / "none.duckdb")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: There is no")


def test_warehouse_is_the_one_of_the_profile(tmp_path, monkeypatch):
    profile = "p: {target: dev, outputs: {dev: {type: duckdb, path: %s}}}"
    (tmp_path / "profiles.yml").write_text(profile % "\"{{ env_var('HOUSE', 'data/a.duckdb') }}\"")
    monkeypatch.delenv("HOUSE", raising=False)
    assert warehouse_path(tmp_path) == tmp_path / "data" / "a.duckdb"
    monkeypatch.setenv("HOUSE", "/else/b.duckdb")
    assert str(warehouse_path(tmp_path)) == "/else/b.duckdb"
    (tmp_path / "profiles.yml").write_text(profile % "''")
    with pytest.raises(SegmentationError, match="--database"):
        warehouse_path(tmp_path)


def test_the_demo_warehouse_is_not_taken_for_that_of_another_dataset(run, shop):
    for command in (("forget", "--customer-id", "C1"), ("search-person", "--customer-id", "C1")):
        result = run(*command, "--raw-data", shop, SEGMENTATION_DATABASE=None)
        assert result.exit_code == 2
        assert "--database" in result.stderr and "mine.duckdb" in result.stderr
        assert "There is no" in run(*command, "--raw-data", shop, "--database", "no.duckdb").stderr

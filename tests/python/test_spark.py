"""The models of staging, identity and some marts on Spark, beside the same on DuckDB.

One session of Spark in a process of its own, on a small demo. All models and the cluster:
`make spark`.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from conftest import PROJECT, run_dbt

from python_ext.identity import DEMO_SECRET
from python_ext.privacy._suppression import add_entries
from python_ext.synth import generate

if not shutil.which("java"):
    pytest.skip("Java is not installed", allow_module_level=True)
pytest.importorskip("pyspark", reason="pyspark is not installed (make setup-spark)")
pytest.importorskip("dbt.adapters.spark", reason="dbt-spark is not installed (make setup-spark)")

SELECTED = ["+customer_rfm", "+stg_email__events", "+ml_order_line_outliers"]
# For so few rows compiling costs more than it saves.
SETTINGS = """spark.ui.showConsoleProgress false
spark.sql.adaptive.enabled false
spark.sql.codegen.wholeStage false
spark.sql.codegen.factoryMode NO_CODEGEN
spark.driver.defaultJavaOptions -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m
"""


ENVIRONMENT = {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}


def load_comparison():
    file = PROJECT / "benchmarks" / "_engines_compared.py"
    spec = importlib.util.spec_from_file_location("_engines_compared", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build(folder: Path, raw_data: Path, target: str, env=None):
    return run_dbt(
        *("build", "--target", target, "--exclude-resource-type", "test", "unit_test"),
        *("--select", *SELECTED),
        folder=folder,
        raw_data=raw_data,
        variables={"spark_beside": target},
        env={"DBT_WRITE_JSON": "true", **(env or {})},
        tested=target == "spark",
        alone=target == "spark",
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    base = tmp_path_factory.mktemp("spark")
    generate(customers=200, seed=3, out=base / "raw")
    customers = duckdb.sql(f"from '{base}/raw/crm/customers.parquet' order by customer_id").df()
    # A format with a letter that stands for itself, as people write the time in France.
    read = pd.to_datetime(customers["created_at"], format="ISO8601", errors="coerce", utc=True)
    is_rewritten = read.notna() & (customers.index % 3 == 0)
    assert is_rewritten.sum() > 10
    written = read.dt.strftime("%d/%m/%Y %Hh%M")
    customers["created_at"] = written.where(is_rewritten, customers["created_at"])
    duckdb.sql(f"copy customers to '{base}/raw/crm/customers.parquet'")
    forgotten = [("customer_id", number) for number in customers["customer_id"][:3]]
    add_entries(
        base / "privacy" / "suppression.csv",
        forgotten,
        secret=DEMO_SECRET.encode(),
        receipt_id="test",
    )
    (base / "conf").mkdir()
    (base / "conf" / "spark-defaults.conf").write_text(SETTINGS)
    env = {
        "SEGMENTATION_PRIVACY_DIR": str(base / "privacy"),
        "SPARK_CONF_DIR": str(base / "conf"),
        "SPARK_HOME_FOLDER": str(base / "spark"),
        **ENVIRONMENT,
    }
    on_duckdb = build(base / "duckdb", base / "raw", "dev", env)
    assert on_duckdb.returncode == 0, on_duckdb.output[-3000:]
    on_spark = build(base / "sparkbuild", base / "raw", "spark", env)
    assert on_spark.returncode == 0, on_spark.output[-6000:]
    return on_duckdb, on_spark, base / "spark" / "warehouse"


def test_what_spark_builds_is_what_duckdb_builds(built):
    on_duckdb, on_spark, warehouse = built
    compared = load_comparison()
    keys = compared.keyed_tables(
        on_spark.target / "manifest.json", "staging", "intermediate", "ml", "marts"
    )
    made = {f"{file.parent.name[:-3]}.{file.name}" for file in warehouse.glob("*.db/*")}
    tables = {table: key for table, key in keys.items() if table in made}
    assert {"staging.stg_shop__orders", "ml.ml_customer_identities", "marts.customer_rfm"} <= set(
        tables
    )
    found = compared.compare_tables(on_duckdb.database, warehouse, tables)
    assert found["cells"].sum() > 100_000
    apart = found[(found["keys apart"] > 0) | (found["differ"] > 0)]
    assert apart.empty, apart.to_string()
    assert (found["duckdb"] == found["spark"]).all()


def test_who_was_forgotten_stays_out_on_spark_too(built):
    files = built[2] / "staging.db" / "stg_crm__customers" / "*.parquet"
    suppressed = duckdb.sql(
        f"select count(*), count(email), count(raw_row) from '{files}' "
        "where rejection_reason = 'suppressed'"
    ).fetchone()
    assert suppressed == (3, 0, 0)


BROKEN_OFF = """
import sys
from dbt.adapters.sparksession.connections import SessionCredentials, get_session

session = get_session(SessionCredentials(url="local[1]", home=sys.argv[1], schema="reference"))
keys = "ml.ml_record_keys"
session.sql(f"create table {keys}__all using parquet as select * from {keys}")
columns = ", ".join(
    "'id:known-long-ago' as record_key" if name == "record_key" else name
    for name in session.table(keys).columns
)
session.sql(f"insert into {keys}__all select {columns} from {keys} limit 1")
session.sql(f"insert overwrite table {keys} select * from {keys}__all where 1 = 0")
"""


def test_a_memory_whose_overwriting_was_broken_off_is_restored(built):
    """Spark empties a table before it overwrites it; what stands aside is the only whole copy."""
    on_spark, warehouse = built[1], built[2]
    files = warehouse / "ml.db" / "ml_record_keys" / "*.parquet"
    before = duckdb.sql(f"from '{files}'").fetchall()
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    command = [sys.executable, "-c", BROKEN_OFF, str(warehouse.parent)]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True, capture_output=True)
    again = run_dbt(
        *("run", "--target", "spark", "--select", "ml_record_keys"),
        folder=on_spark.folder,
        raw_data=on_spark.raw_data,
        variables={"spark_beside": "spark"},
        env={**ENVIRONMENT, "SPARK_HOME_FOLDER": str(warehouse.parent)},
        alone=True,
    )
    assert again.returncode == 0, again.output[-4000:]
    assert "is restored from" in again.output
    after = duckdb.sql(f"from '{files}'").fetchall()
    assert sum("id:known-long-ago" in row for row in after) == 1
    assert len(after) == len(before) + 1
    assert not (warehouse / "ml.db" / "ml_record_keys__all").exists()

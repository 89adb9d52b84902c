"""A dbt adapter for one Spark session: dbt-spark, and Python models run in that session."""

from dbt.adapters.base import AdapterPlugin
from dbt.adapters.sparksession.connections import SessionCredentials
from dbt.adapters.sparksession.impl import SparkSessionAdapter
from dbt.include import sparksession

Plugin = AdapterPlugin(
    adapter=SparkSessionAdapter,
    credentials=SessionCredentials,
    include_path=sparksession.PACKAGE_PATH,
    dependencies=["spark"],
)

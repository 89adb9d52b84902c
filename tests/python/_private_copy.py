"""A copy of the small demo's build to forget people in, and whom one finds there."""

import shutil
from pathlib import Path

import duckdb
from conftest import PROJECT, Build

from python_ext.privacy import Places, find_places
from python_ext.publish import publish

VAULT_KEY = "a key for tests, long enough to be one"
SECRET = b"visible-demo-secret-for-public-data-only"


def private_copy(build: Build, folder: Path) -> Places:
    """Raw files, warehouse, published files and caches of a build, under another folder."""
    shutil.copytree(build.raw_data, folder / "demo")
    shutil.copyfile(build.database, folder / build.database.name)
    for cache in ("target", "logs"):
        (folder / cache).mkdir()
    publish(
        folder / build.database.name,
        folder / "publish",
        build.target / "run_results.json",
        project_dir=PROJECT,
    )
    return places_in(folder, build.database.name)


def places_in(folder: Path, database: str = "build.duckdb") -> Places:
    return find_places(
        str(folder / "demo"),
        project_dir=PROJECT,
        database=folder / database,
        published=folder / "publish",
        caches=(folder / "target", folder / "logs"),
        directory=folder / "privacy",
    )


def as_arrivals(table: Path) -> None:
    """Make three arrivals of a raw table: a folder in the place of the file."""
    table.mkdir()
    file = table.with_suffix(".parquet")
    for part in range(3):
        rows = f"select * from (select *, row_number() over () as n from '{file}')"
        duckdb.execute(
            f"copy (select * exclude (n) from ({rows} where n % 3 = {part})) "
            f"to '{table / f'{part}.parquet'}' (format parquet)"
        )
    file.unlink()


def ask(database: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(query).fetchall()


def person_with(places: Places, condition: str) -> str:
    """customer_key of the first person for whom a condition over their records holds."""
    return ask(
        places.database,
        f"""
        select customer_key from (
            select identities.customer_key, count(*) as records,
                count(*) filter (where identities.record_id like 'guest:%') as guests,
                count(*) filter (where identities.record_id like 'id:%') as numbers,
                count(*) filter (where identities.record_id in (
                    select 'id:' || customer_id from staging.stg_web__events
                )) as logins,
                count(*) filter (where identities.record_id in (
                    select 'id:' || customer_id from staging.stg_shop__orders
                )) as buyers
            from ml.ml_customer_identities as identities group by customer_key
        ) where {condition} order by customer_key limit 1
        """,
    )[0][0]

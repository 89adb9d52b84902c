# One row per order line that at least one of three opinions calls extreme, with the reason.
from python_ext import frames, quality


def model(dbt, session):
    dbt.config(materialized="table")
    lines = dbt.ref("int_order_lines_scaled")
    key = ("order_id", "line_number")
    fitted = quality.OutlierModel.fit(
        frames.to_pandas(frames.sample(lines, key=key, rows=dbt.config.get("sample_rows", 20000))),
        seed=dbt.config.get("seed", 42),
        z_limit=dbt.config.get("z_limit", 5),
        alpha=dbt.config.get("alpha", 0.000001),
        isolation_limit=dbt.config.get("isolation_limit", 0.7),
        votes=dbt.config.get("votes", 2),
    )
    return frames.map_batches(
        session,
        lines,
        fitted.judge,
        quality.OUTLIERS_SCHEMA,
        batch_rows=dbt.config.get("batch_rows", 100000),
        order_by=key,
    )

# One row per order line that at least one of three opinions calls extreme, with the reason.
from python_ext import frames, quality


def model(dbt, session):
    dbt.config(materialized="table")
    lines = dbt.ref("int_order_lines_scaled")
    key = ("order_id", "line_number")
    drawn = frames.sample(lines, key=key, rows=dbt.config.get("sample_rows", 20000))
    fitted = quality.OutlierModel.fit(frames.to_pandas(drawn), **dbt.config.get("options"))
    # Many lines are one article at one price: each kind is judged once, then lines of the far ones.
    kinds = frames.distinct(lines, columns=quality.DEVIATIONS)
    far = frames.map_batches(session, kinds, fitted.far_kinds, quality.DEVIATIONS)
    kinds = frames.typed_relation(frames.to_pandas(far), quality.DEVIATIONS, session)
    lines = frames.join(lines, kinds, on=tuple(quality.DEVIATIONS), session=session)
    return frames.map_batches(session, lines, fitted.judge, quality.OUTLIERS_SCHEMA, order_by=key)

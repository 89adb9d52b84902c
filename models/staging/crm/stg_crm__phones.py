# One row per phone number as written in crm.customers and country of the record: its E.164 form.
from functools import partial

from python_ext import frames, phones


def model(dbt, session):
    dbt.config(materialized="table")
    read = partial(phones.read_phones, default_country=dbt.config.get("default_country"))
    return frames.map_batches(
        session,
        dbt.ref("stg_crm__phone_texts"),
        read,
        phones.SCHEMA,
        order_by=["phone_text", "country_code"],
    )

"""Asks the warehouse which records, contacts and cookies belong to a person."""

from __future__ import annotations

import duckdb

from python_ext.errors import SegmentationError
from python_ext.privacy._files import cell_text, columns_of, name, table_sql, text
from python_ext.privacy._people import People
from python_ext.privacy._places import Places
from python_ext.privacy._suppression import SEPARATOR, SuppressionList


def find_people(
    places: Places,
    *,
    customer_ids: tuple[str, ...] = (),
    emails: tuple[str, ...] = (),
    customer_keys: tuple[str, ...] = (),
) -> People:
    """Everything the warehouse knows of the people behind these identifiers.

    Parameters
    ----------
    customer_ids, emails, customer_keys
        What the people are known by. One that the warehouse does not know stands for itself.

    Raises
    ------
    SegmentationError
        An address belongs to several people, or the warehouse is missing or in use.
    """
    emails = tuple(email.strip().lower() for email in emails)
    customer_ids = tuple(number.strip() for number in customer_ids)
    if not places.database.is_file():
        raise SegmentationError(
            f"There is no warehouse {places.database}: build it first, because only a build knows "
            "which records belong to one person."
        )
    try:
        connection = duckdb.connect(str(places.database), read_only=True)
    except duckdb.Error as error:
        raise SegmentationError(
            f"{places.database} cannot be opened; close whatever uses it and try again: {error}"
        ) from None
    with connection:
        return _People(connection).find(customer_ids, emails, customer_keys)


class _People:
    """The questions to the warehouse, one after the other."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        connection.execute("create temp table wanted (kind varchar, value varchar)")
        self.tables = {
            row[0]: set(row[1])
            for row in connection.execute(
                "select table_name, list(column_name) from duckdb_columns() where not internal "
                "group by table_name"
            ).fetchall()
        }

    def rows(self, query: str) -> list[tuple]:
        return self.connection.execute(query).fetchall()

    def find(
        self, customer_ids: tuple[str, ...], emails: tuple[str, ...], keys: tuple[str, ...]
    ) -> People:
        for kind, values in (("id", customer_ids), ("email", emails), ("key", keys)):
            for value in values:
                self.connection.execute("insert into wanted values (?, ?)", [kind, value])
        self._refuse_shared_addresses()
        self.connection.execute(
            """
            create temp table persons as
            select distinct customer_key from ml.ml_customer_identities
            where record_id in (select 'id:' || value from wanted where kind = 'id')
                or record_id in (select 'guest:' || value from wanted where kind = 'email')
                or customer_key in (select value from wanted where kind = 'key')
                or record_id in (
                    select record_id from intermediate.int_identity_records
                    where email in (select value from wanted where kind = 'email')
                )
            """
        )
        self.connection.execute(
            "create temp table records as select identities.*, "
            "identities.customer_key in (from persons) as is_theirs "
            "from ml.ml_customer_identities as identities"
        )
        has_record_key = "record_key" in self.tables["ml_customer_identities"]
        theirs = self.rows(
            "select record_id, customer_key, "
            + ("record_key" if has_record_key else "null")
            + " from records where is_theirs"
        )
        record_ids = {row[0] for row in theirs}
        numbers = {r.removeprefix("id:") for r in record_ids if r.startswith("id:")}
        numbers |= set(customer_ids)
        guests = {r.removeprefix("guest:") for r in record_ids if r.startswith("guest:")}
        self._bring_contacts()
        own, shared = {}, {}
        for kind in ("email", "phone", "social_handle", "visitor_id"):
            own[kind], shared[kind] = self._own_values(kind)
        suppressed = [("customer_id", number) for number in sorted(numbers)]
        unknown_emails = self._unknown(emails)
        lone = {*own["email"], *guests, *unknown_emails}
        suppressed += [("email", email) for email in sorted(lone)]
        for kind in ("social_handle", "visitor_id"):
            suppressed += [(kind, value) for value in sorted(own[kind])]
        suppressed += self._pairs()
        return People(
            customer_keys=frozenset({row[1] for row in theirs} | set(keys)),
            record_keys=frozenset(
                {row[2] for row in theirs if row[2]} | self._former_keys() | self._remembered_keys()
            ),
            record_ids=frozenset(record_ids | {f"id:{number}" for number in numbers}),
            customer_ids=frozenset(numbers),
            emails=frozenset(lone),
            phones=frozenset(own["phone"]),
            handles=frozenset(own["social_handle"]),
            visitors=frozenset(own["visitor_id"]),
            suppressed=tuple(suppressed),
            shared={kind: count for kind, count in shared.items() if count},
            unknown=len(unknown_emails)
            + len({f"id:{number}" for number in customer_ids} - record_ids)
            + len(set(keys) - {row[1] for row in theirs}),
        )

    def _refuse_shared_addresses(self) -> None:
        several = self.rows(
            """
            select count(distinct identities.customer_key)
            from intermediate.int_identity_records as records
            inner join ml.ml_customer_identities as identities using (record_id)
            where records.email in (select value from wanted where kind = 'email')
            group by records.email having count(distinct identities.customer_key) > 1
            """
        )
        if several:
            raise SegmentationError(
                f"The address belongs to {several[0][0]} customers, so it does not say who is "
                "meant. Name the person with --customer-id or --customer-key."
            )

    def _unknown(self, emails: tuple[str, ...]) -> set[str]:
        """Addresses that no record has: they stand for themselves."""
        known = {row[0] for row in self.rows("select email from intermediate.int_identity_records")}
        return set(emails) - known

    def _bring_contacts(self) -> None:
        """Every contact of every record: kind, value and whose it is."""
        customers = "staging.stg_crm__customers"
        has = self.tables.get("stg_crm__customers", set())
        parts = [
            "select 'email' as kind, email as value, record_id "
            "from intermediate.int_identity_records where email is not null"
        ]
        for column, kind in (
            ("email", "email"), ("email_raw", "email"), ("phone", "phone"),
            ("phone_raw", "phone"), ("social_handle", "social_handle"),
            ("social_handle_raw", "social_handle"),
        ):  # fmt: skip
            if column in has:
                value = f"trim({column})" if kind == "phone" else f"lower(trim({column}))"
                parts.append(
                    f"select '{kind}', {value}, 'id:' || customer_id from {customers} "
                    f"where trim({column}) <> '' and customer_id is not null"
                )
        if "stg_web__events" in self.tables:
            parts.append(
                "select distinct 'visitor_id', visitor_id, 'id:' || customer_id "
                "from staging.stg_web__events "
                "where visitor_id is not null and customer_id is not null"
            )
        self.connection.execute(
            f"create temp table contacts as select distinct * from ({' union all '.join(parts)})"
        )

    def _own_values(self, kind: str) -> tuple[set[str], int]:
        """Values that only these people have, and how many they share with others."""
        same = "right(regexp_replace(value, '[^0-9]', '', 'g'), 9)" if kind == "phone" else "value"
        rows = self.rows(
            f"""
            with owned as (
                select contacts.value, {same} as same_value,
                    contacts.record_id in (
                        select record_id from records where is_theirs
                        union all select 'id:' || value from wanted where kind = 'id'
                    ) as is_theirs
                from contacts where contacts.kind = '{kind}'
            )
            select value, bool_and(is_theirs) over (partition by same_value), is_theirs,
                same_value
            from owned
            """
        )
        mine = {row[0] for row in rows if row[1]}
        return mine, len({row[3] for row in rows if row[2] and not row[1]})

    def _pairs(self) -> list[tuple[str, str]]:
        """Pairs that name a person together: phone and first name; names and birth date."""
        if "stg_crm__customers" not in self.tables:
            return []
        rows = self.rows(
            """
            select distinct phone, first_name, last_name, cast(birth_on as varchar)
            from staging.stg_crm__customers
            where 'id:' || customer_id in (select record_id from records where is_theirs)
            order by all
            """
        )
        pairs = set()
        for phone, first, last, born in rows:
            if phone and first:
                pairs.add(("phone_and_first_name", SEPARATOR.join((phone, first))))
            if first and last and born:
                pairs.add(("name_and_birth_date", SEPARATOR.join((first, last, born))))
        return sorted(pairs)

    def _remembered_keys(self) -> set[str]:
        """Keys that the records held before, by the memory of keys."""
        columns = self.tables.get("ml_record_keys", set())
        if not {"record_key", "customer_key"} <= columns:
            return set()
        if "record_key" not in self.tables["ml_customer_identities"]:
            return set()
        return {
            key
            for row in self.rows(
                """
                select customer_key, record_key from ml.ml_record_keys
                where record_key in (select record_key from records where is_theirs)
                    or customer_key in (from persons)
                """
            )
            for key in row
        } - {
            row[0]
            for row in self.rows(
                "select customer_key from records where not is_theirs "
                "union select record_key from records where not is_theirs"
            )
        }

    def _former_keys(self) -> set[str]:
        """Keys that stand beside the person's in a list of merges and belong to nobody now."""
        found: set[str] = set()
        for schema, table, columns in self.rows(
            """
            select schema_name, table_name, list(column_name order by column_index)
            from duckdb_columns() where column_name like '%customer_key' and not internal
            group by all having count(*) = 2
            """
        ):
            first, second = (name(column) for column in columns)
            relation = f"{name(schema)}.{name(table)}"
            for one, other in ((first, second), (second, first)):
                found |= {
                    row[0]
                    for row in self.rows(
                        f"select distinct {other} from {relation} "
                        f"where {one} in (from persons) and {other} is not null and {other} "
                        "not in (select customer_key from ml.ml_customer_identities)"
                    )
                }
        return found


def returned(places: Places, *, secrets: tuple[bytes, ...]) -> People:
    """Whoever is on the suppression list and stands in the raw files all the same.

    A later delivery or a restored backup brings them back: the build keeps them out, but the
    files still hold them. Found by what single columns tell: number, address, handle, cookie.
    """
    listed = SuppressionList(places.suppression, secrets)
    found: dict[str, set[str]] = {kind: set() for kind in ("id", "email", "handle", "visitor")}
    if not listed or places.raw_folder is None:
        return People()
    wanted = {
        "customer_id": ("id", "customer_id"),
        "email": ("email", "email"),
        "guest_email": ("email", "email"),
        "social_handle": ("handle", "social_handle"),
        "visitor_id": ("visitor", "visitor_id"),
    }
    with duckdb.connect() as connection:
        for file in sorted(places.raw_folder.glob(f"[!_]*/**/[!.]*.{places.raw_format}")):
            for column, kind in columns_of(connection, table_sql(file)):
                if column not in wanted:
                    continue
                into, listed_as = wanted[column]
                values = connection.execute(
                    f"select distinct trim({cell_text(column, kind)}) from {table_sql(file)}"
                ).fetchall()
                found[into] |= {value for (value,) in values if listed.holds(listed_as, value)}
    return People(
        customer_ids=frozenset(found["id"]),
        record_ids=frozenset(f"id:{number}" for number in found["id"]),
        emails=frozenset(email.lower() for email in found["email"]),
        handles=frozenset(handle.lower() for handle in found["handle"]),
        visitors=frozenset(found["visitor"]),
    )


def requested(places: Places) -> tuple[str, ...]:
    """Customer numbers of the erasure requests that have been made and not yet carried out.

    Also of those that staging set aside, where the number is that of a known record: a date that
    nobody can read makes no wish undone. A number that nobody has waits for a person to look.
    """
    with duckdb.connect(str(places.database), read_only=True) as connection:
        rows = connection.execute(
            "select distinct customer_id from staging.stg_crm__erasure_requests "
            "where customer_id is not null and (rejection_reason is null or 'id:' || customer_id "
            "in (select record_id from ml.ml_customer_identities)) "
            f"and customer_id not like {text('receipt:%')} order by all"
        ).fetchall()
    return tuple(row[0] for row in rows)

"""The only place where readable identity meets the published marts: lists for one purpose."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import duckdb

from python_ext.errors import SegmentationError
from python_ext.privacy._files import text
from python_ext.privacy._places import Places
from python_ext.privacy._suppression import SEPARATOR, SuppressionList
from python_ext.privacy._vault import IDENTITIES, open_vault

PURPOSES = {"email_marketing": "has_email_consent", "ad_targeting": "has_ad_consent"}
_MART = "published.marts"


@dataclass(frozen=True)
class Exported:
    """How many people of a list were written, and why the others were not.

    Attributes
    ----------
    chosen
        People of the segment or audience.
    written
        People in the file.
    left_out
        Reason and count.
    """

    chosen: int
    written: int
    left_out: dict[str, int]


def export_people(
    places: Places,
    out: Path,
    *,
    key: str,
    secrets: tuple[bytes, ...],
    purpose: str,
    segment: str | None = None,
    audience: str | None = None,
) -> Exported:
    """Write the people of a segment or an audience who may be addressed for a purpose.

    Consent must stand in the published ``customers`` and is asked again of the warehouse, where a
    withdrawal may have come in since, or, for a list that was chosen by profiles, an objection to
    profiling; forgotten people are left out whatever the vault still says.

    Parameters
    ----------
    out
        CSV file, readable by its owner only.
    key
        Key of the vault.
    secrets
        Every secret of the suppression list.
    purpose
        ``email_marketing`` or ``ad_targeting``.
    segment, audience
        One of the two, by name (a segment also by number).

    Raises
    ------
    SegmentationError
        Unknown purpose, segment or audience; nothing published; the vault does not open.
    """
    if purpose not in PURPOSES:
        raise SegmentationError(
            f"{purpose} is not a purpose one can export for: {', '.join(PURPOSES)}.", exit_code=2
        )
    if (segment is None) == (audience is None):
        raise SegmentationError("Name a --segment or an --audience.", exit_code=2)
    suppressed = SuppressionList(places.suppression, secrets)
    published = places.published / "segments.duckdb"
    with duckdb.connect() as connection:
        for file, alias in ((published, "published"), (places.database, "warehouse")):
            if not file.is_file():
                raise SegmentationError(f"There is no {file}. Build and publish first.")
            try:
                connection.execute(f"attach {text(file)} as {alias} (read_only)")
            except duckdb.Error as error:
                raise SegmentationError(f"{file} cannot be opened: {error}") from None
        open_vault(connection, places.vault, key)
        _choose(connection, segment, audience)
        rows = connection.execute(
            f"""
            with consents as (
                select
                    customer_key,
                    bool_and(is_granted) filter (where purpose = $1) as is_granted,
                    coalesce(bool_or(purpose = 'profiling' and not is_granted), false) as objects
                from warehouse.intermediate.int_consents_current
                group by customer_key
            ),

            identities as (
                select * from vault.{IDENTITIES}
                qualify row_number() over (
                    partition by customer_key
                    order by email is null, updated_at desc nulls last, record_id
                ) = 1
            )

            select chosen.customer_key, chosen.list_name,
                coalesce(customers.{PURPOSES[purpose]}, false),
                coalesce(consents.is_granted, false),
                not chosen.is_by_profile
                or (coalesce(permissions.may_be_profiled, false) and not consents.objects),
                identities.email, identities.first_name, identities.last_name, identities.phone,
                identities.record_id, cast(identities.birth_on as varchar)
            from chosen
            left join {_MART}.customers as customers using (customer_key)
            left join consents using (customer_key)
            left join warehouse.intermediate.int_customer_permissions as permissions
                using (customer_key)
            left join identities using (customer_key)
            order by chosen.customer_key
            """,
            [purpose],
        ).fetchall()
    left_out = dict.fromkeys(
        (
            "no consent when the marts were published",
            "consent withdrawn since",
            "objected to profiling since",
            "forgotten",
            "no e-mail address in the vault",
        ),
        0,
    )
    reasons = list(left_out)
    written = []
    for row in rows:
        _, _, is_published, is_granted, is_profiled, email, *_ = row
        if not is_published:
            left_out[reasons[0]] += 1
        elif not is_granted:
            left_out[reasons[1]] += 1
        elif not is_profiled:
            left_out[reasons[2]] += 1
        elif _is_suppressed(suppressed, row):
            left_out[reasons[3]] += 1
        elif not email:
            left_out[reasons[4]] += 1
        else:
            written.append((row[0], email, row[6], row[7], row[1]))
    _write(out, written)
    return Exported(chosen=len(rows), written=len(written), left_out=left_out)


def _choose(
    connection: duckdb.DuckDBPyConnection, segment: str | None, audience: str | None
) -> None:
    """The people asked for as a temporary table ``chosen``."""
    marts = {
        row[0]
        for row in connection.execute(
            "select table_name from duckdb_tables() where database_name = 'published'"
        ).fetchall()
    }
    if segment is not None:
        mart, condition, label = "customer_segments", "segment", "segment"
        where = "segment = $1 or cast(segment_id as varchar) = $1"
        # Who never bought (0) or is not profiled (-1) was not chosen by a profile.
        is_by_profile = "segment_id > 0"
    else:
        mart, condition, label = "audience_members", "audience", "audience"
        where = "audience = $1"
        is_by_profile = f"(select is_profiling from {_MART}.audiences where {where})"
    if mart not in marts:
        raise SegmentationError(f"The published file has no {mart}, so no {condition} is known.")
    wanted = segment if segment is not None else audience
    connection.execute(
        f"create temp table chosen as select distinct customer_key, {label} as list_name, "
        f"{is_by_profile} as is_by_profile from {_MART}.{mart} where {where}",
        [wanted],
    )
    if not connection.execute("select count(*) from chosen").fetchone()[0]:
        known = connection.execute(
            f"select distinct {label} from {_MART}.{mart} where {label} is not null order by all"
        ).fetchall()
        raise SegmentationError(
            f"Nobody is in the {condition} {wanted}. Known are "
            f"{', '.join(str(row[0]) for row in known)}.",
            exit_code=2,
        )


def _is_suppressed(suppressed: SuppressionList, row: tuple) -> bool:
    *_, email, first, last, phone, record_id, born = row
    number = record_id.removeprefix("id:") if record_id and record_id.startswith("id:") else None
    return (
        suppressed.holds("email", email)
        or suppressed.holds("customer_id", number)
        or suppressed.holds(
            "phone_and_first_name", SEPARATOR.join((phone, first)) if phone and first else None
        )
        or suppressed.holds(
            "name_and_birth_date",
            SEPARATOR.join((first, last, born)) if first and last and born else None,
        )
    )


def _write(out: Path, rows: list[tuple]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    following = out.with_name(out.name + ".next")
    following.touch(mode=0o600)
    with following.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("customer_key", "email", "first_name", "last_name", "list"))
        # A cell that begins like a formula would run in a spreadsheet.
        writer.writerows(
            tuple(f"'{c}" if isinstance(c, str) and c[:1] in "=+-@\t\r" else c for c in row)
            for row in rows
        )
    following.replace(out)

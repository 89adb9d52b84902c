"""The page of a subject report: one HTML file with nothing to load, French and English."""

from __future__ import annotations

from html import escape
from typing import Any

SHOWN_ROWS = 100
_LONG_TABLE = 8

_TITLES = {
    "crm.customers": ("Votre fiche client", "Your customer record"),
    "crm.consents": ("Vos consentements", "What you agreed to"),
    "crm.support_tickets": ("Vos demandes au service client", "Your requests to support"),
    "crm.erasure_requests": ("Vos demandes d’effacement", "Your requests for erasure"),
    "shop.orders": ("Vos commandes", "Your orders"),
    "shop.order_lines": ("Articles de vos commandes", "Items of your orders"),
    "web.events": ("Vos visites sur le site", "Your visits to the web shop"),
    "email.events": ("E-mails reçus et lus", "E-mails sent to you and read"),
    "survey.responses": ("Vos réponses aux enquêtes", "Your survey answers"),
    "social.mentions": ("Vos publications qui nous citent", "Your posts that mention us"),
    "customers": ("Votre profil", "Your profile"),
    "customer_rfm": ("Vos habitudes d’achat", "Your buying habits"),
    "customer_engagement": ("Votre activité", "Your activity"),
    "customer_scores": ("Prévisions à votre sujet", "Predictions about you"),
    "customer_segments": ("Votre groupe de clients", "Your group of customers"),
    "customer_value": ("Valeur estimée", "Estimated value"),
}
_ORDER = (
    "customers",
    "customer_segments",
    "customer_rfm",
    "customer_engagement",
    "customer_scores",
    "customer_value",
)
_STYLE = """
:root { color-scheme: light; --ink: #1c2733; --soft: #5c6b7a; --line: #dde3ea; --back: #f4f6f9;
  --accent: #0b5c7a; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 27px; margin: 0; line-height: 1.25; }
h1 small, h2 small, h3 small { display: block; color: var(--soft); font-weight: 400; }
h1 small { font-size: 18px; }
h2 { font-size: 21px; margin: 44px 0 12px; padding-bottom: 6px;
  border-bottom: 2px solid var(--accent); }
h2 small { display: inline; font-size: 15px; margin-left: 8px; }
h3 { font-size: 17px; margin: 0; }
h3 small { display: inline; font-size: 14px; margin-left: 8px; }
.intro { color: var(--soft); margin: 8px 0 0; max-width: 100ch; }
.card { background: #fff; border: 1px solid var(--line); border-radius: 8px; margin: 16px 0;
  padding: 18px 20px; }
.count { float: right; color: var(--soft); font-size: 13px; }
.why { margin: 8px 0 14px; color: var(--soft); font-size: 13px; max-width: 100ch; }
.why b { color: var(--ink); font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th, td { text-align: left; vertical-align: top; padding: 6px 14px 6px 0;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.wide td, .wide th { white-space: nowrap; overflow-wrap: normal; }
th { color: var(--soft); font-weight: 600; }
tr:last-child td, tr:last-child th { border-bottom: 0; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
table.one th { width: 17em; color: var(--ink); }
table.one th small { display: block; font-weight: 400; }
table.one td.value { width: 17em; font-weight: 600; }
table.one td.meaning { color: var(--soft); }
.none { color: #9aa6b2; }
.split + table { margin-top: 14px; border-top: 2px solid var(--line); }
.more { color: var(--soft); font-size: 13px; margin: 10px 0 0; }
@media print { body { background: #fff; } .card { break-inside: avoid; } }
"""


def render_page(report: dict[str, Any]) -> str:
    """The report of ``collect`` as HTML."""
    person = report["person"]
    known = [
        ("Numéros de client", "Customer numbers", person["customer_numbers"]),
        ("Adresses e-mail", "E-mail addresses", person["emails"]),
        ("Téléphones", "Phone numbers", person["phones"]),
        ("Comptes sur les réseaux", "Social handles", person["social_handles"]),
        ("Cookies", "Cookies", person["cookies"]),
        ("Clé pseudonyme", "Pseudonymous key", person["customer_keys"]),
    ]
    lines = "".join(
        f"<tr><th>{escape(french)}<small class='none'>{escape(english)}</small></th>"
        f"<td>{escape(', '.join(values))}</td></tr>"
        for french, english, values in known
        if values
    )
    shared = sum(person["also_of_other_customers"].values())
    note = (
        f"<p class='more'>{shared} coordonnée(s) partagée(s) avec un autre client ne sont pas "
        "listées. <i>Contact details shared with another customer are not listed.</i></p>"
        if shared
        else ""
    )
    body = [
        "<h1>Vos données personnelles<small>Your personal data</small></h1>",
        f"<p class='intro'>Jeu de données <b>{escape(report['dataset'])}</b>, état au "
        f"{escape(str(report['as_of_date']))}. Droit d’accès, article 15 du RGPD. "
        "<i>Everything kept about you, where it came from, what for and how long. Right of access, "
        "article 15 GDPR.</i></p>",
        _heading("Qui vous êtes pour nous", "Who you are to us"),
        f"<div class='card'><table class='one'>{lines}</table>{note}</div>",
        _heading("Ce que nous en avons déduit", "What was worked out about you"),
        *(_result(table) for table in sorted(report["results"], key=_place)),
        _heading("Ce que nous avons reçu", "What came in, source by source"),
        *(_source(table) for table in report["sources"]),
        _heading("Vos droits", "Your rights"),
        "<div class='card'>Vous pouvez faire corriger ou effacer ces données, en limiter l’usage, "
        "vous opposer au profilage et à la prospection, retirer un consentement, recevoir ces "
        "données dans un format lisible par une machine (le fichier subject.json joint) et saisir "
        "la CNIL. <i>You may have these data corrected or erased, restrict their use, object to "
        "profiling and direct marketing, withdraw consent, take the data with you (subject.json) "
        "and complain to the supervisory authority.</i></div>",
    ]
    return (
        "<!doctype html>\n<html lang='fr'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<meta name='robots' content='noindex'><title>Vos données personnelles</title>"
        f"<style>{_STYLE}</style></head><body><main>{''.join(body)}</main></body></html>\n"
    )


def _place(table: dict[str, Any]) -> int:
    """The profile and the segment first, whatever else there is in the end."""
    return _ORDER.index(table["table"]) if table["table"] in _ORDER else len(_ORDER)


def _heading(french: str, english: str) -> str:
    return f"<h2>{escape(french)}<small>{escape(english)}</small></h2>"


def _title(table: str) -> str:
    french, english = _TITLES.get(table, (table, ""))
    return f"<h3>{escape(french)}<small>{escape(english)}</small></h3>"


def _count(rows: int) -> str:
    words = "lignes · rows" if rows > 1 else "ligne · row"
    return f"<span class='count'>{rows:,} {words}</span>".replace(",", " ")


def _source(table: dict[str, Any]) -> str:
    months = table["retention_months"]
    kept = (
        f"{months} mois / months"
        if months
        else "tant que dure la relation / as long as the relation lasts"
    )
    why = (
        f"<p class='why'><b>Finalité / Purpose:</b> {escape(table['purpose'] or '—')}<br>"
        f"<b>Base légale / Legal basis:</b> {escape(table['legal_basis'] or '—')}<br>"
        f"<b>Conservation / Kept for:</b> {kept}<br>"
        f"<b>Origine / Came from:</b> {escape(table['file'])}</p>"
    )
    rows = table["rows"]
    return (
        f"<section class='card'>{_count(len(rows))}{_title(table['table'])}{why}"
        f"{_many(rows)}</section>"
    )


def _result(table: dict[str, Any]) -> str:
    rows, meanings = table["rows"], table["columns"]
    why = f"<p class='why'>{escape(table['meaning'] or '')}</p>"
    content = "".join(
        f"<div class='split'></div>{_one(row, meanings)}" for row in rows[:_LONG_TABLE]
    )
    if len(rows) > _LONG_TABLE:
        content = _many(rows)
    return (
        f"<section class='card'>{_count(len(rows))}{_title(table['table'])}{why}{content}</section>"
    )


def _one(row: dict[str, Any], meanings: dict[str, str | None]) -> str:
    """A row with few neighbours: one line for each column, with what it means."""
    lines = "".join(
        f"<tr><th>{escape(column.replace('_', ' '))}</th><td class='value'>{_cell(value)}</td>"
        f"<td class='meaning'>{escape(meanings.get(column) or '')}</td></tr>"
        for column, value in row.items()
        if column != "customer_key"
    )
    return f"<table class='one'>{lines}</table>"


def _many(rows: list[dict[str, Any]]) -> str:
    columns = [c for c in rows[0] if any(row[c] is not None for row in rows)]
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    lines = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=number' if _is_number(row[c]) else ''}>{_cell(row[c])}</td>"
            for c in columns
        )
        + "</tr>"
        for row in rows[:SHOWN_ROWS]
    )
    more = (
        f"<p class='more'>Les {SHOWN_ROWS} premières lignes; toutes sont dans subject.json. "
        f"<i>The first {SHOWN_ROWS} rows; all are in subject.json.</i></p>"
        if len(rows) > SHOWN_ROWS
        else ""
    )
    return f"<div class='wide'><table><tr>{head}</tr>{lines}</table></div>{more}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    if value is None:
        return "<span class='none'>—</span>"
    if isinstance(value, bool):
        return "oui / yes" if value else "non / no"
    if isinstance(value, float):
        return escape(f"{value:,.3f}".rstrip("0").rstrip(".").replace(",", " "))
    return escape(str(value))

"""Personal data: where it is, who may read it, and how it goes.

Readable identity in an encrypted vault (``write_vault``, ``look_up``, ``export_people``), search
and erasure (``find_people``, ``search``, ``forget``), the suppression list, the report to a person
(``subject_report``), retention and the rotation of the secret.
"""

from python_ext.privacy._erasure import Forgotten, forget
from python_ext.privacy._export import PURPOSES, Exported, export_people
from python_ext.privacy._job import Removal
from python_ext.privacy._people import People
from python_ext.privacy._places import (
    OLD_SECRETS_VARIABLE,
    VAULT_KEY_VARIABLE,
    Places,
    find_places,
    need_vault_key,
    privacy_directory,
    read_secrets,
    read_vault_key,
)
from python_ext.privacy._report import Reported, subject_report
from python_ext.privacy._resolution import find_people, requested, returned
from python_ext.privacy._retention import Kept, as_of_date, past_retention, silent_customers
from python_ext.privacy._rotation import Rotated, rotate_secret
from python_ext.privacy._search import Found, Hit, search, search_uncompressed
from python_ext.privacy._suppression import SEPARATOR, SuppressionList, list_problem
from python_ext.privacy._vault import look_up, open_vault, write_vault

__all__ = [
    "OLD_SECRETS_VARIABLE",
    "PURPOSES",
    "SEPARATOR",
    "VAULT_KEY_VARIABLE",
    "Exported",
    "Forgotten",
    "Found",
    "Hit",
    "Kept",
    "People",
    "Places",
    "Removal",
    "Reported",
    "Rotated",
    "SuppressionList",
    "as_of_date",
    "export_people",
    "find_people",
    "find_places",
    "forget",
    "list_problem",
    "look_up",
    "need_vault_key",
    "open_vault",
    "past_retention",
    "privacy_directory",
    "read_secrets",
    "read_vault_key",
    "requested",
    "returned",
    "rotate_secret",
    "search",
    "search_uncompressed",
    "silent_customers",
    "subject_report",
    "write_vault",
]

"""The segments as one page for people: opens offline, prints, and names no customer."""

from python_ext.report._language import LANGUAGES
from python_ext.report._page import write_report
from python_ext.report._read import withheld

__all__ = ["LANGUAGES", "withheld", "write_report"]

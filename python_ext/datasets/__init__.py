"""Importers that turn public datasets into the raw contract of this project."""

from python_ext.datasets.cdnow import import_cdnow
from python_ext.datasets.complete_journey import import_complete_journey
from python_ext.datasets.online_retail import import_online_retail

__all__ = ["import_cdnow", "import_complete_journey", "import_online_retail"]

"""Networks for other runtimes and for hubs: files by format, each checked; and one folder."""

from __future__ import annotations

from salient.export.check import Checked, check
from salient.export.folder import export_folder
from salient.export.formats import FORMATS, METADATA
from salient.export.write import export_network

__all__ = ["FORMATS", "METADATA", "Checked", "check", "export_folder", "export_network"]

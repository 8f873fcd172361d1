"""Tables as a workbook for Excel and LibreOffice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any


def workbook(sheets: Mapping[str, Sequence[Mapping[str, Any]]]) -> bytes:
    """An .xlsx file with a sheet for each list of dicts of the same keys; empty ones are left out.

    Text is text, even if it begins with an equals sign.

    Raises:
        ModuleNotFoundError: openpyxl is not installed.
    """
    from openpyxl import Workbook  # an extra
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    for name, lines in sheets.items():
        if not lines:
            continue
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for line in ([*lines[0]], *([*line.values()] for line in lines)):
            cells = [WriteOnlyCell(sheet, value) for value in line]
            for cell in cells:
                if isinstance(cell.value, str):
                    cell.data_type = "s"
            sheet.append(cells)
    content = BytesIO()
    book.save(content)
    return content.getvalue()

"""A plugin with a table that draws numbers, and one whose data is closed."""

from __future__ import annotations

from mien.sdk import Registry, TableInfo, hookimpl


@hookimpl
def mien_register(registry: Registry) -> None:
    registry.table(TableInfo("tiny-table", "A tiny table", "Draws numbers.", ("numbers.txt",), "tiny_table"))
    registry.table(
        TableInfo("tiny-closed", "A closed table", closed="nobody has the data.", command="mien train tiny --data DIR")
    )

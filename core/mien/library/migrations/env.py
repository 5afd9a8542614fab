"""How alembic runs our migrations: on the connection, and in the transaction, of the library that opens."""

from __future__ import annotations

from alembic import context

from mien.library.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()

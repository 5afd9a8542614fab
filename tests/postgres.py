"""A PostgreSQL server of the tests' own: made in a temporary folder, on a free port, and gone when they end.

PostgreSQL does not run as root; there it runs as the system's `postgres`, or as `nobody`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OWNER = "owner"
"""Who may do anything; comes in without a password."""

_CONF = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_connections = 60
shared_buffers = 32MB
autovacuum = off
log_min_messages = warning
"""
_HBA = """
host all guarded 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
"""


class Absent(Exception):
    """No server can be started here; the message says why."""


class Server:
    """A running server. Databases are made from one that is an empty library, so that each costs no migration."""

    def __init__(self) -> None:
        if os.name != "posix":
            raise Absent("the tests start PostgreSQL only where there are POSIX processes")
        self._programs = _programs()
        self._user = _user()
        self.folder = Path(tempfile.mkdtemp(prefix="mien-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0
        self._shared = ""
        try:
            self.give(self.folder)
            # A password file for the way in that asks for one.
            made = ["--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust", "--username", OWNER]
            self._call(["initdb", *made, "-D", str(self.data)])
            self.port = _free_port()
            with (self.data / "postgresql.conf").open("a") as conf:
                conf.write(f"{_CONF}port = {self.port}\n")
            (self.data / "pg_hba.conf").write_text(_HBA)
            self.start()
            self.sql("CREATE ROLE guarded LOGIN PASSWORD 'right'")
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The server's process; each connection has a child of it."""
        assert self._process is not None
        return self._process.pid

    @property
    def data(self) -> Path:
        """The cluster's folder."""
        return self.folder / "data"

    def url(self, database: str, user: str = OWNER) -> str:
        """Where a library is, as `--library` takes it."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def library(self) -> str:
        """The URL of a new, empty library."""
        if not self._made:
            from mien.library import Library

            Library(self.database()).close()
            self.sql("ALTER DATABASE made1 RENAME TO empty_library")
        return self.database("empty_library")

    def emptied(self) -> str:
        """The URL of one library that is emptied each time: what a test that looks only at media can share."""
        if not self._shared:
            self._shared = self.library()
        self.sql("DELETE FROM medium", self._shared)
        return self._shared

    def database(self, template: str = "template0") -> str:
        """The URL of a new database."""
        self._made += 1
        self.sql(f"CREATE DATABASE made{self._made} TEMPLATE {template}")
        return self.url(f"made{self._made}")

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement as the owner; `database` may be a library's URL."""
        import psycopg

        where = database if "://" in database else self.url(database)
        with psycopg.connect(where, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def give(self, folder: Path) -> None:
        """Let the server use a folder."""
        folder.chmod(0o700)
        if self._user is not None:
            shutil.chown(folder, self._user)

    def start(self) -> None:
        """Start it and wait until it answers."""
        import psycopg

        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self.data],
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_us,
                **self._rights(),
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise Absent(f"PostgreSQL does not start: {(self.folder / 'log').read_text()[-500:]}") from None
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT drops every connection, SIGQUIT leaves everything as a crash would."""
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def close(self) -> None:
        """Stop it and remove all of it."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _call(self, command: list[str]) -> None:
        command = [str(self._programs / command[0]), *command[1:]]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **self._rights())
        if done.returncode:
            raise Absent(f"PostgreSQL cannot make a cluster: {done.stderr[-300:]}")

    def _rights(self) -> dict[str, object]:
        if self._user is None:
            return {"cwd": self.folder}
        import pwd

        entry = pwd.getpwnam(self._user)
        return {"cwd": self.folder, "user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _programs() -> Path:
    """The folder of the newest server that is installed."""
    found = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    debian = Path("/usr/lib/postgresql")
    if debian.is_dir():
        found += sorted((f / "bin" for f in debian.iterdir()), key=lambda f: f.parent.name.zfill(4), reverse=True)
    for folder in found:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    raise Absent("PostgreSQL is not installed (on Debian: apt-get install postgresql)")


def _user() -> str | None:
    """Whom the server runs as; None for ourselves."""
    if os.geteuid() != 0:
        return None
    import pwd

    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            pwd.getpwnam(name)
            return name
    raise Absent("PostgreSQL does not run as root, and there is no other user")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_with_us() -> None:
    """Tests that are killed leave no server behind (Linux: PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)

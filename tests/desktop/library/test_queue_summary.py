"""The queue's summary with real workers: what `mien scan` writes of the same files, and one sentence where nothing can be."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from mien.batch import summary as tables
from mien.batch.find import MARKER, Unread
from mien.batch.places import OutFolder
from mien.engine.choice import Choice
from mien_desktop.library import item as kept
from mien_desktop.library.item import Kept, QueueItem
from mien_desktop.library.queue import Queue
from mien_desktop.library.queue_view import QueueWindow
from mien_desktop.library.summary import SummaryDialog
from mien_desktop.look.palette import DARK, LIGHT
from mien_desktop.look.style import dress
from mien_desktop.work.scanner import Scanner

from .conftest import WAIT, MakeQueue, settled

Show = Callable[[Queue], QueueWindow]
NAMES = ("summary.csv", "summary.html", "summary.parquet")
BOTH = Choice(analyzers=("slow", "fussy"), fusion="", device="cpu", threads=1)


@pytest.fixture
def queues(scanner: Scanner, tmp_path: Path) -> Iterator[Callable[[str], Queue]]:
    """Makes queues, each kept in a file of that name, that read with both plugins."""
    made: list[Queue] = []

    def make(name: str) -> Queue:
        made.append(Queue(scanner, lambda: BOTH, tmp_path / f"{name}.json"))
        return made[-1]

    yield make
    for queue in made:
        queue.shutdown()


def asked(qtbot: QtBot, window: QueueWindow) -> SummaryDialog:
    """The dialog, once it knows what can be ranked by."""
    window.activateWindow()  # shortcuts belong to the active window
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT)
    QTest.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: window.summary is not None and window.summary.isVisible(), timeout=WAIT)
    dialog = window.summary
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.start.isEnabled() and dialog.start.isVisible(), timeout=WAIT)
    return dialog


def write(qtbot: QtBot, window: QueueWindow, rank: str, out: Path) -> list[Path]:
    """Have a summary written; the tables, without the page, which has a date."""
    dialog = asked(qtbot, window)
    dialog.rank.setEditText(rank)
    dialog.folder.setText(str(out))
    with qtbot.waitSignal(dialog.written, timeout=WAIT) as told:
        dialog.start.click()
    assert sorted(path.name for path in told.args[0]) == list(NAMES)
    assert sorted(path.name for path in out.iterdir()) == [MARKER, *NAMES]
    assert dialog.said == "Written: summary.html, summary.csv, summary.parquet."
    dialog.close()
    return [path for path in told.args[0] if path.suffix != ".html"]


def refused(qtbot: QtBot, dialog: SummaryDialog) -> str:
    with qtbot.waitSignal(dialog.failed, timeout=WAIT) as told:
        dialog.start.click()
    assert dialog.said == told.args[0]
    assert "\n" not in dialog.said
    assert dialog.start.isVisible()
    assert dialog.start.isEnabled()
    assert not dialog.shown.isVisible()
    return str(told.args[0])


def rows(out: Path) -> dict[str, dict[str, str]]:
    with (out / "summary.csv").open(newline="", encoding="utf-8") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def scan(folder: Path, shelf: Path, rank: str, out: Path) -> list[bytes]:
    """What the command line writes."""
    options = ["--plugins", "slow,fussy", "--fusion", "none", "--device", "cpu", "--threads", "1", "--follow-links"]
    command = [sys.executable, "-c", "from mien.cli.app import main; main()", "scan", str(folder), *options]
    command += ["--library", str(shelf), "--rank", rank, "--out", str(out), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1, done.stderr  # some failed
    return [(out / name).read_bytes() for name in NAMES if not name.endswith("html")]


def test_it_is_what_mien_scan_writes_of_the_same_files(
    qtbot: QtBot, queues: Callable[[str], Queue], show: Show, folder: Path, make_clip: Any, shelf: Path, tmp_path: Path
) -> None:
    (folder / "sub").mkdir()
    make_clip(folder / "talk.mp4", 1.6)
    (folder / "talk.en.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")
    make_clip(folder / "sub" / "odd one.m4a", 2.1, video=False)
    make_clip(folder / "silent.mp4", 1.0, audio=False)
    (folder / "bad.mp4").write_bytes(b"no medium at all")
    (folder / "copy.mp4").symlink_to("talk.mp4")
    (tmp_path / "other").mkdir()
    make_clip(tmp_path / "other" / "far.m4a", 1.2, video=False)
    (folder / "there").symlink_to(tmp_path / "other")
    (folder / "there" / "back").symlink_to(folder)

    queue = queues("first")
    window = show(queue)
    window.terms.follow.setChecked(True)
    window.add([folder])
    qtbot.waitUntil(partial(settled, queue, 6), timeout=WAIT)
    written = [path.read_bytes() for path in write(qtbot, window, "highest level", tmp_path / "ours")]
    assert written == scan(folder, shelf, "highest level", tmp_path / "theirs")
    told = rows(tmp_path / "ours")
    assert {name: row["state"] for name, row in told.items()} == {
        "bad.mp4": "failed",
        "copy.mp4": "done",
        "silent.mp4": "failed",
        "sub/odd one.m4a": "some failed",
        "talk.mp4": "done",
        "there/far.m4a": "done",
    }
    assert "it is too odd" in told["sub/odd one.m4a"]["reason"]
    assert told["talk.mp4"]["subtitles"] == "talk.en.srt"
    assert [row["rank"] for row in told.values()] == ["1", "2", "3", "4", "", ""]

    # A queue that is read from its file writes the same, even of files that have gone away; ranked by something else too.
    theirs = scan(folder, shelf, "lowest level", tmp_path / "lowest theirs")
    queue.shutdown()
    again = queues("first")
    other = show(again)
    (tmp_path / "other" / "far.m4a").unlink()
    assert [path.read_bytes() for path in write(qtbot, other, "highest level", tmp_path / "again")] == written
    assert [path.read_bytes() for path in write(qtbot, other, "lowest level", tmp_path / "lowest")] == theirs
    assert again.summary == ("lowest level", str(tmp_path / "lowest"))


def test_a_queue_takes_what_a_scan_has_done(
    qtbot: QtBot, queues: Callable[[str], Queue], show: Show, folder: Path, make_clip: Any, shelf: Path, tmp_path: Path
) -> None:
    make_clip(folder / "one.m4a", 1.7, video=False)
    make_clip(folder / "odd.m4a", 2.2, video=False)
    theirs = scan(folder, shelf, "level above -90 for 0.6 s", tmp_path / "theirs")
    queue = queues("second")
    window = show(queue)
    window.add([folder])
    qtbot.waitUntil(partial(settled, queue, 2), timeout=WAIT)
    ours = write(qtbot, window, "level above -90 for 0.6 s", tmp_path / "ours")
    assert [path.read_bytes() for path in ours] == theirs


class Browser(QObject):
    """Is asked for pages in place of the system's browser."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[QUrl] = []

    @Slot(QUrl)
    def take(self, url: QUrl) -> None:
        self.opened.append(url)


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Takes what is opened."""
    made = Browser()
    QDesktopServices.setUrlHandler("file", made, "take")  # type: ignore[arg-type]  # what the stub asks for is refused
    yield made
    QDesktopServices.unsetUrlHandler("file")


@pytest.fixture
def waiting(make_queue: MakeQueue, show: Show, folder: Path, tmp_path: Path, qtbot: QtBot) -> QueueWindow:
    """The window over a paused queue with media that wait, one that failed and a folder that was shut."""
    items = [
        QueueItem(folder / "later.m4a", "waiting", seconds=4.0, root=folder),
        QueueItem(folder / "bad.mp4", "failed", "It is =no medium.", root=folder),
    ]
    unread = {folder: (Unread(folder / "shut", "The folder cannot be read (permission denied)."),)}
    kept.save(Kept(tuple(items), unread=unread), tmp_path / "queue.json")
    (folder / "later.m4a").write_bytes(b"none")
    return show(make_queue())


def test_what_waits_and_what_failed_is_told_and_the_page_opens(
    qtbot: QtBot, waiting: QueueWindow, folder: Path, tmp_path: Path, browser: Browser
) -> None:
    """By the keyboard alone."""
    dialog = asked(qtbot, waiting)
    assert dialog.rank.hasFocus()
    assert dialog.rank.currentText() == "highest level"  # what makes sense stands there
    assert [dialog.rank.itemText(n) for n in range(dialog.rank.count())] == ["highest level", "lowest level"]
    assert dialog.folder.text() == str(folder.parent / "clips-mien")
    QTest.keyClick(dialog.rank, Qt.Key.Key_Down)
    assert dialog.rank.currentText() == "lowest level"
    QTest.keyClick(dialog.rank, Qt.Key.Key_Tab)
    assert dialog.folder.hasFocus()
    dialog.folder.selectAll()
    QTest.keyClicks(dialog.folder, str(tmp_path / "new" / "out"))
    with qtbot.waitSignal(dialog.written, timeout=WAIT):
        QTest.keyClick(dialog.folder, Qt.Key.Key_Return)
    told = rows(tmp_path / "new" / "out")
    assert {name: (row["state"], row["reason"]) for name, row in told.items()} == {
        "later.m4a": ("not analysed", ""),
        "bad.mp4": ("failed", "It is =no medium."),
    }
    assert told["later.m4a"]["seconds"] == "4.000000"
    page = (tmp_path / "new" / "out" / "summary.html").read_text(encoding="utf-8")
    assert "The folder cannot be read (permission denied)." in page
    assert dialog.shown.hasFocus()
    QTest.keyClick(dialog.shown, Qt.Key.Key_Return)
    assert [url.toLocalFile() for url in browser.opened] == [str(tmp_path / "new" / "out" / "summary.html")]
    assert waiting.queue.summary == ("lowest level", str(tmp_path / "new" / "out"))
    # Return writes again once something else is asked for.
    dialog.rank.setFocus()
    QTest.keyClick(dialog.rank, Qt.Key.Key_Up)
    with qtbot.waitSignal(dialog.written, timeout=WAIT):
        QTest.keyClick(dialog.rank, Qt.Key.Key_Return)
    assert waiting.queue.summary == ("highest level", str(tmp_path / "new" / "out"))
    assert len(browser.opened) == 1
    waiting.queue.shutdown()
    assert kept.load(tmp_path / "queue.json").rank == "highest level"


@pytest.fixture
def deep(folder: Path) -> Iterator[Path]:
    """A folder in `folder` that nobody can read by its name: it is longer than names may be."""
    name = "d" * 240
    at = os.open(folder, os.O_RDONLY)
    for _ in range(18):
        os.mkdir(name, dir_fd=at)
        below = os.open(name, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    yield folder / name
    shutil.rmtree(folder / name)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other limits")
def test_a_folder_that_cannot_be_read_is_a_failure_too(
    qtbot: QtBot, make_queue: MakeQueue, show: Show, folder: Path, deep: Path, tmp_path: Path
) -> None:
    (folder / "a.m4a").write_bytes(b"none")
    queue = make_queue()
    window = show(queue)
    window.add([folder])
    qtbot.waitUntil(partial(settled, queue, 1), timeout=WAIT)
    assert "The folder cannot be read (file name too long)" in window.error
    write(qtbot, window, "", tmp_path / "out")
    page = (tmp_path / "out" / "summary.html").read_text(encoding="utf-8")
    assert "The folder cannot be read (file name too long)" in page
    assert list(rows(tmp_path / "out")) == ["a.m4a"]
    queue.shutdown()
    again = make_queue()
    assert again.unread == queue.unread != ()
    again.remove([folder / "a.m4a"])
    assert again.unread == ()


def test_a_rank_that_cannot_be_understood_is_one_sentence_under_its_line(
    qtbot: QtBot, waiting: QueueWindow, tmp_path: Path
) -> None:
    dialog = asked(qtbot, waiting)
    dialog.folder.setText(str(tmp_path / "out"))
    for text, says in (
        ("highest levl", "None of the chosen plugins reads “levl”; did you mean level?"),
        ("who shouts", "Nothing can be ranked by 'who shouts'; write for example"),
        ("level above", "a number must follow"),
    ):
        dialog.rank.setEditText("")
        QTest.keyClicks(dialog.rank, text)
        assert dialog.rank.currentText() == text  # nothing is added to what is typed
        assert dialog.rank.wrong
        assert dialog.wrong == ""
        QTest.keyClick(dialog.rank, Qt.Key.Key_Return)
        assert says in dialog.wrong
        assert "\n" not in dialog.wrong
        assert dialog.rank.hasFocus()
    QTest.qWait(50)
    assert not dialog.job.runs
    assert not (tmp_path / "out").exists()
    dialog.folder.clear()
    assert not dialog.start.isEnabled()
    dialog.folder.setText(str(tmp_path / "out"))
    dialog.rank.setEditText("")  # as without --rank
    with qtbot.waitSignal(dialog.written, timeout=WAIT):
        dialog.start.click()
    assert not [row["value"] for row in rows(tmp_path / "out").values() if row["value"]]


def test_a_folder_that_cannot_be_written_is_one_sentence_and_costs_nothing(
    qtbot: QtBot, waiting: QueueWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    write(qtbot, waiting, "highest level", out)
    before = {name: (out / name).read_bytes() for name in NAMES}
    dialog = asked(qtbot, waiting)
    dialog.rank.setEditText("lowest level")
    with OutFolder(out):
        assert "Another scan writes to this folder" in refused(qtbot, dialog)
    (out / MARKER).unlink()
    (out / MARKER).symlink_to(tmp_path / "elsewhere")
    assert "The folder cannot be written" in refused(qtbot, dialog)
    assert not (tmp_path / "elsewhere").exists()
    (out / MARKER).unlink()
    if os.path.exists("/dev/full"):
        monkeypatch.setattr(tables.secrets, "token_hex", lambda _: "0000")
        (out / ".part-0000-summary.html").symlink_to("/dev/full")
        monkeypatch.setattr("mien.batch.sum_up.sweep", lambda folder: None)  # it would take the link away
        assert "The disk is full; free some space" in refused(qtbot, dialog)
    assert {name: (out / name).read_bytes() for name in NAMES} == before

    (tmp_path / "file").write_text("mine")
    dialog.folder.setText(str(tmp_path / "file"))
    assert "This is a file; name a folder" in refused(qtbot, dialog)
    dialog.folder.setText(str(tmp_path / "file" / "below"))
    assert "The folder cannot be written" in refused(qtbot, dialog)
    assert (tmp_path / "file").read_text() == "mine"
    # A link in a table's place is replaced, and what it leads to left alone.
    (out / "summary.csv").unlink()
    (out / "summary.csv").symlink_to(tmp_path / "file")
    dialog.folder.setText(str(out))
    with qtbot.waitSignal(dialog.written, timeout=WAIT):
        dialog.start.click()
    assert not (out / "summary.csv").is_symlink()
    assert (tmp_path / "file").read_text() == "mine"


def test_what_cannot_be_read_by_is_told(qtbot: QtBot, scanner: Scanner, show: Show, tmp_path: Path) -> None:
    kept.save(Kept((QueueItem(tmp_path / "a.m4a", "failed", "No."),)), tmp_path / "queue.json")
    queue = Queue(scanner, lambda: Choice(analyzers=("nobody",), fusion="", device="cpu"), tmp_path / "queue.json")
    window = show(queue)
    dialog = window.sum_up()
    qtbot.waitUntil(lambda: "nobody" in dialog.said, timeout=WAIT)
    assert not dialog.start.isEnabled()
    queue.remove([item.path for item in queue.items])
    qtbot.waitUntil(lambda: not window.head.summary.isEnabled(), timeout=WAIT)
    queue.shutdown()


def test_it_is_stopped_or_ended_at_any_moment(
    qtbot: QtBot, make_queue: MakeQueue, show: Show, folder: Path, tmp_path: Path
) -> None:
    """What is left of threads and windows fails every test here."""
    items = [QueueItem(folder / f"{n}.m4a", "failed", "No.", root=folder) for n in range(20_000)]
    kept.save(Kept(tuple(items)), tmp_path / "queue.json")
    window = show(make_queue())
    dialog = asked(qtbot, window)
    dialog.folder.setText(str(tmp_path / "out"))
    dialog.start.click()
    assert dialog.job.writes
    assert not dialog.rank.isEnabled()
    dialog.cancel.click()
    qtbot.waitUntil(lambda: not dialog.job.runs, timeout=WAIT)
    stopped = dialog.said.startswith("Stopped")
    assert stopped == (not (tmp_path / "out" / "summary.html").exists())
    dialog.start.click()
    window.shutdown()
    assert not dialog.job.runs
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".part")]


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_everything_has_its_place_and_says_what_it_is(qtbot: QtBot, waiting: QueueWindow, scale: float) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    dress(app, DARK, scale)
    waiting.resize(1280, 720)
    dialog = asked(qtbot, waiting)
    dialog.rank.setEditText("who shouts")
    dialog.start.click()
    QTest.qWait(50)
    assert (waiting.width(), waiting.height()) == (1280, 720)
    assert dialog.minimumSizeHint().width() <= 1240
    for window in (waiting, dialog):
        parts: list[QWidget] = []
        for kind in (QAbstractButton, QComboBox, QLineEdit):
            parts += [part for part in window.findChildren(kind) if part.isVisible() and part.window() is window]
        assert len(parts) > 4
        for part in parts:
            place = part.rect().translated(part.mapTo(window, part.rect().topLeft()))
            assert window.rect().contains(place), part.accessibleName()
            if not isinstance(part.parent(), QComboBox | QSpinBox):
                assert part.width() >= part.minimumSizeHint().width(), part.accessibleName()
                assert part.accessibleName()
                assert part.toolTip()
                assert part.focusPolicy() & Qt.FocusPolicy.TabFocus
    take, place = waiting.terms.include, waiting.terms.include.placeholderText()
    assert take.width() > take.fontMetrics().horizontalAdvance(place)
    waiting.wear(LIGHT)
    assert not dialog.grab().isNull()

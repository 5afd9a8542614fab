"""The main window: welcome page or workspace, one playhead for all of it."""

from __future__ import annotations

import os
import sys
from importlib.resources import files
from pathlib import Path

from PySide6.QtCore import QByteArray, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QFileDialog, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from mien.engine.choice import Choice
from mien.engine.registry import Registry
from mien.exchange.text import one_line
from mien_desktop.look.style import palette_for
from mien_desktop.look.wardrobe import Wardrobe
from mien_desktop.settings.keys import bind
from mien_desktop.shell import state as states
from mien_desktop.shell.actions import Actions
from mien_desktop.shell.arrangement import Arrangement
from mien_desktop.shell.choosing import Choosing
from mien_desktop.shell.conduct import Conductor
from mien_desktop.shell.keytips import KeyTips
from mien_desktop.shell.message import MessageBar
from mien_desktop.shell.moving import LibraryMove
from mien_desktop.shell.opener import Opener
from mien_desktop.shell.rooms import Rooms, load_queue
from mien_desktop.shell.spacebar import Spacebar
from mien_desktop.shell.status import StatusBar
from mien_desktop.shell.supply import Supply
from mien_desktop.shell.toolbar import ToolBar
from mien_desktop.shell.workspace import Workspace
from mien_desktop.welcome.page import WelcomePage, dropped_paths

LATER = 1500
"""ms after which the window loads what is not asked for at once."""

HAND_OVER = 0.0005
"""s; a thread that decodes or imports gives way to the window after that. Qt's painting lets go of the interpreter dozens of
times, and waited for it ten times as long each time by Python's own interval."""


class MainWindow(QMainWindow):
    """The application's window.

    Args:
        library: place of the library, None for the one that the settings name.
    """

    def __init__(self, library: str | None = None) -> None:
        super().__init__()
        sys.setswitchinterval(HAND_OVER)
        self.state = states.load()
        self.library_asked_for = library
        self.registry = Registry.load()
        self.conductor = Conductor(self.registry, library, self)
        self.document = self.conductor.document
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        self._scheme = app.styleHints().colorScheme()
        self.palette_ = palette_for(self.state.theme, self._scheme)
        self.wardrobe = Wardrobe(app, self.palette_, self.state.text_scale, self)
        self._closed = False
        self._told = ""  # of the open medium's damage

        self.tools = ToolBar(self.registry, self.palette_)
        self.message = MessageBar(self.palette_)
        self.welcome = WelcomePage(self.palette_)
        self.workspace = Workspace(self.conductor, self.registry, self.state, self.palette_)
        self.foot = StatusBar(self.document, self.palette_)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(self.workspace)
        middle = QWidget()
        box = QVBoxLayout(middle)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        for widget, stretch in ((self.tools, 0), (self.message, 0), (self.pages, 1), (self.foot, 0)):
            box.addWidget(widget, stretch)
        self.setCentralWidget(middle)
        self._clothe()
        self.setMinimumSize(1024, 640)
        self.resize(1440, 900)
        self.setAcceptDrops(True)
        self.setWindowTitle("Mien")
        self.actions_ = Actions(self)
        self.rooms, self.supply, self.opener = Rooms(self), Supply(self), Opener(self)
        self.library_move, self.choosing = LibraryMove(self), Choosing(self)
        bind(self.actions_.actions)
        self.key_tips = KeyTips(self, self.actions_.actions)
        self._spacebar = Spacebar(self)
        self._leave_full_screen = QShortcut(QKeySequence("Esc"), self, self.toggle_full_screen)
        self._leave_full_screen.setEnabled(False)
        self._connect()
        self._restore()
        self.arrangement = Arrangement(self)
        self.welcome.show_recent(self.state.recent)
        self.supply.show()
        QTimer.singleShot(0, self._later)
        late = QTimer(self, singleShot=True, interval=LATER)
        late.timeout.connect(self._load_ahead)
        late.start()

    # -- set-up -------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        conductor, tools = self.conductor, self.tools
        tools.open_asked.connect(self.ask_open)
        tools.analyse_asked.connect(conductor.analyse)
        tools.cancel_asked.connect(conductor.cancel)
        tools.fusion_chosen.connect(self.choosing.choose_fusion)
        tools.compare_chosen.connect(self.choosing.compare_with)
        tools.device_chosen.connect(self.choosing.choose_device)
        tools.export_asked.connect(self.show_export)
        tools.library_asked.connect(lambda: self.show_library())
        tools.search_asked.connect(self.show_library)
        tools.settings_asked.connect(lambda: self.show_settings())
        conductor.trouble.connect(self._trouble)
        conductor.earlier_found.connect(tools.set_earlier)
        conductor.analysing.connect(self._analysing)
        conductor.cancelling.connect(tools.set_cancelling)
        conductor.noted.connect(self.foot.say)
        conductor.silent.connect(self._silent)
        history = self.workspace.events.history
        history.pending.connect(self.foot.show_pending)
        history.lost.connect(self.foot.show_lost)
        self.document.opened.connect(self.foot.forget_changes)
        self.document.opened.connect(self._opened)
        self.document.described.connect(self._described)
        self.welcome.open_asked.connect(self.ask_open)
        self.welcome.chosen.connect(self.open)
        self.welcome.dropped.connect(self.open_all)
        self.welcome.demo_asked.connect(self.open_demo)
        self.welcome.settings_asked.connect(self.show_settings)
        self.welcome.library_asked.connect(self.show_library)
        self.workspace.trouble.connect(lambda text: self.message.tell(text))
        self.workspace.noted.connect(self.foot.note)
        self.workspace.full_screen_asked.connect(self.toggle_full_screen)
        self.workspace.sample_asked.connect(self.play_sample)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.styleHints().colorSchemeChanged.connect(self._follow_system)

    def _load_ahead(self) -> None:
        """Somebody looks at the window: the worker, which takes seconds to load, and what the queue needs, a tenth of one."""
        self.conductor.background.run(load_queue)
        self.conductor.warm_up()

    def _later(self) -> None:
        """What may wait until the window stands."""
        if self._closed:
            return
        self.supply.look()

    def _restore(self) -> None:
        if self.state.geometry:
            self.restoreGeometry(QByteArray.fromBase64(self.state.geometry.encode()))
        self.workspace.restore(self.state)

    # -- opening ------------------------------------------------------------------------------------------------

    def ask_open(self) -> None:
        """Let the user choose a file."""
        start = str(Path(self.state.recent[0]).parent) if self.state.recent else os.path.expanduser("~")
        name, _ = QFileDialog.getOpenFileName(self.tools, "Open a video or a sound file", start)
        if name:
            self.open(Path(name))

    def open_demo(self) -> None:
        """Open the clip that comes with Mien."""
        self.open(Path(str(files("mien_resources") / "demo" / "demo.mp4")))

    def open(self, path: Path, at: float | None = None) -> None:
        """Open a medium and go to a moment, in s; a folder goes to the queue. What is wrong is told in the window."""
        self.opener.open(Path(path), None if at is None else lambda: self.workspace.player.seek(at))

    def open_all(self, paths: list[Path]) -> None:
        """Open one medium; several go to the queue."""
        if len(paths) == 1:
            self.open(paths[0])
        else:
            self.rooms.show_queue().add(paths)

    def _opened(self) -> None:
        path, self._told = self.document.path, ""
        self.tools.set_medium(path is not None)
        self.tools.set_compared("")
        self.show_workspace()
        if path is not None:
            self.workspace.timeline.setFocus()  # or Space would press the button that was pressed last
        self.setWindowTitle(f"{one_line(path.name)} – Mien" if path is not None else "Mien")

    def play_sample(self, path: Path, start: float, end: float) -> None:
        """Play a stretch of a medium, in s, which is opened first if it is another one."""
        self.opener.open(path, lambda: self.workspace.play_sample(start, end))

    def close_medium(self) -> None:
        """Back to the welcome page; the analysis is cancelled, what is complete is kept."""
        self.opener.give_up()
        self.conductor.close_medium()
        self.message.clear()

    def dress(self) -> None:
        """Style, lay out and draw the page of the open medium once before there is one: it takes longest the first time, and
        whoever opens a medium waits for it."""
        self.workspace.resize(self.pages.size())
        self.workspace.grab()

    def show_workspace(self) -> None:
        """Turn to the open medium, or to the welcome page."""
        self.pages.setCurrentWidget(self.workspace if self.document.path is not None else self.welcome)

    def show_library(self, words: str = "") -> None:
        """Turn to the library; once more turns back."""
        if not words and self.pages.currentWidget() is self.rooms.library:
            self.show_workspace()
        else:
            self.rooms.show_library(words)

    def show_queue(self) -> None:
        """Open the queue's window."""
        self.rooms.show_queue()

    def show_export(self) -> None:
        """Open the export's window, when there is something to export."""
        if self.document.path is not None and self.document.readings.parts:
            self.rooms.show_export()
        else:
            self.message.tell("There is nothing to export yet; open a medium and analyse it first.")

    def show_settings(self, page: str = "") -> None:
        """Open the settings at a page."""
        self.rooms.show_settings(page)

    def reopen(self, at: float) -> None:
        """Show what the library, another one than before, holds of the open medium; the playhead stays at `at`, in s."""
        self.opener.reopen(lambda: self.workspace.player.seek(at))

    def _described(self) -> None:
        """What is wrong with the medium, in one line and once; what the library says of it is known from then."""
        told = "; ".join(self.document.problems) or self.document.partial
        if told and told != self._told:
            self._told = told
            self.message.tell(told)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files are welcome everywhere."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        paths = dropped_paths(event)
        if paths:
            event.acceptProposedAction()
            self.open_all(paths)

    # -- what the conductor tells -------------------------------------------------------------------------------

    def choose(self, choice: Choice) -> None:
        """Analyse so from now on; what is wrong with the choice is told. Other plugins or parameters are a step to undo."""
        self.choosing.choose(choice)

    @property
    def devices(self) -> list[tuple[str, str]]:
        """Devices that work: (device, its real name); empty while that is being found out."""
        return self.supply.devices

    def _trouble(self, text: str, worker_died: bool) -> None:
        if worker_died:
            self.foot.say("worker: stopped")
            self.message.tell(text, "Restart", self.conductor.restart)
        else:
            self.message.tell(text)

    def _silent(self) -> None:
        self.message.tell(
            "The worker has said nothing for a minute: it may hang. What is complete is kept.",
            "Restart",
            self.conductor.restart,
        )

    def _analysing(self, analysing: bool) -> None:
        self.tools.set_analysing(analysing)
        self.foot.say("worker: analysing" if analysing else "")

    # -- look ---------------------------------------------------------------------------------------------------

    def set_theme(self, theme: str) -> None:
        """Light, dark or as the system; at once."""
        self._remember(self.state.model_copy(update={"theme": theme}))
        self._dress()

    def set_text_scale(self, scale: float) -> None:
        """Size of the text; at once."""
        self._remember(self.state.model_copy(update={"text_scale": scale}))
        self._dress()

    def _follow_system(self, scheme: Qt.ColorScheme) -> None:
        """The system is light now, or dark."""
        self._scheme = scheme
        if self.state.theme == "system" and not self._closed:
            self._dress()

    def _dress(self) -> None:
        self.palette_ = palette_for(self.state.theme, self._scheme)
        self.wardrobe.change(self.palette_, self.state.text_scale)
        self.rooms.wear(self.palette_)

    def _clothe(self) -> None:
        for part in (self.tools, self.message, self.welcome, self.foot):
            self.wardrobe.add(part, part.wear)
        self.wardrobe.add(self.menuBar())
        self.workspace.dress(self.wardrobe)

    def toggle_full_screen(self) -> None:
        """The picture over the whole screen, or the window again."""
        full = not self.isFullScreen()
        if full and self.document.path is None:
            return
        self.show_workspace()
        for widget in (self.menuBar(), self.tools, self.foot):
            widget.setVisible(not full)
        self._leave_full_screen.setEnabled(full)
        self.workspace.show_picture_only(full)
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    # -- the end ------------------------------------------------------------------------------------------------

    def remember_recent(self, path: Path) -> None:
        """It was opened last."""
        self._remember(states.with_recent(self.state, path))
        self.welcome.show_recent(self.state.recent)

    def keep_arrangement(self) -> None:
        """Write lanes, sizes and loudness as they are now."""
        now = self.workspace.remember(self.state)
        if now != self.state and not self._closed:
            self._remember(now)

    def _remember(self, state: states.WindowState) -> None:
        self.state = state
        states.save(state)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Keep sizes, end threads and the worker."""
        self.shutdown()
        event.accept()

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self._closed

    def shutdown(self) -> None:
        """End everything that runs beside the window; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self.arrangement.stop()
        self._remember(self.workspace.remember(self.state))
        if self.isFullScreen():
            self.toggle_full_screen()  # the next start is no full screen
        geometry = bytes(self.saveGeometry().toBase64().data()).decode()
        self._remember(self.state.model_copy(update={"geometry": geometry}))
        self.hide()  # at once: what has to be waited for is nothing to look at
        self.wardrobe.shutdown()
        self.supply.finder.stop()
        self.opener.files.close()
        self.welcome.shutdown()
        self.rooms.shutdown()
        self.workspace.shutdown()
        self.conductor.close()

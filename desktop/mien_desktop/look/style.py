"""The style sheet and Qt's own palette, made from a `Palette` and a text size."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from mien_desktop.look.palette import DARK, LIGHT, Palette

TEXT = 13
"""Size of text in pixels at 100 %."""


def palette_for(theme: str, scheme: Qt.ColorScheme) -> Palette:
    """The palette of a theme: "light", "dark", or "system" for the system's scheme, dark where that is not known."""
    if theme == "system":
        return LIGHT if scheme == Qt.ColorScheme.Light else DARK
    return LIGHT if theme == "light" else DARK


def dress(app: QApplication, palette: Palette, scale: float = 1.0) -> None:
    """Give everything a palette and a text size in one go, for widgets that stand alone; windows have a `Wardrobe`."""
    app.setStyleSheet("")
    ground(app, palette, scale)
    app.setStyleSheet(sheet(palette, scale))


def ground(app: QApplication, palette: Palette, scale: float = 1.0) -> None:
    """Give the application what widgets inherit without a style sheet: Qt's style, palette and font."""
    if app.style().objectName() != "fusion":
        app.setStyle("Fusion")
    app.setPalette(_qt(palette))
    font = app.font()
    font.setPixelSize(round(TEXT * scale))
    app.setFont(font)


def _qt(p: Palette) -> QPalette:
    qt = QPalette()
    role = QPalette.ColorRole
    for which, colour in (
        (role.Window, p.window), (role.WindowText, p.text), (role.Base, p.panel), (role.AlternateBase, p.raised),
        (role.ToolTipBase, p.raised), (role.ToolTipText, p.text), (role.Text, p.text), (role.Button, p.raised),
        (role.ButtonText, p.text), (role.BrightText, p.bad), (role.Highlight, p.accent),
        (role.HighlightedText, p.on_accent), (role.Link, p.focus), (role.PlaceholderText, p.faint),
    ):  # fmt: skip
        qt.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        qt.setColor(QPalette.ColorGroup.Disabled, which, QColor(p.faint))
    return qt


def sheet(p: Palette, scale: float = 1.0) -> str:
    """The style sheet of all standard widgets."""
    text, small, title = (round(size * scale) for size in (TEXT, TEXT - 1, TEXT + 9))
    pad = round(6 * scale)
    # Icons grow with the text beside them; those of the player's bar do as far as there is room under the picture.
    tool = round(16 * scale)
    icons = f"IconButton, QLineEdit QToolButton {{ qproperty-iconSize: {tool}px {tool}px; }}"
    if scale > 1.0:
        icons += f" QPushButton {{ icon-size: {round(18 * scale)}px; }}"
    return f"""
* {{ font-size: {text}px; }}
{icons}
QWidget {{ color: {p.text}; }}
QMainWindow, QDialog {{ background: {p.window}; }}
QToolTip {{ background: {p.raised}; color: {p.text}; border: 1px solid {p.line}; padding: 4px 6px; }}
QLabel[kind="dim"] {{ color: {p.dim}; }}
QLabel[kind="small"] {{ color: {p.dim}; font-size: {small}px; }}
QLabel[kind="title"] {{ font-size: {title}px; font-weight: 600; }}
QLabel[kind="heading"] {{ font-weight: 600; }}
QLabel[kind="bad"] {{ color: {p.bad}; }}
QFrame[kind="panel"] {{ background: {p.panel}; border: 1px solid {p.line}; border-radius: 6px; }}
QFrame[kind="bar"] {{ background: {p.panel}; border: none; border-bottom: 1px solid {p.line}; }}
QFrame[kind="foot"] {{ background: {p.panel}; border: none; border-top: 1px solid {p.line}; }}
QFrame[kind="message"] {{ background: {p.raised}; border: 1px solid {p.warn}; border-radius: 6px; }}
QPushButton, QToolButton {{
    background: {p.raised}; border: 1px solid {p.line}; border-radius: 5px; padding: {pad - 1}px {pad + 6}px; }}
QToolButton {{ padding: {pad - 2}px {pad}px; }}
QPushButton:hover, QToolButton:hover {{ background: {p.hover}; }}
QPushButton:pressed, QToolButton:pressed, QPushButton:checked, QToolButton:checked {{
    background: {p.hover}; border-color: {p.accent}; }}
QPushButton:disabled, QToolButton:disabled {{ color: {p.faint}; }}
QPushButton:focus, QToolButton:focus, QComboBox:focus, QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus {{
    border: 1px solid {p.focus}; }}
QPushButton[kind="primary"] {{ background: {p.accent}; color: {p.on_accent}; border-color: {p.accent}; font-weight: 600; }}
QPushButton[kind="primary"]:disabled {{ background: {p.raised}; color: {p.faint}; border-color: {p.line}; }}
QPushButton[kind="primary"]:focus {{ border: 1px solid {p.focus}; }}
QPushButton[kind="flat"], QToolButton[kind="flat"] {{ background: transparent; border: 1px solid transparent; }}
QPushButton[kind="flat"]:hover, QToolButton[kind="flat"]:hover {{ background: {p.hover}; }}
QPushButton[kind="flat"]:focus, QToolButton[kind="flat"]:focus {{ border: 1px solid {p.focus}; }}
QPushButton[kind="row"] {{ background: transparent; border: none; border-radius: 5px; text-align: left; padding: {pad}px; }}
QPushButton[kind="row"]:hover, QPushButton[kind="row"]:focus {{ background: {p.hover}; }}
QComboBox, QLineEdit, QSpinBox, QDoubleSpinBox, QPlainTextEdit, QTextEdit {{
    background: {p.raised}; border: 1px solid {p.line}; border-radius: 5px; padding: {pad - 2}px {pad}px;
    selection-background-color: {p.accent}; selection-color: {p.on_accent}; }}
QComboBox::drop-down {{ border: none; width: 20px; }}
QComboBox::down-arrow {{
    image: none; width: 0; height: 0; border-left: 4px solid {p.raised}; border-right: 4px solid {p.raised};
    border-top: 5px solid {p.dim}; margin-right: 8px; }}
QComboBox QAbstractItemView {{ background: {p.raised}; border: 1px solid {p.line}; selection-background-color: {p.accent}; }}
QTabWidget::pane {{ border: none; }}
QTabBar {{ qproperty-drawBase: 0; }}
QTabBar::tab {{
    background: transparent; color: {p.dim}; padding: {pad}px {pad + 6}px; border: none; border-bottom: 2px solid transparent; }}
QTabBar::tab:hover {{ color: {p.text}; }}
QTabBar::tab:selected {{ color: {p.text}; font-weight: 600; border-bottom: 2px solid {p.accent}; }}
QTabBar::tab:focus {{ color: {p.text}; border-bottom: 2px solid {p.focus}; }}
QProgressBar {{ background: {p.raised}; border: none; border-radius: 3px; text-align: center; max-height: 6px; }}
QProgressBar::chunk {{ background: {p.accent}; border-radius: 3px; }}
QSplitter::handle {{ background: transparent; }}
QSplitter::handle:hover {{ background: {p.line}; }}
QMenu {{ background: {p.raised}; border: 1px solid {p.line}; padding: 4px; }}
QMenu::item {{ padding: 5px 24px 5px 12px; border-radius: 4px; }}
QMenu::item:selected {{ background: {p.accent}; color: {p.on_accent}; }}
QMenu::item:disabled {{ color: {p.faint}; }}
QMenu::separator {{ height: 1px; background: {p.line}; margin: 4px 6px; }}
QMenuBar {{ background: {p.panel}; }}
QMenuBar::item {{ padding: 4px 8px; background: transparent; }}
QMenuBar::item:selected {{ background: {p.hover}; }}
QTableView, QListView, QTreeView {{
    background: {p.panel}; alternate-background-color: {p.panel}; border: none; gridline-color: {p.line};
    selection-background-color: {p.hover}; selection-color: {p.text}; outline: none; }}
QTableView::item, QListView::item {{ padding: 4px; border: none; }}
QTableView::item:selected, QListView::item:selected {{ background: {p.hover}; }}
QHeaderView::section {{
    background: {p.panel}; color: {p.dim}; border: none; border-bottom: 1px solid {p.line}; padding: 4px 6px; }}
QTableCornerButton::section {{ background: {p.panel}; border: none; }}
QScrollBar:vertical {{ background: transparent; width: 11px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 11px; margin: 0; }}
QScrollBar::handle {{ background: {p.line}; border-radius: 4px; min-height: 24px; min-width: 24px; margin: 2px; }}
QScrollBar::handle:hover {{ background: {p.faint}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QScrollArea {{ background: transparent; border: none; }}
QCheckBox, QRadioButton {{ spacing: 8px; }}
QSlider::groove:horizontal {{ background: {p.raised}; height: 4px; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {p.accent}; border-radius: 2px; }}
QSlider::handle:horizontal {{ background: {p.text}; width: 12px; height: 12px; margin: -4px 0; border-radius: 6px; }}
QSlider::handle:horizontal:focus {{ background: {p.focus}; }}
"""

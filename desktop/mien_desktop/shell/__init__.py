"""The main window around all rooms."""

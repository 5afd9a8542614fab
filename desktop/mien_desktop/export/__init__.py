"""Readings as files: which formats, of what, where to; written in the background."""

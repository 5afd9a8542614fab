"""Mien: what is said, how it is said, what the face shows and how heated the exchange is. Importing it imports no torch."""

from __future__ import annotations

__version__ = "0.1.0"

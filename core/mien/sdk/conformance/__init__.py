"""The conformance kit: what every plugin must stand, and how it is told. `mien plugins check` and the pytest plugin run it.

Here is what needs no engine: the findings, the material, and what a descriptor is asked. `mien.engine.conformance` runs plugins.
"""

from __future__ import annotations

from mien.sdk.conformance.report import Finding, Level, Report

__all__ = ["Finding", "Level", "Report"]

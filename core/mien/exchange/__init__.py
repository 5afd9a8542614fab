"""Results in other programs' formats.

`write.export` writes; `info` describes; each format has a module of its own.
"""

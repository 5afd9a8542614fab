"""What `mien plugins new` writes a plugin's project from: `common` and one folder for each kind.

Files end in `.in`; `@NAME@`, `@PACKAGE@`, `@CLASS@`, `@TITLE@`, `@ID@` and `@KIND@` in them, and `PACKAGE` in their paths, are
filled in (`mien/cli/plugins_new.py`).
"""

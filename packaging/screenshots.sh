#!/usr/bin/env bash
# Takes the pictures of the documents under a virtual X server where there is one (or one can be had), else offscreen.
set -euo pipefail
cd "$(dirname "$0")/.."
venv="${MIEN_VENV:-.venv}"
say() { printf 'mien: %s\n' "$*" >&2; }

if ! command -v Xvfb >/dev/null; then
    wanted=(xvfb)
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing ${wanted[*]}"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${wanted[@]}"; } >/dev/null 2>&1 || true
    else
        say "a virtual X server would need: sudo apt-get install ${wanted[*]}"
    fi
fi
if command -v Xvfb >/dev/null; then
    exec xvfb-run -a -s "-screen 0 1920x1200x24" env QT_QPA_PLATFORM=xcb "$venv/bin/python" packaging/screenshots.py "$@"
fi
say "no virtual X server: drawing offscreen"
QT_QPA_PLATFORM=offscreen exec "$venv/bin/python" packaging/screenshots.py "$@"

#!/usr/bin/env bash
# Makes the environment that the make targets use, or finds that it is there (then it answers at once).
# MIEN_VENV names another folder for it, so that several checkouts can share one.
set -euo pipefail
cd "$(dirname "$0")/.."
venv="${MIEN_VENV:-.venv}"
constraints=packaging/constraints.txt
extras="desktop,train,dev"
optional="ray,postgres" # for several computers: the tests of what is missing skip

say() { printf 'mien: %s\n' "$*" >&2; }

system_libraries() {
    # Qt's parts that its wheels leave to the system. All of them are optional: only the window needs them.
    [ "$(uname -s)" = Linux ] || return 0
    local missing=()
    has() { ldconfig -p 2>/dev/null | grep -q "$1" || [ -n "$(find /usr/lib /lib -maxdepth 3 -name "$1*" -print -quit 2>/dev/null)" ]; }
    has libpulse.so.0 || missing+=(libpulse0)
    has libEGL.so.1 || missing+=(libegl1)
    has libGL.so.1 || missing+=(libgl1)
    has libxkbcommon.so.0 || missing+=(libxkbcommon0)
    has libfontconfig.so.1 || missing+=(libfontconfig1)
    has libdbus-1.so.3 || missing+=(libdbus-1-3)
    has libxcb-cursor.so.0 || missing+=(libxcb-cursor0)
    has libxcb-icccm.so.4 || missing+=(libxcb-icccm4)
    has libxcb-keysyms.so.1 || missing+=(libxcb-keysyms1)
    has libxcb-shape.so.0 || missing+=(libxcb-shape0)
    has libxkbcommon-x11.so.0 || missing+=(libxkbcommon-x11-0)
    [ ${#missing[@]} -eq 0 ] && return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing ${missing[*]} (for the window's sound and picture)"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}"; } >/dev/null 2>&1 ||
            say "that did not work; analysis runs without, the window may not"
    else
        say "the window will need: sudo apt-get install ${missing[*]} (analysis runs without)"
    fi
}

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3.11 python3.12 python3; do
        [ -n "$candidate" ] && command -v "$candidate" >/dev/null || continue
        "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null || continue
        echo "$candidate"
        return
    done
    say "Python 3.11 or 3.12 is needed; install it or name it: make PYTHON=/path/to/python3.11"
    exit 1
}

wanted="$(cat pyproject.toml "$constraints" | sha256sum | cut -d' ' -f1)"
place="$(pwd -P)"
stamp="$venv/mien-stamp"
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted $place" ] && [ -x "$venv/bin/python" ]; then
    exit 0
fi
system_libraries
if [ ! -x "$venv/bin/python" ]; then
    python="$(find_python)"
    say "making the environment in $venv with $("$python" --version) (a few minutes, about 6 GB, once)"
    "$python" -m venv "$venv"
fi
if [ -f "$stamp" ] && [ "$(cut -d' ' -f1 "$stamp")" = "$wanted" ]; then
    say "the environment serves this checkout from now on"
    "$venv/bin/python" -m pip install -q --no-deps --no-build-isolation -e .
else
    say "installing what pyproject.toml names, in the versions of $constraints"
    "$venv/bin/python" -m pip install -q --prefer-binary -c "$constraints" setuptools wheel
    install() { "$venv/bin/python" -m pip install -q --prefer-binary --no-build-isolation -c "$constraints" -e ".[$1]"; }
    install "$extras,$optional" || {
        say "that did not work; once more without $optional"
        install "$extras"
    }
fi
printf '%s' "$wanted $place" >"$stamp"

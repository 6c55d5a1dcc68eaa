#!/usr/bin/env bash
# Finds Python and hands over to sdui/install.py, which installs what is missing and starts sdui.
#   ./webui.sh [options]                 the page; --help lists the options
#   ./webui.sh test [pytest arguments]   all tests
#   ./webui.sh bench [options]           measurements
#   ./webui.sh generate PROMPT...        draws pictures without the page
#   ./webui.sh verify FILE...            draws pictures again and says whether they come out the same
#   ./webui.sh merge MODEL...            makes a new checkpoint of others
# Environment: COMMANDLINE_ARGS, PYTHON, VENV_DIR, TORCH_COMMAND; README.md explains them.
set -eu
CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

usable() {
    version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || return 1
    case $version in
        3.1[1-9] | 3.[2-9][0-9]) ;;
        *) return 1 ;;
    esac
}

start() { exec "$1" -I sdui/install.py "${@:2}"; }

refuse() {
    cat >&2 <<EOF
sdui: $1 Install Python 3.11 or newer:
  Debian 12, Ubuntu 24.04 and later:  sudo apt-get install python3 python3-venv
  Ubuntu 22.04:                       sudo apt-get install python3.11 python3.11-venv
  Fedora:                             sudo dnf install python3.13
  macOS:                              brew install python@3.13
  others:                             https://www.python.org/downloads/
and start again, or name the one to use:  PYTHON=/path/to/python ./webui.sh
EOF
    exit 1
}

made=${VENV_DIR:-venv}/bin/python
if usable "$made"; then start "$made" "$@"; fi

if [ -n "${PYTHON:-}" ]; then
    if usable "$PYTHON"; then start "$PYTHON" "$@"; fi
    refuse "PYTHON=$PYTHON is ${version:+Python $version, }not a Python that sdui can use."
fi

for name in python3.13 python3.12 python3.11 python3 python; do
    if usable "$name"; then start "$name" "$@"; fi
done
refuse "No usable Python was found."

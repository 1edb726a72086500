#!/bin/bash
# get_real.sh DIR
#
# Programs of Debian, unpacked below DIR/root; nothing is installed: vim, gdb and PostgreSQL, which embed Python, and
# torch for Debian's Python. For `make real`. Needs a Debian machine with apt-get and dpkg-deb whose glibc is that of SUITE or later.
set -euo pipefail

[ $# -eq 1 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mkdir -p "$1"
DIR=$(cd "$1" && pwd)
SUITE=${SUITE:-bookworm}
. "$(dirname "$0")/debian.sh"

packages() { echo vim-nox gdb postgresql-plpython3-15 python3-torch; }

recipe() { cat "$0" "$(dirname "$0")/debian.sh" <(echo "$DIR" "$SUITE") | sha256sum; }

exec 9> "$DIR/.lock"
flock 9 # two runs at a time would unpack over each other
if [ "$(cat "$DIR/.made" 2>/dev/null)" != "$(recipe)" ]; then
    command -v dpkg-deb > /dev/null || fail "needs dpkg-deb"
    rm -rf "$APT" "$DIR/.made"
    prepare_apt
    private_apt update
    # shellcheck disable=SC2046 # a list of words
    private_apt -y --download-only install $(packages) > /dev/null
    unpack
    # The C library and its loader stay those of the machine: the kernel starts programs with that loader.
    local_c='lib(c|m|mvec|dl|pthread|rt|util|resolv|anl|nsl|nss_[a-z]+|thread_db)[.-].*|ld-linux.*'
    find "$ROOT/lib" "$ROOT/lib64" "$ROOT/usr/lib" -maxdepth 2 -regextype egrep -regex ".*/($local_c)" -delete
    rm -rf "$APT"
    recipe > "$DIR/.made"
fi

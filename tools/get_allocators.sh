#!/bin/bash
# get_allocators.sh DIR
#
# Allocators that take the place of the C library's, out of this Debian's own packages, below DIR; nothing is installed:
#   DIR/lib/libjemalloc.so   DIR/lib/libtcmalloc_minimal.so   DIR/lib/libmimalloc.so
# Each is for LD_PRELOAD. SUITE names another suite than the machine's. Needs apt-get and dpkg-deb; works again without the
# network once everything is there.
set -euo pipefail

[ $# -eq 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mkdir -p "$1"
DIR=$(cd "$1" && pwd)
SUITE=${SUITE:-$(. /etc/os-release && echo "${VERSION_CODENAME:-}")}
. "$(dirname "$0")/debian.sh"
PACKAGES='^(libjemalloc2|libtcmalloc-minimal4(t64)?|libmimalloc[0-9.]+)$'
LIBRARIES='libjemalloc libtcmalloc_minimal libmimalloc'

make_all() {
    command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null || fail "needs apt-get and dpkg-deb"
    [ -n "$SUITE" ] || fail "this system does not say which suite it is"
    local wanted
    rm -rf "$APT" "$DIR/lib" "$DIR/.made"
    mkdir -p "$DIR/lib"
    prepare_apt
    private_apt update
    wanted=$(APT_COMMAND=apt-cache private_apt pkgnames | grep -E "$PACKAGES")
    # shellcheck disable=SC2086 # a list of words
    (cd "$APT/cache/archives" && private_apt download $wanted)
    unpack
    local library file
    for library in $LIBRARIES; do
        file=$(find "$ROOT/" -type f -name "$library.so.*" | sort -V | tail -n1)
        [ -n "$file" ] || fail "no package of $SUITE has $library"
        ln -sfn "..${file#"$DIR"}" "$DIR/lib/$library.so"
    done
    rm -rf "$APT"
    recipe > "$DIR/.made"
}

recipe() { cat "$0" "$(dirname "$0")/debian.sh" | sha256sum; }

exec 9> "$DIR/.lock"
flock 9 # two runs at a time would unpack over each other
[ "$(cat "$DIR/.made" 2>/dev/null)" = "$(recipe)" ] || make_all
ls "$DIR"/lib/*.so

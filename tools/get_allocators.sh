#!/bin/bash
# get_allocators.sh DIR
#
# Allocators that take the place of the C library's, out of this Debian's own packages, below DIR; nothing is installed:
#   DIR/lib/libjemalloc.so   DIR/lib/libtcmalloc_minimal.so   DIR/lib/libmimalloc.so
# Each is for LD_PRELOAD. SUITE names another suite than the machine's. Needs apt-get and dpkg-deb; works again without the
# network once everything is there.
set -euo pipefail

fail() { echo "get_allocators.sh: $*" >&2; exit 1; }

[ $# -eq 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mkdir -p "$1"
DIR=$(cd "$1" && pwd)
APT=$DIR/.apt
SUITE=${SUITE:-$(. /etc/os-release && echo "${VERSION_CODENAME:-}")}
PACKAGES='^(libjemalloc2|libtcmalloc-minimal4(t64)?|libmimalloc[0-9.]+)$'
LIBRARIES='libjemalloc libtcmalloc_minimal libmimalloc'

# apt with an index and a cache of its own.
private_apt() {
    local command=$1
    shift
    "$command" -qq -o Dir::State::Lists="$APT/lists" -o Dir::State::status="$APT/status" \
        -o Dir::Etc::SourceList="$APT/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null -o Dir::Cache="$APT/cache" \
        -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=root \
        -o APT::Architecture=amd64 -o APT::Architectures=amd64 "$@"
}

# The mirror that this machine's own apt uses.
mirror() {
    local found
    found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -E '/debian/?$' || true)
    [ -n "$found" ] || found=$(grep -rhoE '[a-z]+://[^ ]+/debian/?( |$)' /etc/apt/sources.list* 2>/dev/null || true)
    [ -n "$found" ] || fail "apt of this machine knows no Debian mirror"
    head -n1 <<< "$found" | tr -d ' '
}

make_all() {
    command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null || fail "needs apt-get and dpkg-deb"
    [ -n "$SUITE" ] || fail "this system does not say which suite it is"
    local keyring=/usr/share/keyrings/debian-archive-keyring wanted
    [ -e $keyring.gpg ] && keyring=$keyring.gpg || keyring=$keyring.pgp
    rm -rf "$APT" "$DIR/root" "$DIR/lib" "$DIR/.made"
    mkdir -p "$APT"/lists/partial "$APT"/cache/archives/partial "$DIR/lib" "$DIR/root"
    : > "$APT/status"
    echo "deb [signed-by=$keyring] $(mirror) $SUITE main" > "$APT/sources.list"
    private_apt apt-get update
    wanted=$(private_apt apt-cache pkgnames | grep -E "$PACKAGES")
    # shellcheck disable=SC2086 # a list of words
    (cd "$APT/cache/archives" && private_apt apt-get download $wanted)
    for package in "$APT"/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$DIR/root"
    done
    local library file
    for library in $LIBRARIES; do
        file=$(find "$DIR/root" -type f -name "$library.so.*" | sort -V | tail -n1)
        [ -n "$file" ] || fail "no package of $SUITE has $library"
        ln -sfn "..${file#"$DIR"}" "$DIR/lib/$library.so"
    done
    rm -rf "$APT"
    sha256sum < "$0" > "$DIR/.made"
}

exec 9> "$DIR/.lock"
flock 9 # two runs at a time would unpack over each other
[ "$(cat "$DIR/.made" 2>/dev/null)" = "$(sha256sum < "$0")" ] || make_all
ls "$DIR"/lib/*.so

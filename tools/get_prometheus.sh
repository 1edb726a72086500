#!/bin/bash
# get_prometheus.sh DIR
#
# Debian's prometheus and promtool as DIR/prometheus and DIR/promtool, out of the package; nothing is installed.
# Needs a Debian machine with apt-get and dpkg-deb; works again without the network once they are there.
set -euo pipefail

[ $# -eq 1 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
fail() { echo "get_prometheus.sh: $*" >&2; exit 1; }

mkdir -p "$1"
DIR=$(cd "$1" && pwd)
if [ ! -x "$DIR/promtool" ] || [ ! -x "$DIR/prometheus" ]; then
    command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null || fail "needs apt-get and dpkg-deb"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    # the package alone: its two programs need nothing but libc, the rest is for their web pages
    (cd "$work" && apt-get -qq download prometheus 2> "$work/said") || fail "apt-get download: $(tail -n1 "$work/said")"
    dpkg-deb -x "$work"/prometheus_*.deb "$work/root"
    cp "$work/root/usr/bin/prometheus" "$work/root/usr/bin/promtool" "$DIR/"
fi
"$DIR/promtool" --version 2>&1 | head -n1

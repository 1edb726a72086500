#!/bin/bash
# get_pythons.sh DIR [VERSION...]
#
# Runnable CPythons below DIR, out of the packages of Debian's development suite; nothing is installed.
# VERSION is 3.13, 3.14 or 3.15 (all three by default). Then there are
#   DIR/bin/python3.X          an executable of our own, linked to the package's libpython3.X.so (a shared build)
#   DIR/bin/python3.X-static   Debian's executable, libpython inside, started through its loader (a static build;
#                              the process's /proc/PID/exe is then the loader)
#   DIR/root/                  the unpacked packages
# WITH_DEV=1 adds headers, WITH_DBG=1 debug information (both for `cargo xtask layouts`), FORCE=1 starts afresh.
# SUITE names another suite. Needs a Debian machine with apt-get, dpkg-deb and cc; works again without the network
# once everything is there.
set -euo pipefail

usage() { sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
fail() { echo "get_pythons.sh: $*" >&2; exit 1; }

[ $# -ge 1 ] || usage
mkdir -p "$1"
DIR=$(cd "$1" && pwd)
shift
VERSIONS=("$@")
[ ${#VERSIONS[@]} -gt 0 ] || VERSIONS=(3.13 3.14 3.15)
SUITE=${SUITE:-sid}
ARCH=x86_64-linux-gnu
APT=$DIR/.apt
ROOT=$DIR/root

packages() {
    local version
    for version in "${VERSIONS[@]}"; do
        echo "python$version" "python$version-venv" "libpython$version"
        [ -z "${WITH_DEV:-}" ] || echo "libpython$version-dev"
    done
}

# The mirror that this machine's own apt uses.
mirror() {
    local found
    found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -E '/debian/?$' || true)
    [ -n "$found" ] || found=$(grep -rhoE '[a-z]+://[^ ]+/debian/?( |$)' /etc/apt/sources.list* 2>/dev/null || true)
    [ -n "$found" ] || fail "apt of this machine knows no Debian mirror"
    head -n1 <<< "$found" | tr -d ' '
}

# apt with an index, a cache and an (empty) list of installed packages of its own: so it fetches all dependencies too.
private_apt() {
    apt-get -qq -o Dir::State::Lists="$APT/lists" -o Dir::State::status="$APT/status" \
        -o Dir::Etc::SourceList="$APT/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null -o Dir::Cache="$APT/cache" \
        -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=root \
        -o APT::Install-Recommends=false -o APT::Architecture=amd64 -o APT::Architectures=amd64 "$@"
}

prepare_apt() {
    local keyring=/usr/share/keyrings/debian-archive-keyring
    [ -e $keyring.gpg ] && keyring=$keyring.gpg || keyring=$keyring.pgp
    mkdir -p "$APT"/lists/partial "$APT"/cache/archives/partial
    : > "$APT/status"
    echo "deb [signed-by=$keyring] $(mirror) $SUITE main" > "$APT/sources.list"
}

download() {
    local wanted
    wanted=$(packages)
    # shellcheck disable=SC2086 # a list of words
    private_apt -y --download-only install $wanted > /dev/null
    if [ -n "${WITH_DBG:-}" ]; then
        # Debug information alone, without what it depends on: it is read, not run.
        (cd "$APT/cache/archives" && private_apt download $(printf 'python%s-dbg ' "${VERSIONS[@]}"))
    fi
}

unpack() {
    local fresh=$DIR/root.new package dir
    rm -rf "$fresh"
    for dir in lib lib64 bin sbin; do
        mkdir -p "$fresh/usr/$dir"
        ln -s "usr/$dir" "$fresh/$dir"
    done
    for package in "$APT"/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$fresh"
    done
    rm -rf "$ROOT"
    mv "$fresh" "$ROOT"
}

# bin/python3.X: a shared build. Our own executable names the packages' loader and library by absolute path.
link_shared() {
    local version=$1 lib=$ROOT/usr/lib/$ARCH
    printf 'int Py_BytesMain(int, char **);\nint main(int n, char **a) { return Py_BytesMain(n, a); }\n' |
        cc -O1 -x c - -x none -o "$ROOT/usr/bin/python$version-shared" "$lib/libpython$version.so.1.0" \
            -Wl,--disable-new-dtags,-rpath,"$lib" -Wl,--dynamic-linker,"$lib/ld-linux-x86-64.so.2" \
            -Wl,--allow-shlib-undefined
    ln -sfn "../root/usr/bin/python$version-shared" "$DIR/bin/python$version"
}

# bin/python3.X-static: the packaged executable through the packaged loader.
wrap_static() {
    local version=$1 lib=$ROOT/usr/lib/$ARCH wrapper=$ROOT/usr/bin/python$1-static
    cat > "$wrapper" << END
#!/bin/sh
exec $lib/ld-linux-x86-64.so.2 --argv0 "\$0" --library-path $lib $ROOT/usr/bin/python$version "\$@"
END
    chmod +x "$wrapper"
    ln -sfn "../root/usr/bin/python$version-static" "$DIR/bin/python$version-static"
}

# What is to be there, to be compared with what was made last.
recipe() {
    echo "$DIR" "$SUITE" "${VERSIONS[@]}" "${WITH_DEV:-}" "${WITH_DBG:-}"
    sha256sum < "$0"
}

make_all() {
    command -v dpkg-deb > /dev/null && command -v cc > /dev/null || fail "needs dpkg-deb and cc"
    rm -rf "$APT" "$DIR/.made"
    prepare_apt
    private_apt update
    download
    unpack
    mkdir -p "$DIR/bin"
    local version
    for version in "${VERSIONS[@]}"; do
        link_shared "$version"
        wrap_static "$version"
        # ensurepip and venv look for their wheels where the package would be installed.
        sed -i "s#'/usr/share/python-wheels/'#'$ROOT/usr/share/python-wheels/'#" \
            "$ROOT/usr/lib/python$version"/_sysconfigdata*.py
    done
    rm -rf "$APT"
    recipe > "$DIR/.made"
}

exec 9> "$DIR/.lock"
flock 9 # two runs at a time would unpack over each other
if [ -n "${FORCE:-}" ] || [ "$(cat "$DIR/.made" 2>/dev/null)" != "$(recipe)" ]; then
    make_all
fi
for version in "${VERSIONS[@]}"; do
    for python in "$DIR/bin/python$version" "$DIR/bin/python$version-static"; do
        "$python" -c 'import ctypes, platform, sqlite3, ssl, sys; print(platform.python_version(), sys.argv[1])' "$python"
    done
done

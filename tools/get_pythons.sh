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

[ $# -ge 1 ] || usage
mkdir -p "$1"
DIR=$(cd "$1" && pwd)
shift
VERSIONS=("$@")
[ ${#VERSIONS[@]} -gt 0 ] || VERSIONS=(3.13 3.14 3.15)
SUITE=${SUITE:-sid}
ARCH=x86_64-linux-gnu
. "$(dirname "$0")/debian.sh"

packages() {
    local version
    for version in "${VERSIONS[@]}"; do
        echo "python$version" "python$version-venv" "libpython$version"
        [ -z "${WITH_DEV:-}" ] || echo "libpython$version-dev"
    done
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
    cat "$0" "$(dirname "$0")/debian.sh" | sha256sum
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

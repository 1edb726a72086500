#!/bin/bash
# check_platforms.sh DIR [TARGET...]
#
# Whether memsight compiles for systems other than this one: `cargo check` of the crates that are shipped, for
# x86_64-pc-windows-gnu, x86_64-apple-darwin and aarch64-apple-darwin, or for the targets named. Nothing is linked or
# run, and C code (SQLite, ring) is not compiled: no SDK is needed.
#
# The compiler comes out of the packages of Debian's development suite, unpacked below DIR; nothing is installed. It
# builds the standard library of a target from source. What it builds goes to DIR/target. SUITE names another suite.
# Needs a Debian machine with apt-get, dpkg-deb and cc, and no root; works again without Debian's mirror once
# everything is there.
set -euo pipefail

usage() { sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }
fail() { echo "check_platforms.sh: $*" >&2; exit 1; }

[ $# -ge 1 ] || usage
mkdir -p "$1"
DIR=$(cd "$1" && pwd)
shift
TARGETS=("$@")
[ ${#TARGETS[@]} -gt 0 ] || TARGETS=(x86_64-pc-windows-gnu x86_64-apple-darwin aarch64-apple-darwin)
SUITE=${SUITE:-sid}
HERE=$(cd "$(dirname "$0")/.." && pwd)
APT=$DIR/.apt
ROOT=$DIR/root
LIB=$ROOT/usr/lib/x86_64-linux-gnu
MINGW=x86_64-w64-mingw32
# binutils-mingw-w64: import libraries, which the standard library of Windows (GNU) makes even for a check.
PACKAGES=(rustc cargo rust-src binutils-mingw-w64-x86-64)
TOOLS=(rustc cargo "$MINGW-as" "$MINGW-dlltool")
CRATES=(-p memsight-cli -p memsight-py)

# The functions that get_pythons.sh has for the mirror and for apt.
for name in mirror private_apt prepare_apt; do
    eval "$(sed -n "/^$name() {/,/^}/p" "$HERE/tools/get_pythons.sh")"
done

unpack() {
    local fresh=$DIR/root.new package dir
    rm -rf "$fresh" "$ROOT"
    for dir in lib lib64 bin sbin; do
        mkdir -p "$fresh/usr/$dir"
        ln -s "usr/$dir" "$fresh/$dir"
    done
    for package in "$APT"/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$fresh"
    done
    mv "$fresh" "$ROOT"
}

# bin/TOOL: the packaged executable through the packaged loader, so that it finds the libraries of its suite.
wrap() {
    local tool more=
    mkdir -p "$DIR/bin"
    for tool in "${TOOLS[@]}"; do
        # dlltool starts an assembler, which it would look for without a loader.
        [ "$tool" != "$MINGW-dlltool" ] || more="-S '$DIR/bin/$MINGW-as'"
        cat > "$DIR/bin/$tool" << END
#!/bin/sh
exec '$LIB/ld-linux-x86-64.so.2' --library-path '$LIB' '$ROOT/usr/bin/$tool' $more "\$@"
END
        chmod +x "$DIR/bin/$tool"
    done
}

recipe() {
    echo "$DIR" "$SUITE"
    sha256sum < "$0"
}

get_compiler() {
    command -v dpkg-deb > /dev/null && command -v cc > /dev/null || fail "needs dpkg-deb and cc"
    rm -rf "$APT" "$DIR/.made"
    prepare_apt
    private_apt update
    private_apt -y --download-only install "${PACKAGES[@]}" > /dev/null
    unpack
    wrap
    rm -rf "$APT"
    recipe > "$DIR/.made"
}

# RUSTC_BOOTSTRAP: building the standard library is an unstable option. A CC that does nothing: no C for a check.
check() {
    local target=$1 name=${1//-/_}
    env PATH="$DIR/bin:$PATH" RUSTC="$DIR/bin/rustc" RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$DIR/target" \
        "CC_$name=$(command -v true)" "AR_$name=$(command -v true)" \
        "$DIR/bin/cargo" check --quiet --locked --manifest-path "$HERE/Cargo.toml" \
        -Zbuild-std=std,panic_abort --target "$target" "${CRATES[@]}"
}

exec 9> "$DIR/.lock"
flock 9 # two runs at a time would unpack over each other
[ "$(cat "$DIR/.made" 2>/dev/null)" = "$(recipe)" ] || get_compiler
failed=()
for target in "${TARGETS[@]}"; do
    if check "$target"; then echo "$target: compiles"; else failed+=("$target"); fi
done
[ ${#failed[@]} -eq 0 ] || fail "does not compile for ${failed[*]}"

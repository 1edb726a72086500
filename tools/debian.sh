# Functions for scripts that unpack Debian packages below $DIR/root without installing them; to be sourced.
# They use DIR, SUITE, and `packages`, a function that prints the names wanted; dependencies come along.
APT=$DIR/.apt
ROOT=$DIR/root

fail() { echo "$(basename "$0"): $*" >&2; exit 1; }

# The mirror that this machine's own apt uses.
mirror() {
    local found
    found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -E '/debian/?$' || true)
    [ -n "$found" ] || found=$(grep -rhoE '[a-z]+://[^ ]+/debian/?( |$)' /etc/apt/sources.list* 2>/dev/null || true)
    [ -n "$found" ] || fail "apt of this machine knows no Debian mirror"
    head -n1 <<< "$found" | tr -d ' '
}

# apt with an index, a cache and an (empty) list of installed packages of its own: so it fetches all dependencies too.
# APT_COMMAND names another of its commands than apt-get.
private_apt() {
    "${APT_COMMAND:-apt-get}" -qq -o Dir::State::Lists="$APT/lists" -o Dir::State::status="$APT/status" \
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

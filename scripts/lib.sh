# Shared by the scripts here: how they speak, and how they install what is missing.
# shellcheck shell=bash

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/mallku-db

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$1" >&2; shift; for hint in "$@"; do printf '  hint: %s\n' "$hint" >&2; done; exit 2; }
have() { command -v "$1" >/dev/null 2>&1; }

# may_install: whether this machine lets us install Debian packages.
may_install() { [ "$(id -u)" = 0 ] && have apt-get && [ "${MALLKU_NO_INSTALL:-}" != 1 ]; }

# debian WHY PACKAGE...: installs what is missing of the packages, or says how to.
debian() {
    local why=$1 missing=() package
    shift
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    may_install || die "$why needs: ${missing[*]}" "on Debian, as root: apt-get install ${missing[*]}" \
        "on another system, install the same tools by its own means"
    say "installing for $why: ${missing[*]}"
    # The package lists of a fresh machine are empty or old.
    [ -n "$(find /var/lib/apt/lists -name '*Packages*' -mmin -720 2>/dev/null | head -n 1)" ] || apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# rust: makes sure of a cargo; rustup's is kept where there is one, Debian's is installed where there is none.
rust() { have cargo || debian "Rust (or install it from https://rustup.rs)" cargo-web rustc-web rustfmt-web rust-web-clippy; }

# venv NAME REQUIREMENTS [PYTHON]: a Python environment with exactly these requirements, made once; prints its folder.
venv() {
    local folder=$cache/$1 requirements=$2 python=${3:-python3} stamp
    have "$python" || debian "the Python environment '$1'" python3 python3-venv
    stamp=$("$python" --version; cat "$requirements")
    if [ "$(cat "$folder/.stamp" 2>/dev/null)" != "$stamp" ]; then
        say "making the Python environment '$1' (once)"
        rm -rf "$folder"
        # Debian's Python makes environments only with one more package.
        "$python" -c 'import ensurepip' 2>/dev/null || debian "the Python environment '$1'" python3-venv
        "$python" -m venv "$folder"
        "$folder/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" >&2 ||
            die "PyPI does not answer, or lacks a package of $requirements"
        printf '%s' "$stamp" >"$folder/.stamp"
    fi
    printf '%s' "$folder"
}

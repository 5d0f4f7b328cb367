# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the scripts here and tests/run: installing packages, and noisy steps that go to a log.
# The caller sets `root`, the top of the sources, and `logs`, an existing directory. Needs nothing beyond Debian's base system.

# packages LIST…: the names in list files, without comments.
packages() {
    sed -e 's/#.*//' -e '/^[[:space:]]*$/d' -- "$@"
}

# missing_packages LIST…: those of them that are not installed.
missing_packages() {
    local name state
    for name in $(packages "$@"); do
        state=$(dpkg-query -W -f='${db:Status-Status}\n' "$name" 2>/dev/null | sort -u) || state=
        [ "$state" = installed ] || printf '%s\n' "$name"
    done
}

# On a terminal the last line of the log; elsewhere ninja's counter at each tenth.
show_progress() {
    local line tenth last=-1
    while IFS= read -r line; do
        printf '%s\n' "$line"
        if [ -t 2 ]; then
            printf '\r\033[K  %.74s' "${line//[^[:print:]]/ }" >&2
        elif [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]]; then
            tenth=$((10 * BASH_REMATCH[1] / BASH_REMATCH[2]))
            if [ "$tenth" -ne "$last" ]; then
                printf '  %s of %s\n' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" >&2
                last=$tenth
            fi
        fi
    done
    [ ! -t 2 ] || printf '\r\033[K' >&2
}

# step TITLE LOG COMMAND…: runs it with its output in $logs/LOG; on failure shows the log's end.
step() {
    local title=$1 log=$logs/$2 started=$SECONDS status=0
    shift 2
    printf '%s\n' "$title" >&2
    "$@" </dev/null 2>&1 | show_progress >"$log" || status=$?
    if [ "$status" -ne 0 ]; then
        printf '  failed. The log is %s; it ends:\n' "$log" >&2
        tail -n 20 -- "$log" | cut -c1-300 | sed 's|^|  \| |' >&2
        return "$status"
    fi
    printf '  done in %d s (log: %s)\n' $((SECONDS - started)) "$log" >&2
}

# --no-remove: a host's own packages are never taken away for ours.
apt_install() {
    local apt=(apt-get -q -o DPkg::Lock::Timeout=300)
    export DEBIAN_FRONTEND=noninteractive
    "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends --no-remove -- "$@"
}

# install_packages LIST…: what is missing of the lists, with apt-get; says what to do where it can't.
install_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    if ! command -v apt-get >/dev/null; then
        printf 'This host has no apt-get. Install what stands for these Debian packages:\n' >&2
        printf '  %s\n' "${missing[*]}" >&2
        return 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        printf 'Packages are missing. Run this as root, or first, as root:\n' >&2
        printf '  apt-get install --no-install-recommends %s\n' "${missing[*]}" >&2
        return 1
    fi
    step "Installing ${#missing[@]} packages and what they need" install.log \
        apt_install "${missing[@]}"
}

# export_sources DIRECTORY: from $root, the committed files; without git, all but what builds leave.
export_sources() {
    mkdir -p -- "$1"
    if git -C "$root" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git -C "$root" archive HEAD | tar -x -C "$1"
    else
        tar -c -C "$root" --exclude=./build --exclude=./.git . | tar -x -C "$1"
    fi
}

# in_root ROOT SOURCES COMMAND…: in a Debian root (as root), with the sources at /source and the
# compiler's cache; what is mounted for it is gone with it. JOBS: how many compilers at once (1).
in_root() {
    local debian=$1 sources=$2 cache=${CCACHE_DIR:-$HOME/.cache/ccache}
    shift 2
    mkdir -p -- "$debian/source" "$debian/ccache" "$cache"
    # shellcheck disable=SC2016
    unshare --mount --propagation private sh -ec '
        debian=$1 sources=$2 cache=$3
        shift 3
        mount -t proc proc "$debian/proc"
        mount --bind "$sources" "$debian/source"
        mount --bind "$cache" "$debian/ccache"
        exec chroot "$debian" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
            LC_ALL=C.UTF-8 CCACHE_DIR=/ccache JOBS="${JOBS:-1}" "$@"' - \
        "$debian" "$sources" "$cache" "$@"
}

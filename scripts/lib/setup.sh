# SPDX-License-Identifier: MIT
# Set-up shared by scripts/run and scripts/test: the machine is checked, packages are installed, the
# tree is built. Sourced by bash. Each step that is done stays done: a second run only looks.
# Exit statuses: 2 wrong use, 3 this machine cannot (a sentence says what is needed), 4 no network.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BONSAI_BUILD:-$TOP/build}
export BONSAI_BUILD=$BUILD
STEPS=4
step=0

die() {
    local status=$1
    shift
    echo "$(basename "$0"): $*" >&2
    exit "$status"
}

begin() {
    step=$((step + 1))
    step_name=$1
    step_start=$SECONDS
    echo "[$step/$STEPS] $step_name …" >&2
}

end() {
    echo "[$step/$STEPS] $step_name: ${1:-done} ($((SECONDS - step_start)) s)" >&2
}

check_host() {
    local found need place
    begin "this machine"
    found=$(uname -m)
    [ "$found" = x86_64 ] || die 3 "this machine is $found; Bonsai needs an x86-64 one"
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        die 3 "no apt-get here; Bonsai's scripts need Debian 12 or a system like it"
    fi
    need=${BONSAI_NEED_MEMORY:-3000}
    found=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
    [ "$found" -ge "$need" ] || die 3 "$found MiB of memory are free; $need MiB are needed"
    need=${BONSAI_NEED_DISK:-3000}
    # Nothing is made before it is sure that the rest can follow.
    place=$BUILD
    while [ ! -e "$place" ]; do
        place=$(dirname "$place")
    done
    [ -d "$place" ] && [ -w "$place" ] ||
        die 3 "cannot write to $place; the folder for $BUILD must be yours"
    found=$(df -Pm "$place" | awk 'NR == 2 { print $4 }')
    [ -x "$BUILD/hypervisor/bonsai" ] && [ -d "$TOP/build/pkg" ] && need=500
    [ "$found" -ge "$need" ] || die 3 "$found MiB of disk are free for $BUILD; $need MiB are needed"
    end ok
}

# The names of packages.list that are not installed, one a line.
missing_packages() {
    local names
    names=$(sed 's/#.*//; s/ .*//; /^$/d' "$TOP/scripts/lib/packages.list")
    # shellcheck disable=SC2086
    { dpkg-query -W -f '${Package} ${db:Status-Status}\n' $names 2>/dev/null; echo; } |
        awk -v names="$names" '$2 == "installed" { there[$1] = 1 }
            END {
                count = split(names, name, "\n")
                for (i = 1; i <= count; i++) if (!(name[i] in there)) print name[i]
            }'
}

# Runs apt-get; its last line is the reason when it fails.
apt() {
    local log=$BUILD/apt.log
    mkdir -p "$BUILD"
    if ! DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -y -q "$@" >"$log" 2>&1 </dev/null; then
        die 4 "apt-get $1 failed: $(grep -v '^$' "$log" | tail -n 1) (all of it: $log)"
    fi
}

# apt's lists are needed for downloads only: not when all that was downloaded is still there.
have_lists() {
    [ -e "${BONSAI_PKG:-$TOP/build/pkg}/sets/kernel-name" ] ||
        apt-cache show --no-all-versions linux-image-amd64 >/dev/null 2>&1
}

install_packages() {
    local missing
    begin "packages for building"
    missing=$(missing_packages | tr '\n' ' ')
    if [ -z "$missing" ] && have_lists; then
        end "all there"
        return
    fi
    if [ "$(id -u)" != 0 ]; then
        echo "These packages are needed to build and to emulate a machine, and only root can" \
            "install them. Please run this line, then start again:" >&2
        echo "sudo apt-get update && sudo apt-get install -y --no-install-recommends $missing" >&2
        exit 3
    fi
    have_lists || apt update
    # shellcheck disable=SC2086
    [ -z "$missing" ] || apt install --no-install-recommends $missing
    end "installed"
}

# fetch_packages NAME…: what goes into dom0 and guests, downloaded and unpacked.
fetch_packages() {
    local status
    begin "packages for dom0 and guests"
    mkdir -p "$BUILD"
    python3 "$TOP/scripts/lib/fetch.py" "$@"
    status=$?
    [ $status = 0 ] || exit $status
    end
}

# build PART…: configure once, then whatever changed.
build() {
    local parts log=$BUILD/build.log headers
    begin "build"
    parts=$(IFS=,; echo "$*")
    headers=$(python3 "$TOP/scripts/lib/fetch.py" --xen-headers)
    if [ ! -f "$BUILD/build.ninja" ]; then
        meson setup "$BUILD" "$TOP" "-Dparts=$parts" "-Dxen_headers=$headers" >"$log" 2>&1 ||
            die 1 "meson failed: $(tail -n 1 "$log") (all of it: $log)"
    elif [ "$(cat "$BUILD/.configured" 2>/dev/null)" != "$parts $headers" ]; then
        meson configure "$BUILD" "-Dparts=$parts" "-Dxen_headers=$headers" >"$log" 2>&1 ||
            die 1 "meson failed: $(tail -n 1 "$log") (all of it: $log)"
    fi
    echo "$parts $headers" >"$BUILD/.configured"
    ninja -C "$BUILD" >"$log" 2>&1 ||
        die 1 "the build failed: $(grep -m 1 -E 'error|FAILED' "$log") (all of it: $log)"
    end
}

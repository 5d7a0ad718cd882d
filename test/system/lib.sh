# SPDX-License-Identifier: MIT
# Sourced by the tests of test/system and test/interop; README.md has the table of functions.
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BONSAI_BUILD:-$TOP/build}
OUT=${OUT:-$(mktemp -d)}
BONSAI_HYPERVISOR=${BONSAI_HYPERVISOR:-bonsai}
boots=0

fail() {
    echo "FAILED: $*"
    exit 1
}

skip() {
    echo "skipped: $*"
    exit 77
}

needs() {
    local file
    for file in "$@"; do
        [ -e "$BUILD/$file" ] || fail "$file is not built in $BUILD"
    done
}

boot() {
    boots=$((boots + 1))
    out=$OUT/$boots
    mkdir -p "$out"
    "$TOP/scripts/boot" --quiet --out "$out" --hypervisor "$BONSAI_HYPERVISOR" "$@"
}

boot_script() {
    local name=$1 status
    shift
    local words=() script=("$TOP/test/system/dom0/$name.sh")
    # What follows `--script-args` goes to the script in dom0.
    while [ $# -gt 0 ]; do
        if [ "$1" = --script-args ]; then
            shift
            script+=("$@")
            break
        fi
        words+=("$1")
        shift
    done
    boot "${words[@]}" --dom0-script "${script[@]}"
    status=$?
    cat "$out/script.log" 2>/dev/null
    if [ $status != 0 ]; then
        tail -n 30 "$out/console.log" 2>/dev/null
        fail "$name ended with $status; $(grep -o '"reason": .*' "$out/result.json" 2>/dev/null)"
    fi
}

log() {
    echo "$out/script.log"
}

console() {
    echo "$out/console.log"
}

expect() {
    grep -Eqa -- "$1" "$2" || fail "no line like “$1” in $2"
}

refuse() {
    ! grep -Eqa -- "$1" "$2" || fail "a line like “$1” in $2: $(grep -Eam 1 -- "$1" "$2")"
}

# calm FILE: no line of a kernel or of the hypervisor that speaks of trouble.
calm() {
    refuse 'WARNING: CPU|BUG:|Oops|soft lockup|hard LOCKUP|detected stall|Call Trace' "$1"
}

# silent FILE: no line of the hypervisor about something that went wrong.
silent() {
    local bad='([Ee]rror|ERROR|ASSERT|BUG|[Pp]anic|crash|fail|without a handler)' line
    # Not what it was started with, nor the list of debug keys, one of which is for a panic.
    line=$(grep -a '^(BNS)' "$1" | grep -Ev 'command line:|^\(BNS\)   .  ' | grep -Em 1 "$bad")
    [ -z "$line" ] || fail "the hypervisor says: $line"
}

# SPDX-License-Identifier: MIT
# Sourced by the tests xl-*: runs parts of dom0/xl-calls.sh with Debian's Xen tools on Debian's Xen
# and on Bonsai, on a machine whose processor cannot run HVM guests, and compares what they said,
# call by call (compare.py). What remains different stands in the file xl-differences.
. "$(dirname "$0")/../system/lib.sh"

# That list was written beside this version; earlier ones differ in more.
KNOWN=4.17.7

known_reference() {
    local found
    found=$(cd "$TOP/scripts/lib" && python3 -c '
import os, packages
print(os.path.basename(packages.unpacked("xen-utils-4.17")).split("_")[1])') || fail "$found"
    [ "$(printf '%s\n' "$KNOWN" "$found" | sort -V | head -n 1)" = "$KNOWN" ] ||
        skip "package xen-utils-4.17 of $KNOWN or later cannot be had, only $found"
}

# compare PART…
compare() {
    local interop=$TOP/test/interop
    known_reference
    for BONSAI_HYPERVISOR in xen bonsai; do
        boot --toolstack xl --cpu EPYC,-smap,-monitor,-svm --timeout 290 \
            --dom0-script "$interop/dom0/xl-calls.sh" "$@" ||
            fail "the script on $BONSAI_HYPERVISOR ended with $?; $(tail -n 3 "$(log)")"
        cp "$(log)" "$OUT/$BONSAI_HYPERVISOR.log"
        refuse 'waited in vain' "$(log)"
        calm "$(console)"
    done
    python3 "$interop/compare.py" "$OUT/xen.log" "$OUT/bonsai.log" "$interop/xl-differences" ||
        fail "differences; the logs are $OUT/{xen,bonsai}.log"
}

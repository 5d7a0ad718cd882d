#!/bin/bash
# SPDX-License-Identifier: MIT
# A program that forks, faults, maps, signals and locks runs in dom0 and in a guest at once, and
# neither kernel nor the hypervisor has anything to complain about.
. "$(dirname "$0")/lib.sh"
seconds=${LOAD_SECONDS:-60}
toolstack=${LOAD_TOOLSTACK:-ctl}
needs test/system/load
files=$OUT/files
mkdir -p "$files"
cp "$BUILD/test/system/load" "$files/load"
PYTHONPATH=$TOP/scripts/lib python3 - "$files" <<'END' || fail "load.cpio"
import sys
from cpio import Archive
archive = Archive()
archive.copy('load', sys.argv[1] + '/load', 0o755)
with open(sys.argv[1] + '/load.cpio', 'wb') as file:
    file.write(archive.bytes())
END
boot_script load --toolstack "$toolstack" --cpus 2 --dom0-vcpus 2 --mem 2048 --dom0-mem 768 \
    --files "$files" --timeout $((seconds + 240)) --script-args "$toolstack" "$seconds"
expect '^load: ok$' "$(log)"
expect '^load: ok' "$out/console.txt"
expect '^run /load 0' "$out/console.txt"
calm "$(console)"
calm "$out/console.txt"
calm "$out/dmesg.txt"
silent "$(console)"

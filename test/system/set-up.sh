#!/bin/bash
# SPDX-License-Identifier: MIT
# What scripts/run and scripts/test say and do when they cannot go on: each refusal has its exit
# status and its sentence, and leaves nothing behind. Other machines are played by false programs.
. "$(dirname "$0")/lib.sh"
fakes=$OUT/fakes
nowhere=$OUT/build
rm -rf "$fakes" "$nowhere"
mkdir -p "$fakes"

# fake NAME LINE: a program that does LINE instead.
fake() {
    printf '#!/bin/sh\n%s\n' "$2" >"$fakes/$1"
    chmod +x "$fakes/$1"
}

# refused STATUS REGEX COMMAND…: it must end so, say so on stderr, and make nothing.
refused() {
    local wanted=$1 sentence=$2 status
    shift 2
    BONSAI_BUILD=$nowhere PATH=$fakes:$PATH timeout 120 "$@" </dev/null >"$OUT/stdout" \
        2>"$OUT/stderr"
    status=$?
    [ $status = "$wanted" ] || fail "$*: ended with $status, not $wanted: $(tail -1 "$OUT/stderr")"
    expect "$sentence" "$OUT/stderr"
    rm -f "$fakes"/*
}

refused 2 'no terminal' "$TOP/scripts/run"
refused 2 'is not known' "$TOP/scripts/run" --nonsense
refused 2 'no suite or test' "$TOP/scripts/test" --no-build no-such-test
refused 3 'MiB of memory are free; 99999999 MiB are needed' \
    env BONSAI_NEED_MEMORY=99999999 "$TOP/scripts/run" --demo
refused 3 'MiB of disk are free .*; 99999999 MiB are needed' \
    env BONSAI_NEED_DISK=99999999 "$TOP/scripts/run" --demo
fake uname 'echo aarch64'
refused 3 'this machine is aarch64; Bonsai needs an x86-64 one' "$TOP/scripts/run" --demo
fake df 'printf "head\nx 1 1 5 1 /\n"'
refused 3 '5 MiB of disk are free' "$TOP/scripts/test" lint unit

# A system without apt: a PATH with nothing but what comes before that is noticed.
mkdir -p "$OUT/bare"
for program in bash basename dirname uname env; do
    ln -sf "$(command -v $program)" "$OUT/bare/$program"
done
BONSAI_BUILD=$nowhere PATH=$OUT/bare bash "$TOP/scripts/run" --demo </dev/null 2>"$OUT/stderr"
[ $? = 3 ] || fail "without apt-get: not 3"
expect 'needs? Debian 12' "$OUT/stderr"

# An ordinary user without the packages gets one line to paste.
fake dpkg-query 'exit 1'
fake id 'echo 1000'
refused 3 '^sudo apt-get update && sudo apt-get install -y --no-install-recommends gcc ' \
    "$TOP/scripts/run" --demo
[ ! -e "$nowhere" ] || fail "a refused run left $nowhere behind"

# Root without a network: apt's own last line.
fake dpkg-query 'exit 1'
fake id 'echo 0'
fake apt-get 'echo "E: Could not resolve the name of the archive" >&2; exit 100'
refused 4 'apt-get install failed: E: Could not resolve' "$TOP/scripts/run" --demo

# Ctrl-C, which a terminal sends to the whole group: 130, and no machine lives on.
python3 - "$TOP/scripts/boot" "$OUT/interrupted" <<'END' || fail "Ctrl-C"
import os, signal, subprocess, sys, time
console = os.path.join(sys.argv[2], 'console.log')
boot = subprocess.Popen([sys.argv[1], '--toolstack', 'none', '--quiet', '--out', sys.argv[2],
                         '--timeout', '120', '--until', 'never seen'], start_new_session=True,
                        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
end = time.monotonic() + 60
while time.monotonic() < end and not (os.path.exists(console) and os.path.getsize(console)):
    time.sleep(0.2)
os.killpg(boot.pid, signal.SIGINT)
status = boot.wait(30)
if status != 130:
    sys.exit(f'scripts/boot ended with {status}, not 130')
time.sleep(0.5)
try:
    os.killpg(boot.pid, 0)
except ProcessLookupError:
    sys.exit(0)
sys.exit('something of the interrupted machine lives on')
END

# SPDX-License-Identifier: MIT
# Creations that are interrupted or killed at each of their steps.
. /files/helpers

tiny t >/tmp/t.cfg
want 0 ctl create -p -q /tmp/t.cfg
want 0 ctl destroy t
soon 10 gone t
whole

# Signals: undone, and the status says by which. The last index is past the steps.
steps=$(ctl -v create -p /tmp/t.cfg 2>&1 | sed -n 's/^ctl: 1\/\([0-9]*\) .*/\1/p')
[ "${steps:-0}" -ge 10 ] || { bad "no list of steps"; steps=16; }
want 0 ctl destroy t
soon 10 gone t
for step in $(seq 0 $((steps - 1))); do
    for signal in 2 15; do
        export CTL_TEST_STEP=$step:$signal
        want $((128 + signal)) ctl create -p -q /tmp/t.cfg
        unset CTL_TEST_STEP
        is "$(ls /run/bonsai/create)" "" "records after step $step"
    done
done
unchanged "an interrupted creation"

# Killed: ctld removes what is left. Nobody calls ctl meanwhile, which would do it too.
for step in $(seq 0 $((steps - 1))); do
    export CTL_TEST_STEP=$step:9
    want 137 ctl create -p -q /tmp/t.cfg
    unset CTL_TEST_STEP
    soon 5 no_records
done
unchanged "a killed creation"

# Killed while ctld is stopped, which is then killed too: the next ctl does it.
for step in 1 5 9 12 14; do
    kill -STOP $(pidof ctld)
    export CTL_TEST_STEP=$step:9
    want 137 ctl create -p -q /tmp/t.cfg
    unset CTL_TEST_STEP
    kill -KILL $(pidof ctld)
    want 0 ctl list
    no_records || bad "the next ctl left the record of step $step"
    want 0 ctld
    soon 20 test -S /run/bonsai/ctld.sock
done
unchanged "a killed creation without ctld"
finish

# SPDX-License-Identifier: MIT
# One guest lives through restarts of the daemons; four others end, each by its own policy.
. /files/helpers

config g >/tmp/g.cfg
want 0 ctl create -q /tmp/g.cfg
ctl console g </dev/null >/out/g.txt 2>/dev/null &
reader=$!
soon 90 said /out/g.txt 'word g'
id=$(ctl domid g)

# The guest's shell is told to print WORD-42, which its echo of the input does not hold.
hears() {
    type_in g "echo $1-\$((40+2))"
    said /out/g.txt "$1-42"
}
soon 30 hears before
other_ctld() { p=$(pidof ctld) && [ "$p" != "$old" ]; }
for signal in TERM KILL; do
    old=$(pidof ctld)
    kill -$signal $old
    gone_ctld() { ! kill -0 $old; }
    soon 10 gone_ctld
    want 0 ctld
    soon 10 other_ctld
    soon 40 hears "after-$signal"
done
kill -0 $reader || bad "the console ended with ctld"

# stored runs itself anew, and the guest's watches with it: shutdown works.
kill -USR1 $(pidof stored)
soon 10 ctl domid g
is "$(ctl domid g)" "$id" "the guest after stored's restart"
soon 40 hears after-stored
want 0 ctl shutdown -w g
soon 10 gone g
ended() { ! kill -0 $reader; }
soon 15 ended
want 0 ctl console --history g
has 'word g'
has 'after-TERM-42'
has 'after-KILL-42'

# The policies.
config p1 'on_reboot = "preserve"' 'extra = "console=hvc0 word=p1 reboot"' >/tmp/p1.cfg
config p2 'on_poweroff = "preserve"' 'extra = "console=hvc0 word=p2 halt"' >/tmp/p2.cfg
config p3 'on_crash = "preserve"' 'extra = "console=hvc0 word=p3 crash"' >/tmp/p3.cfg
config p4 'on_crash = "rename-restart"' >/tmp/p4.cfg
config p5 'on_reboot = "destroy"' 'extra = "console=hvc0 word=p5 reboot"' >/tmp/p5.cfg
want 0 ctl create -q /tmp/p1.cfg
want 0 ctl create -q /tmp/p2.cfg
want 0 ctl create -q /tmp/p3.cfg
want 0 ctl create -q /tmp/p4.cfg
soon 90 in_state p1 '^---sr-$'
soon 90 in_state p2 '^---s--$'
soon 90 in_state p3 '^---sc-$'
want 0 ctl list --json
has '"shutdown_reason": "crash"'
want 0 ctl destroy p1
want 0 ctl destroy p2
want 0 ctl destroy p3
has_word() { ctl console --history p4 | grep -q 'word p4'; }
soon 90 has_word
id=$(ctl domid p4)
type_in p4 'echo c >/proc/sysrq-trigger'
renamed() { ctl list | grep -Eq '^p4-[0-9]{8}T[0-9]{6}Z +'"$id "; }
again() { now=$(ctl domid p4) && [ "$now" != "$id" ]; }
soon 60 renamed
soon 60 again
want 0 ctl destroy "$id"
want 0 ctl destroy p4
want 0 ctl create -q /tmp/p5.cfg
soon 90 gone p5
finish

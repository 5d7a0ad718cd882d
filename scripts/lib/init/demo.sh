#!/bin/sh
# SPDX-License-Identifier: MIT
# The demo's part in dom0: plays the story and keeps what was seen in /out; the host judges it.
# Arguments: a random word for the guest's command line.
word=$1
export TERM=dumb

step() {
    echo
    echo "dom0# $*"
}

# keep NAME COMMAND…: a command's JSON for the host.
keep() {
    name=$1
    shift
    "$@" --json >"/out/$name.json" || { echo "demo: $* --json failed ($?)"; exit 1; }
}

step ctl info
ctl info || exit 1
keep info ctl info
step ctl list
ctl list || exit 1
keep list-before ctl list

step "ctl create /etc/xen/demo.cfg    # with the word $word on its command line"
ctl create /etc/xen/demo.cfg "extra='console=hvc0 hello word=$word shell'" || exit 1
step "ctl console demo"
ctl console demo </dev/null >/out/console.txt 2>/dev/null &
reader=$!
tail -n +1 -f /out/console.txt &
shower=$!
tries=${2:-120}
while ! grep -q "word $word" /out/console.txt; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || { echo "demo: the guest did not say $word"; exit 1; }
    sleep 1
done
sleep 1
kill $shower
keep list-with ctl list
step ctl list
ctl list || exit 1
step ctl shutdown -w demo
ctl shutdown -w demo || exit 1
tries=20
while kill -0 $reader 2>/dev/null && [ $tries -gt 0 ]; do
    tries=$((tries - 1))
    sleep 0.5
done
kill -0 $reader 2>/dev/null && { echo "demo: the console did not end with its guest"; exit 1; }
step ctl list
ctl list || exit 1
keep list-after ctl list
exit 0

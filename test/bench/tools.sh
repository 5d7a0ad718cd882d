#!/bin/sh
# SPDX-License-Identifier: MIT
# In dom0: runs commands of a toolstack between markers. tools.sh ctl|xl PART…; a part is a group of
# rows. Everything that a row reads lies in memory: files of the host would make it wait.
tool=$1
shift
cd /tmp || exit 1
cp /files/mark /files/tiny /files/vmlinux . || exit 1
cp /usr/share/bonsai/vmlinuz /usr/share/bonsai/initrd . || exit 1
: >rows
rounds='1 2 3 4 5 6 7 8 9'

# row NAME COMMAND…: what it prints is shown when it fails; the script's output comes at the end.
# A name that comes again is the same row once more.
row() {
    name=$1
    shift
    number=$(sed -n "s/^row \([0-9]*\) $name 1$/\1/p" rows)
    if [ -z "$number" ]; then
        number=$(($(wc -l <rows) + 1))
        echo "row $number $name 1" >>rows
    fi
    if ! ./mark "$number" "$@" >last 2>&1; then
        echo "$*:"
        cat last
        exit 1
    fi
}

config() {
    printf 'name = "%s"\ntype = "pv"\nkernel = "%s"\nmemory = %s\n%s\n' \
        "$1" "$2" "$3" "$4" >"$1.cfg"
}

# The domain is gone, and what had to be done then is over.
destroyed() {
    "$tool" destroy "$1" >/dev/null
    sleep 1
}

initrd='ramdisk = "/tmp/initrd"'
config warm /tmp/tiny 8
config packed /tmp/vmlinuz 128 "$initrd"
config plain /tmp/vmlinux 128 "$initrd"
for round in 1 2; do
    "$tool" create -p warm.cfg >/dev/null || exit 1
    "$tool" list >/dev/null
    "$tool" unpause warm
    "$tool" pause warm
    destroyed warm
    ./mark 0 true
done

part_create() {
    row create-packed-first "$tool" create -p packed.cfg
    destroyed packed
    row create-packed-again "$tool" create -p packed.cfg
    destroyed packed
    "$tool" create -p plain.cfg >/dev/null
    destroyed plain
    row create-plain "$tool" create -p plain.cfg
}

part_control() {
    for round in $rounds; do
        row true true
        row list-1 "$tool" list
    done
    "$tool" create -p warm.cfg >/dev/null
    for round in $rounds; do
        row unpause "$tool" unpause warm
        row pause "$tool" pause warm
    done
    for round in 1 2 3; do
        "$tool" create -p plain.cfg >/dev/null
        row destroy "$tool" destroy plain
        sleep 1
    done
}

# Free memory in KiB: the machine's, as the hypervisor knows it, and dom0's.
free_memory() {
    sync
    echo 3 >/proc/sys/vm/drop_caches
    machine=$(($("$tool" info | sed -n 's/^free_memory *: *//p') * 1024))
    dom0=$(awk '/^MemFree:/ { print $2 }' /proc/meminfo)
}

part_many() {
    free_memory
    machine_before=$machine dom0_before=$dom0
    count=1
    while [ $count -le 100 ]; do
        config "t$count" /tmp/tiny 8
        case $count in
        1 | 2 | 50 | 100) row "create-tiny-$count" "$tool" create -p "t$count.cfg" ;;
        *) "$tool" create -p "t$count.cfg" >/dev/null || exit 1 ;;
        esac
        count=$((count + 1))
    done
    sleep 1
    free_memory
    echo "value memory-hypervisor $(((machine_before - machine) / 100 - 8 * 1024))" >>rows
    echo "value memory-dom0 $(((dom0_before - dom0) / 100))" >>rows
    for round in $rounds; do
        row true true
        row list-100 "$tool" list
    done
}

for part in "$@"; do
    "part_$part"
done
cat rows

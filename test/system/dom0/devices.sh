# SPDX-License-Identifier: MIT
# Reads each disk once, asks the emulated network for an answer, copies a file.
number=0
for disk in /sys/block/vd* /sys/block/sd*; do
    [ "$(cat "$disk/size" 2>/dev/null)" = 16384 ] || continue
    number=$((number + 1))
    name=${disk##*/}
    echo "disk $number $name $(sha256sum <"/dev/$name" | cut -c1-64)"
done
ip addr add 10.0.2.15/24 dev eth0 && ip link set eth0 up
tries=20
until ping -c 1 -W 2 10.0.2.2 >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || break
    sleep 0.5
done
ping -c 1 -W 5 10.0.2.2 && echo "packet seen"
cp /files/blob /out/blob
grep -E 'ahci|ata|virtio|eth0|xen-pirq' /proc/interrupts | head -20

# SPDX-License-Identifier: MIT
# Load in dom0 and in a guest at once. Arguments: the toolstack's command, seconds.
tool=$1
seconds=$2
# Unpacked first: not every toolstack takes a packed archive with another one behind it.
{ zcat </usr/share/bonsai/initrd && cat /files/load.cpio; } >/tmp/initrd
cat >/tmp/load.cfg <<END
name = "load"
kernel = "/usr/share/bonsai/vmlinuz"
ramdisk = "/tmp/initrd"
extra = "console=hvc0 run=/load,$seconds shell"
memory = 256
vcpus = 2
END
$tool create /tmp/load.cfg || exit 1
$tool console load </dev/null >/out/console.txt 2>&1 &
cp /files/load /tmp/load
/tmp/load "$seconds" || exit 1
tries=120
until grep -q '^run /load ' /out/console.txt; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || { echo "the guest's load did not end"; exit 1; }
    sleep 1
done
$tool list
dmesg >/out/dmesg.txt
$tool destroy load

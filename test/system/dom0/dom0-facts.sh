# SPDX-License-Identifier: MIT
# What dom0 says of itself.
echo "processors $(nproc)"
echo "hypervisor $(cat /sys/hypervisor/type) $(cat /sys/hypervisor/version/major).$(cat /sys/hypervisor/version/minor)"
echo "memory $(($(grep MemTotal /proc/meminfo | tr -dc 0-9) / 1024))"
cat /proc/xen/capabilities
ls /dev/xen

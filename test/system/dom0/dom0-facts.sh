# SPDX-License-Identifier: MIT
# What dom0 says of itself.
echo "processors $(nproc)"
cd /sys/hypervisor
echo "hypervisor $(cat type) $(cat version/major).$(cat version/minor)"
echo "memory $(($(grep MemTotal /proc/meminfo | tr -dc 0-9) / 1024))"
cat /proc/xen/capabilities
ls /dev/xen

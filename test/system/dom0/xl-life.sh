# SPDX-License-Identifier: MIT
# One guest's life by xl: list, create, its console, shutdown, list.
xl list || exit 1
xl create /etc/xen/demo.cfg "extra='console=hvc0 hello word=xl-life shell'" || exit 1
xl console demo </dev/null >/out/console.txt 2>&1 &
tries=60
until grep -q '^word ' /out/console.txt; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || exit 1
    sleep 1
done
xl list | grep '^demo ' || exit 1
xl shutdown -w demo || exit 1
xl list >/out/after.txt

#!/bin/bash
# SPDX-License-Identifier: MIT
# `meson install` puts everything where it belongs, the GRUB script makes an entry of it, and the
# example program builds with pkg-config alone against what was installed.
. "$(dirname "$0")/lib.sh"
root=$OUT/root
rm -rf "$root"
DESTDIR=$root meson install -C "$BUILD" --no-rebuild >"$OUT/install.log" 2>&1 ||
    fail "meson install: $(tail -n 1 "$OUT/install.log")"

# one PATTERN…: exactly what is named there must exist.
one() {
    local pattern
    for pattern in "$@"; do
        compgen -G "$root$pattern" >/dev/null || fail "$pattern is not installed"
    done
}
option() {
    meson introspect "$BUILD" --buildoptions | python3 -c 'import json, sys
print(next(o["value"] for o in json.load(sys.stdin) if o["name"] == sys.argv[1]))' "$1"
}
prefix=$(option prefix)
lib=$prefix/$(option libdir)
one /boot/bonsai /etc/grub.d/20_linux_bonsai
cmp -s "$root/boot/bonsai" "$BUILD/hypervisor/bonsai" || fail "/boot/bonsai is not what was built"
one "$prefix/*bin/ctl" "$prefix/*bin/ctld" "$prefix/*bin/stored" "$prefix/bin/store" \
    "$prefix/include/ctrl.h" "$prefix/include/store.h" \
    "$lib/libctrl.so.0" "$lib/libstore.so.0" \
    "$lib/pkgconfig/libctrl.pc" "$lib/pkgconfig/libstore.pc" \
    "$prefix/share/man/man1/ctl.1" "$prefix/share/man/man5/ctl.cfg.5" \
    "$prefix/share/bash-completion/completions/ctl" /etc/xen
[ -n "$(find "$root" -name 'stored.service')" ] || fail "no unit of stored"
[ -n "$(find "$root" -name 'ctld.service')" ] || fail "no unit of ctld"

# The GRUB script, with two kernels of which one can be dom0.
boot=$OUT/boot
mkdir -p "$boot" "$OUT/grub"
cp "$root/boot/bonsai" "$boot/bonsai"
touch "$boot/vmlinuz-6.1.0" "$boot/initrd.img-6.1.0" "$boot/vmlinuz-5.9"
echo 'CONFIG_XEN_DOM0=y' >"$boot/config-6.1.0"
echo '# CONFIG_XEN is not set' >"$boot/config-5.9"
echo 'GRUB_CMDLINE_BONSAI="dom0_mem=1G console=com1"' >"$OUT/grub/default"
cat >"$OUT/grub/grub-mkconfig_lib" <<'END'
prepare_grub_to_access_device() { echo "search --set=root $1"; }
make_system_path_relative_to_its_root() { echo /boot; }
END
menu=$(pkgdatadir=$OUT/grub BONSAI_BOOT=$boot BONSAI_GRUB_DEFAULT=$OUT/grub/default \
    GRUB_DEVICE_UUID=1234 GRUB_DEVICE_BOOT=/dev/sda1 GRUB_DISTRIBUTOR=Debian \
    GRUB_CMDLINE_LINUX=quiet "$root/etc/grub.d/20_linux_bonsai") || fail "20_linux_bonsai"
echo "$menu" >"$OUT/grub.cfg"
expect "^menuentry 'Debian, with Bonsai and Linux 6.1.0'" "$OUT/grub.cfg"
expect '^ *multiboot2 /boot/bonsai dom0_mem=1G console=com1' "$OUT/grub.cfg"
expect '^ *module2 /boot/vmlinuz-6.1.0 root=UUID=1234 ro quiet' "$OUT/grub.cfg"
expect '^ *module2 .*/boot/initrd.img-6.1.0' "$OUT/grub.cfg"
refuse '5\.9' "$OUT/grub.cfg"
if command -v grub-script-check >/dev/null; then
    grub-script-check "$OUT/grub.cfg" || fail "GRUB does not understand the entry"
fi

export PKG_CONFIG_SYSROOT_DIR=$root
export PKG_CONFIG_PATH=$root$lib/pkgconfig
# shellcheck disable=SC2046
gcc -o "$OUT/lifecycle" "$TOP/libctrl/examples/lifecycle.c" \
    $(pkg-config --cflags --libs libctrl libstore) \
    "-Wl,-rpath-link,$root$lib" || fail "lifecycle.c by pkg-config"
echo "installed: $(find "$root" -type f | wc -l) files"

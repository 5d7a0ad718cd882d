# SPDX-License-Identifier: MIT
"""Kernel modules for an initramfs: which ones, and in what order they load.

A package's modules come without modules.dep (its postinst would make it), so the dependencies are
read from the modules themselves: each carries a string `depends=a,b`.
"""
import os
import re

from base import Stop, read

XEN = ['xenfs', 'xen-privcmd', 'xen-evtchn', 'xen-gntdev', 'xen-gntalloc']
SHARES = ['virtio_pci', '9p', '9pnet_virtio']
ROOT = ['virtio_blk', 'ext4', 'overlay']
DISKS = {'virtio': ['virtio_blk'], 'ahci': ['ahci', 'sd_mod'], 'ide': ['ata_piix', 'sd_mod']}
NETS = {'user': ['e1000'], 'listen': ['virtio_net'], 'connect': ['virtio_net']}
BACKENDS = ['xen-blkback', 'xen-netback', 'loop', 'bridge', 'xen-pciback']
GUEST = ['xen-blkfront', 'xen-netfront']

# Everything that dom0's initramfs holds; what is loaded at start is chosen for each run.
DOM0 = sorted(set(XEN + SHARES + ROOT + BACKENDS + sum(DISKS.values(), [])
                  + sum(NETS.values(), [])))


class Modules:
    def __init__(self, folder):
        self.folder = folder
        self.version = os.path.basename(folder)
        self.paths = {}
        for base, _, files in os.walk(os.path.join(folder, 'kernel')):
            for file in files:
                if file.endswith('.ko'):
                    self.paths[self._plain(file[:-3])] = os.path.join(base, file)

    @staticmethod
    def _plain(name):
        return name.replace('-', '_')

    def needs(self, name):
        found = re.search(rb'\0depends=([^\0]*)\0', read(self.paths[self._plain(name)]))
        names = found.group(1).decode().split(',') if found else []
        # A dependency that libcrc32c and its like state only softly.
        soft = {'ext4': ['crc32c_generic'], 'libcrc32c': ['crc32c_generic']}
        return [n for n in names if n] + soft.get(name, [])

    def order(self, names):
        """Names with all they need, each after what it needs."""
        done = []

        def add(name):
            plain = self._plain(name)
            if plain not in self.paths:
                raise Stop(127, f'the kernel package has no module {name}')
            if plain not in done:
                for need in self.needs(name):
                    add(need)
                done.append(plain)

        for name in names:
            add(name)
        return done

    def inside(self, name):
        """Where a module lies in the initramfs."""
        path = os.path.relpath(self.paths[self._plain(name)], self.folder)
        return f'usr/lib/modules/{self.version}/{path}'

    def add_to(self, archive, names):
        lines = []
        for name in self.order(names):
            archive.copy(self.inside(name), self.paths[name], 0o644)
            needs = [n for n in reversed(self.order([name])) if n != name]
            prefix = f'usr/lib/modules/{self.version}/'
            lines.append(' '.join([self.inside(name)[len(prefix):] + ':']
                                  + [self.inside(n)[len(prefix):] for n in needs]))
        archive.file(f'usr/lib/modules/{self.version}/modules.dep', '\n'.join(lines) + '\n')

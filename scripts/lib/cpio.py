# SPDX-License-Identifier: MIT
"""Writer of cpio archives in the newc format, the one that Linux unpacks as its initramfs.

Written here, and not by cpio(1), because a device node in an archive needs no root when the
archive is made by hand. Archives can be put one behind the other: later files win.
"""
import os
import stat


class Archive:
    def __init__(self):
        self.parts = []
        self.names = set()
        self.inode = 1

    def _entry(self, name, mode, data=b'', device=(0, 0)):
        raw = name.encode() + b'\0'
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, device[0], device[1], len(raw), 0)
        head = b'070701' + b''.join(b'%08X' % field for field in fields) + raw
        self.inode += 1
        self.parts += [head, b'\0' * (-len(head) % 4), data, b'\0' * (-len(data) % 4)]

    def folder(self, name, mode=0o755):
        if name and name not in self.names:
            self.folder(os.path.dirname(name))
            self.names.add(name)
            self._entry(name, stat.S_IFDIR | mode)

    def _new(self, name):
        self.folder(os.path.dirname(name))
        if name in self.names:
            return False
        self.names.add(name)
        return True

    def file(self, name, data, mode=0o644):
        if self._new(name):
            self._entry(name, stat.S_IFREG | mode, data.encode() if isinstance(data, str) else data)

    def link(self, name, target):
        if self._new(name):
            self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def node(self, name, kind, major, minor, mode=0o600):
        if self._new(name):
            self._entry(name, kind | mode, device=(major, minor))

    def copy(self, name, path, mode=None):
        """A file of the host, its symbolic links followed."""
        with open(path, 'rb') as file:
            self.file(name, file.read(), mode or (os.stat(path).st_mode & 0o777))

    def tree(self, name, path):
        """A folder of the host with everything in it, symbolic links kept."""
        for base, folders, files in os.walk(path):
            inside = os.path.normpath(os.path.join(name, os.path.relpath(base, path)))
            self.folder('' if inside == '.' else inside)
            for entry in sorted(folders + files):
                source = os.path.join(base, entry)
                target = os.path.normpath(os.path.join(inside, entry))
                if os.path.islink(source):
                    self.link(target, os.readlink(source))
                elif os.path.isfile(source):
                    self.copy(target, source)

    def bytes(self):
        self._entry('TRAILER!!!', 0)
        data = b''.join(self.parts)
        return data + b'\0' * (-len(data) % 512)

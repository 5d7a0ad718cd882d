# SPDX-License-Identifier: MIT
"""What dom0 and guests start from: initramfs layers and the root image of Debian packages.

dom0's initramfs is several archives, one behind the other: base (busybox, kernel modules), tools
(our programs, their libraries, the guests for scripts) and one for each run (script, settings).
The first two are kept by content. Root debian adds a read-only ext4 image, made without root.
"""
import glob
import os
import re
import shutil
import stat

from base import BUILD, IMG, LIB, PKG, Step, Stop, digest, file_id, locked, read, run, write_atomic
from cpio import Archive
from modules import DOM0, GUEST, Modules
import packages

# Limit of --initrd-files: a larger initramfs makes a dom0 of ordinary size panic.
INITRD_LIMIT = 100 << 20

TOOLS = ['ctl', 'ctld', 'stored', 'store']
UNPACKERS = ['libz.so.1', 'liblzma.so.5', 'liblz4.so.1', 'libzstd.so.1']
DEBIAN = ['base-files', 'base-passwd', 'bash', 'dash', 'coreutils', 'util-linux', 'mount', 'grep',
          'sed', 'mawk', 'findutils', 'hostname', 'procps', 'kmod', 'udev', 'iproute2', 'tar',
          'gzip', 'libc-bin', 'ncurses-bin', 'libyajl2', 'libuuid1', 'liblzma5', 'libzstd1',
          'liblz4-1', 'zlib1g', 'libmnl0']
XL = ['xen-utils-4.17', 'xenstore-utils', 'python3']


def _script(name):
    return read(os.path.join(LIB, 'init', name))


def _kept(kind, key, make):
    """The file build/img/KIND-KEY; made first, and older ones of its kind removed, if missing."""
    path = os.path.join(IMG, f'{kind}-{key}')
    with locked(IMG):
        if not os.path.exists(path):
            with Step(f'make {kind}'):
                make(path)
        os.utime(path)
        old = sorted(glob.glob(os.path.join(IMG, f'{kind}-*')), key=os.path.getmtime)[:-6]
        for file in old:
            os.unlink(file)
    return path


def _self():
    return digest(read(__file__), read(os.path.join(LIB, 'modules.py')),
                  read(os.path.join(LIB, 'cpio.py')))


def busybox():
    folder = packages.unpacked('busybox-static')
    for place in ('bin', 'usr/bin'):
        path = os.path.join(folder, place, 'busybox')
        if os.path.exists(path):
            return path
    raise Stop(127, 'the package busybox-static holds no busybox')


def _user_space(archive):
    """busybox under all its names, the folders and the device nodes that come before devtmpfs."""
    for name in ('bin', 'sbin', 'lib', 'lib64'):
        archive.folder(f'usr/{name}')
        archive.link(name, f'usr/{name}')
    for name in ('dev', 'proc', 'sys', 'run', 'tmp', 'root', 'etc', 'mnt', 'var/log', 'var/lib'):
        archive.folder(name)
    archive.link('var/run', '../run')
    archive.node('dev/console', stat.S_IFCHR, 5, 1)
    archive.node('dev/null', stat.S_IFCHR, 1, 3, 0o666)
    program = busybox()
    archive.copy('usr/bin/busybox', program, 0o755)
    for name in run([program, '--list-full'], what='busybox').split():
        place = 'usr/sbin' if 'sbin' in name else 'usr/bin'
        archive.link(f'{place}/{os.path.basename(name)}', '/usr/bin/busybox')
    archive.link('usr/bin/bash', '/usr/bin/busybox')
    archive.file('etc/passwd', 'root::0:0:root:/root:/bin/sh\n')
    archive.file('etc/group', 'root:x:0:\n')


def base_layer():
    """dom0's initramfs without our programs: busybox, modules, init."""
    _, folder, version = packages.kernel()

    def make(path):
        archive = Archive()
        _user_space(archive)
        Modules(folder).add_to(archive, DOM0)
        archive.file('init', _script('dom0-init'), 0o755)
        archive.file('etc/bonsai/start', _script('dom0-start'), 0o755)
        write_atomic(path, archive.bytes())

    return _kept('base', digest(version, _self(), _script('dom0-init'), _script('dom0-start'),
                                file_id(busybox())), make)


def guest_initrd():
    """The initramfs of the guests that tests start: obeys the words of its command line."""
    _, folder, version = packages.kernel()

    def make(path):
        import gzip
        archive = Archive()
        # The kernel runs these when the toolstack asks it to end; there is no init to signal.
        for name in ('poweroff', 'reboot'):
            archive.file(f'usr/sbin/{name}',
                         f'#!/bin/sh\nsync\nexec /usr/bin/busybox {name} -f\n', 0o755)
        _user_space(archive)
        modules = Modules(folder)
        modules.add_to(archive, GUEST)
        archive.file('etc/modules', ''.join(f'/{modules.inside(m)}\n'
                                            for m in modules.order(GUEST)))
        archive.file('init', _script('guest-init'), 0o755)
        write_atomic(path, gzip.compress(archive.bytes(), 6, mtime=0))

    return _kept('guest-initrd', digest(version, _self(), _script('guest-init'),
                                        file_id(busybox())), make)


def tools():
    """The toolstack's files in the build folder: name to path. Missing ones are left out."""
    found = {}
    for name in TOOLS:
        for place in ('xl', 'xl/ctl', 'xl/ctld', 'libstore', 'libstore/stored'):
            path = os.path.join(BUILD, place, name)
            if os.path.isfile(path) and os.access(path, os.X_OK):
                found[name] = path
                break
    return found


def _libraries(programs):
    """Shared libraries of our programs: ours, and the host's."""
    ours, host = {}, {}
    for program in programs:
        for line in run(['ldd', program], what='ldd').splitlines():
            match = re.search(r'(\S+) => (/\S+)', line) or re.search(r'^\s*((/\S+))', line)
            if match:
                into = ours if match.group(2).startswith(os.path.abspath(BUILD)) else host
                into[os.path.basename(match.group(1))] = match.group(2)
    # libctrl loads these itself, when a kernel image needs one.
    if programs:
        for name in UNPACKERS:
            for place in ('/usr/lib/x86_64-linux-gnu', '/lib/x86_64-linux-gnu'):
                if os.path.exists(os.path.join(place, name)):
                    host[name] = os.path.join(place, name)
                    break
    return ours, host


def _demo_config():
    for name in ('configs/demo.cfg', 'configs/guests/demo.cfg'):
        path = os.path.join(os.path.dirname(os.path.dirname(LIB)), name)
        if os.path.exists(path):
            return read(path)
    return _script('demo.cfg')


def tools_layer(with_tools):
    """Our programs with their libraries, and the guests for scripts in /usr/share/bonsai."""
    image, _, _ = packages.kernel()
    initrd = guest_initrd()
    programs = tools() if with_tools else {}
    ours, host = _libraries(list(programs.values()))
    files = list(programs.values()) + list(ours.values()) + list(host.values())

    def make(path):
        archive = Archive()
        carry = ['etc/bonsai', 'usr/share/bonsai', 'etc/xen/demo.cfg']
        for name, source in programs.items():
            archive.copy(f'usr/sbin/{name}', source, 0o755)
            carry.append(f'usr/sbin/{name}')
        if 'ctl' in programs:
            archive.link('usr/sbin/xl', 'ctl')
        for name, source in ours.items():
            archive.copy(f'usr/lib/x86_64-linux-gnu/{name}', source, 0o644)
            carry.append(f'usr/lib/x86_64-linux-gnu/{name}')
        for name, source in host.items():
            place = 'usr/lib64' if name.startswith('ld-') else 'usr/lib/x86_64-linux-gnu'
            archive.copy(f'{place}/{name}', source, 0o755)
        archive.copy('usr/share/bonsai/vmlinuz', image, 0o644)
        archive.copy('usr/share/bonsai/initrd', initrd, 0o644)
        archive.file('etc/xen/demo.cfg', _demo_config())
        archive.file('etc/bonsai/carry', '\n'.join(carry) + '\n')
        write_atomic(path, archive.bytes())

    return _kept('tools', digest(_self(), initrd, image, _demo_config(),
                                 *[file_id(file) for file in files]), make)


def folder_layer(folder):
    """A folder of the host, put into the initramfs; refused when it is too large."""
    size = sum(os.path.getsize(os.path.join(base, file)) for base, _, files in os.walk(folder)
               for file in files if os.path.isfile(os.path.join(base, file)))
    if size > INITRD_LIMIT:
        raise Stop(126, f'{folder} holds {size >> 20} MiB; an initramfs may hold '
                        f'{INITRD_LIMIT >> 20} MiB: use --files')
    archive = Archive()
    archive.tree('', folder)
    return archive.bytes()


def _finish_root(folder):
    """What the packages' own installation scripts would have made."""
    etc = os.path.join(folder, 'etc')
    for name in ('passwd', 'group'):
        master = os.path.join(folder, 'usr/share/base-passwd', f'{name}.master')
        if os.path.exists(master):
            shutil.copy(master, os.path.join(etc, name))
    links = {'bin/awk': 'mawk', 'bin/sh': 'dash'}
    for name, target in links.items():
        path = os.path.join(folder, 'usr', name)
        if not os.path.lexists(path):
            os.symlink(target, path)
    os.makedirs(os.path.join(folder, 'var'), exist_ok=True)
    for name, target in {'var/run': '/run', 'var/lock': '/run/lock'}.items():
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        if not os.path.lexists(path):
            os.symlink(target, path)
    for name in ('proc', 'sys', 'dev', 'run', 'tmp', 'root', 'files', 'out', 'etc/bonsai',
                 'var/log/xen', 'var/lib/xen'):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    for name in ('usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/info',
                 'usr/share/lintian', 'usr/share/zoneinfo'):
        shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


def debian_image(extra, with_xl):
    """A read-only ext4 image of Debian packages with their dependencies, made by mke2fs -d."""
    names = DEBIAN + (XL if with_xl else []) + list(extra)
    debs = packages.fetch(names, dependencies=True)

    def make(path):
        folder = os.path.join(PKG, f'root.{os.getpid()}')
        shutil.rmtree(folder, ignore_errors=True)
        for name in ('bin', 'sbin', 'lib', 'lib64'):
            os.makedirs(os.path.join(folder, 'usr', name))
            os.symlink(f'usr/{name}', os.path.join(folder, name))
        packages.unpack_into(debs, folder)
        _finish_root(folder)
        size = int(run(['du', '-sm', folder]).split()[0])
        temporary = f'{path}.tmp'
        run(['/sbin/mke2fs', '-q', '-t', 'ext4', '-O', '^has_journal', '-m', '0', '-E',
             'root_owner=0:0', '-d', folder, '-F', temporary, f'{size + size // 8 + 16}M'],
            what='mke2fs')
        shutil.rmtree(folder)
        os.rename(temporary, path)

    return _kept('debian', digest(_self(), *[os.path.basename(deb) for deb in debs]), make)

# SPDX-License-Identifier: MIT
"""Debian packages for dom0 and guests: downloaded and unpacked, never installed.

apt resolves dependencies against an empty package database of ours, so the answer does not depend
on what the building machine has installed; the same database lets it download as any user. Each
set of packages is listed once in build/pkg/sets/, and that list is what a second run reads.
"""
import glob
import os
import re
import shutil

from base import PKG, Step, Stop, digest, locked, read, run, write_atomic

ARCHIVES = os.path.join(PKG, 'archives')
SETS = os.path.join(PKG, 'sets')
UNPACKED = os.path.join(PKG, 'unpacked')


def _apt(arguments, what, archives=ARCHIVES):
    empty = os.path.join(PKG, 'empty-status')
    os.makedirs(os.path.join(archives, 'partial'), exist_ok=True)
    write_atomic(empty, '')
    return run(['apt-get', '-o', 'Debug::NoLocking=1', '-o', f'Dir::State::status={empty}',
                '-o', f'Dir::Cache::archives={archives}', '-o', 'APT::Sandbox::User=root',
                '-o', 'APT::Install-Recommends=0', '-o', 'Acquire::Retries=3',
                '-y', '-q'] + arguments, what=what, cwd=archives,
               env=dict(os.environ, LC_ALL='C', DEBIAN_FRONTEND='noninteractive'))


def _want(names, dependencies):
    """The file names of a set's packages, as apt would download them into an empty folder: what
    is there already it does not name."""
    none = os.path.join(PKG, 'no-archives')
    if not dependencies:
        out = _apt(['--print-uris', 'download'] + names, 'apt-get download', none)
    else:
        out = _apt(['--print-uris', 'install'] + names, 'apt-get install --print-uris', none)
    return re.findall(r"^'[^']+' (\S+\.deb) ", out, re.MULTILINE)


def fetch(names, dependencies=False):
    """Download a set of packages; the paths of their files."""
    names = sorted(set(names))
    known = os.path.join(SETS, digest('set', dependencies, *names))
    with locked(PKG):
        if os.path.exists(known):
            files = read(known).decode().split()
            if all(os.path.exists(os.path.join(ARCHIVES, file)) for file in files):
                return [os.path.join(ARCHIVES, file) for file in files]
        shown = ' '.join(names if len(names) < 6 else names[:5] + ['…'])
        with Step(f'download {shown}' + (' with dependencies' if dependencies else '')):
            files = _want(names, dependencies)
            if not files:
                raise Stop(127, f'apt-get finds no package for {shown}; run apt-get update')
            if dependencies:
                _apt(['--download-only', 'install'] + names, 'apt-get')
            else:
                _apt(['download'] + names, 'apt-get download')
            missing = [f for f in files if not os.path.exists(os.path.join(ARCHIVES, f))]
            if missing:
                raise Stop(127, f'apt-get did not download {missing[0]}')
        write_atomic(known, '\n'.join(files) + '\n')
        return [os.path.join(ARCHIVES, file) for file in files]


def unpack_into(debs, folder):
    for deb in debs:
        run(['dpkg-deb', '-x', deb, folder], what=f'unpacking {os.path.basename(deb)}')


def unpacked(name):
    """One package without its dependencies; the folder that holds its files."""
    deb = fetch([name])[0]
    folder = os.path.join(UNPACKED, os.path.basename(deb)[:-len('.deb')])
    with locked(PKG):
        if not os.path.exists(folder):
            partial = f'{folder}.partial'
            shutil.rmtree(partial, ignore_errors=True)
            os.makedirs(partial)
            unpack_into([deb], partial)
            os.rename(partial, folder)
    return folder


def kernel_folder():
    """The unpacked package of Debian's kernel: the one that linux-image-amd64 stands for."""
    known = os.path.join(SETS, 'kernel-name')
    if not os.path.exists(known):
        out = run(['apt-cache', 'depends', 'linux-image-amd64'], what='apt-cache')
        found = re.search(r'Depends: (linux-image-\S+-amd64)', out)
        if not found:
            raise Stop(127, 'apt-cache does not know linux-image-amd64; run apt-get update')
        write_atomic(known, found.group(1))
    return unpacked(read(known).decode())


def kernel():
    """Debian's kernel: path of vmlinuz, folder of its modules, its version."""
    folder = kernel_folder()
    image = glob.glob(os.path.join(folder, 'boot', 'vmlinuz-*'))[0]
    version = os.path.basename(image)[len('vmlinuz-'):]
    return image, os.path.join(folder, 'lib', 'modules', version), version


def xen():
    """Debian's hypervisor as an uncompressed ELF file, as QEMU's -kernel wants it."""
    import gzip
    folder = unpacked('xen-hypervisor-4.17-amd64')
    source = os.path.join(folder, 'boot', 'xen-4.17-amd64.gz')
    target = os.path.join(folder, 'boot', 'xen-4.17-amd64')
    if not os.path.exists(target):
        with gzip.open(source) as file:
            write_atomic(target, file.read())
    return target

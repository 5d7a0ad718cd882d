# SPDX-License-Identifier: MIT
"""Daemons of the store on plain Linux: ours and Debian's two, each in a folder, over the shim."""
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.abspath(os.path.join(HERE, '..', '..', '..'))
sys.path.insert(0, os.path.join(TOP, 'scripts', 'lib'))

from base import BUILD, TIME_FACTOR, Stop  # noqa: E402
import packages  # noqa: E402

UTILS = 'xen-utils-4.17'
LIBRARIES = ['libxencall1', 'libxendevicemodel1', 'libxenevtchn1', 'libxenforeignmemory1',
             'libxengnttab1', 'libxenmisc4.17', 'libxentoolcore1', 'libxentoollog1']
KNOWN = (4, 17, 7)  # the daemons whose differences compare.c lists
PAGES = 16

# The same limits for all three.
LIMITS = {'nodes': 40, 'watches': 6, 'transactions': 4, 'node-size': 400, 'permissions': 3,
          'path-max': 300, 'outstanding': 1000}
STORED = ['--quota', 'bytes=100000000'] + [w for name, value in LIMITS.items()
                                           for w in ('--quota', f'{name}={value}')]
# xenstored lets one more watch and one more transaction through.
XENSTORED = ['--entry-nb', str(LIMITS['nodes']), '--watch-nb', str(LIMITS['watches'] - 1),
             '--transaction', str(LIMITS['transactions'] - 1),
             '--entry-size',
             str(LIMITS['node-size']), '--perm-nb', str(LIMITS['permissions']),
             '--path-max', str(LIMITS['path-max']), '--quota',
             f'outstanding={LIMITS["outstanding"]}', '--quota', 'memory=100000000']
OXENSTORED = f'''pid-file = /run/xenstored/pid
test-eagain = false
persistent = false
quota-activate = true
quota-maxentity = {LIMITS['nodes']}
quota-maxsize = {LIMITS['node-size']}
quota-maxwatch = {LIMITS['watches']}
quota-transaction = {LIMITS['transactions']}
quota-maxrequests = 1000000
quota-path-max = {LIMITS['path-max']}
quota-maxoutstanding = 1000000
quota-maxwatchevents = 1000000
conflict-burst-limit = 1000000.0
conflict-rate-limit-is-aggregate = false
xenstored-kva = /proc/xen/xsd_kva
xenstored-port = /proc/xen/xsd_port
'''


def version():
    """Of Debian's daemons."""
    found = re.search(r'_(\d+)\.(\d+)\.(\d+)', os.path.basename(packages.unpacked(UTILS)))
    return tuple(int(n) for n in found.groups())


def compile_c(target, *sources, shared=False):
    """A program or a preload library of the C files here."""
    words = [os.environ.get('CC', 'cc'), '-std=gnu17', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra',
             '-Werror', '-I', os.path.join(TOP, 'hypervisor', 'include')]
    words += ['-shared', '-fPIC'] if shared else []
    subprocess.run(words + ['-o', target] + [os.path.join(HERE, s) for s in sources], check=True)
    return target


def _folder(top, name):
    folder = os.path.join(top, name)
    os.mkdir(folder)
    for file, content in (('xsd_port', b'7'), ('xsd_kva', bytes(4096)),
                          ('rings', bytes(4096 * PAGES))):
        with open(os.path.join(folder, file), 'wb') as out:
            out.write(content)
    return folder


class Daemon:
    def __init__(self, top, name, shim, program=None):
        self.name, self.folder = name, _folder(top, name)
        self.environment = dict(os.environ, STORE_FAKE=self.folder, LD_PRELOAD=shim,
                                XENSTORED_RUNDIR=self.folder, XENSTORED_ROOTDIR=self.folder)
        theirs = {'xenstored': XENSTORED, 'oxenstored': ['--no-fork']}
        if name in theirs:
            folders = [packages.unpacked(each) for each in LIBRARIES]
            self.environment['LD_LIBRARY_PATH'] = ':'.join(
                os.path.join(f, 'usr/lib/x86_64-linux-gnu') for f in folders)
            program = os.path.join(packages.unpacked(UTILS), 'usr/lib/xen-4.17/bin', name)
            self.words = [program] + theirs[name]
            if name == 'xenstored':
                self.words += ['--no-fork', '--pid-file', os.path.join(self.folder, 'pid')]
            else:
                config = os.path.join(self.folder, 'conf')
                with open(config, 'w', encoding='ascii') as out:
                    out.write(OXENSTORED)
                    # It rotates its logs, by renaming whatever file it is told to write.
                    for kind in ('xenstored', 'access'):
                        out.write(f'{kind}-log-file = {self.folder}/{kind}.log\n')
                self.words += ['--config-file', config]
        else:
            program = program or os.path.join(BUILD, 'libstore', 'stored', 'stored')
            self.words = [program, '--no-fork', '--pid-file',
                          os.path.join(self.folder, 'pid')] + STORED
        self.process = None

    def start(self, *more):
        with open(os.path.join(self.folder, 'log'), 'ab') as log:
            self.process = subprocess.Popen(self.words + list(more), env=self.environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        socket = os.path.join(self.folder, 'socket')
        for _ in range(int(200 * TIME_FACTOR)):
            if os.path.exists(socket):
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise Stop(1, f'{self.name} does not start: {self.log()}')

    def log(self):
        with open(os.path.join(self.folder, 'log'), errors='replace') as log:
            return log.read()[-4000:]

    def stop(self):
        """Its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

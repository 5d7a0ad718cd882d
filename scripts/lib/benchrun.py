# SPDX-License-Identifier: MIT
"""One machine with the counting plugin, and what the plugin wrote.

Each line of the plugin's file is a moment: its kind (entry, kernel, mark, end), a number, and all
counters at that moment. What an operation costs is the difference of two moments.
"""
import os
import re
import statistics
import struct
import subprocess

from base import BUILD, TIME_FACTOR, TOP, Stop, read, run

SPACES = ['early', 'hypervisor', 'kernel', 'user']
KINDS = ['insns', 'bytes', 'iret', 'cr3', 'msr', 'invlpg', 'lock', 'vmrun', 'port']
MULTIBOOT = struct.pack('<I', 0x1BADB002)


class Counts:
    """Counters, or a difference of them, or a mean."""

    def __init__(self, numbers):
        self.numbers = numbers

    def __sub__(self, other):
        return Counts([a - b for a, b in zip(self.numbers, other.numbers)])

    def each(self, units):
        return Counts([a / units for a in self.numbers])

    def of(self, space, kind='insns'):
        return self.numbers[SPACES.index(space) * len(KINDS) + KINDS.index(kind)]

    def total(self, kind='insns', spaces=SPACES):
        return sum(self.of(space, kind) for space in spaces)


def median(counts):
    """Of each counter for itself."""
    return Counts([statistics.median(column) for column in zip(*(c.numbers for c in counts))])


class Moments:
    """The plugin's file, read."""

    def __init__(self, path):
        self.moments, self.addresses = [], {}
        for line in read(path).decode().splitlines():
            kind, *rest = line.split()
            if kind == 'address':
                self.addresses[int(rest[0], 16)] = int(rest[1])
            else:
                self.moments.append((kind, int(rest[0]), Counts([int(n) for n in rest[1:]])))

    def first(self, kind):
        for what, _, counts in self.moments:
            if what == kind:
                return counts
        raise Stop(1, f'the machine did not come to “{kind}”')

    def blocks(self, number):
        """What was counted between each marker 2 N and the marker 2 N + 1 that follows it."""
        found, start = [], None
        for kind, marker, counts in self.moments:
            if kind == 'mark' and marker == 2 * number:
                start = counts
            elif kind == 'mark' and marker == 2 * number + 1 and start is not None:
                found.append(counts - start)
                start = None
        return found


def entry_address(path):
    """Where QEMU's loader starts a hypervisor: by its multiboot header, else by its ELF header."""
    head = read(path)[:32768]
    at = head.find(MULTIBOOT)
    while 0 <= at < 8192:
        magic, flags, check = struct.unpack_from('<III', head, at)
        if (magic + flags + check) & 0xffffffff == 0:
            if flags & 0x10000:
                return struct.unpack_from('<I', head, at + 28)[0]
            break
        at = head.find(MULTIBOOT, at + 4)
    return struct.unpack_from('<I' if head[4] == 1 else '<Q', head, 24)[0]


def hypervisor_of(words):
    """The hypervisor's file, from the command line of QEMU that scripts/boot prints."""
    shown = run([os.path.join(TOP, 'scripts', 'boot')] + words + ['--print'], 1, 'scripts/boot')
    return re.search(r'-kernel (\S+)', shown).group(1)


def machine(name, side, words, plugin='', limit=300):
    """Runs one machine; its Moments and what it said."""
    out = os.path.join(BUILD, 'runs', f'{name}-{side}')
    os.makedirs(out, exist_ok=True)
    counts = os.path.join(out, 'counts')
    words = ['--hypervisor', side, '--deterministic', '--quiet', '--cpus', '1', '--out', out,
             '--timeout', str(limit)] + words
    arguments = f'{os.path.join(BUILD, "test", "bench", "count.so")},out={counts}'
    arguments += f',entry={entry_address(hypervisor_of(words)):#x}{plugin}'
    # If the bench is killed, its machine goes with it.
    command = ['setpriv', '--pdeathsig', 'TERM', os.path.join(TOP, 'scripts', 'boot'),
               '--plugin', arguments] + words
    with open(os.path.join(out, 'boot.log'), 'wb') as log:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                              check=False, timeout=limit * TIME_FACTOR + 600)
    if done.returncode != 0:
        raise Stop(1, f'{name} on {side} ended with {done.returncode}; see {out}/console.log')
    log = os.path.join(out, 'script.log' if '--dom0-script' in words else 'console.log')
    return Moments(counts), read(log).decode(errors='replace').replace('\r', '')

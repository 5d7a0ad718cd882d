# SPDX-License-Identifier: MIT
"""The jobs of the bench: each runs one or more machines on one side and gives values of rows.

A value is a Counts (benchrun.py) and the spaces in which instructions count for its rows.
"""
import lzma
import os
import re
import shutil
import struct

from base import BUILD, TOP, Stop, read, write_atomic
import benchrun
import packages

HYPERVISOR = ['early', 'hypervisor']


class Value:
    def __init__(self, counts, spaces):
        self.counts, self.spaces = counts, spaces

    def number(self):
        return self.counts.total('insns', self.spaces)

    def parts(self):
        return {space: round(self.counts.of(space), 2) for space in self.spaces}

    def dear(self):
        """What is dear on real processors, and bytes of string operations."""
        found = {kind: self.counts.total(kind, self.spaces) for kind in benchrun.KINDS[1:]}
        return {kind: round(n, 2) for kind, n in found.items() if n != 0}


def _built(name):
    return os.path.join(BUILD, 'test', 'bench', name)


def _machine_of_calls(name, side, mib=1024, plugin=''):
    return benchrun.machine(name, side, ['--dom0-kernel', _built('calls'), '--mem', str(mib),
                                         '--dom0-mem', '256'], plugin)


def _rows(console):
    """(number, name, units of a block) of each row that the kernel of the calls did."""
    return [(int(number), name, int(units)) for number, name, units
            in re.findall(r'^row (\d+) (\S+) (\d+)$', console, re.MULTILINE)]


def calls(side):
    moments, console = _machine_of_calls('calls', side)
    values = {}
    for number, name, units in _rows(console):
        counts = benchrun.median(moments.blocks(number)).each(units)
        values[name] = Value(counts, ['hypervisor'])
    return values


def boot(side):
    costs = []
    for mib in (1024, 2048):
        moments, _ = _machine_of_calls(f'boot-{mib}', side, mib)
        costs.append(moments.first('kernel') - moments.first('entry'))
    return {'boot': Value(costs[0], benchrun.SPACES),
            'boot-each-gib': Value(costs[1] - costs[0], benchrun.SPACES)}


def profile(name):
    """Instructions of one row of the calls by address, for one unit of it."""
    _, console = _machine_of_calls('calls', 'bonsai')
    found = [(number, units) for number, row, units in _rows(console) if row == name]
    if not found:
        raise Stop(2, f'no call “{name}” to profile; there are '
                   + ' '.join(row for _, row, _ in _rows(console)))
    number, units = found[0]
    moments, _ = _machine_of_calls('profile', 'bonsai', plugin=f',profile={number}')
    units *= len(moments.blocks(number))
    return {address: count / units for address, count in moments.addresses.items()}


def handover(side):
    """Until Debian's kernel has its first instruction."""
    moments, _ = benchrun.machine('handover', side, [
        '--toolstack', 'none', '--mem', '1024', '--until', 'Linux version'])
    return {'hand-over': Value(moments.first('kernel') - moments.first('entry'), benchrun.SPACES)}


def _unpacked(image, target):
    """The ELF file inside a bzImage whose payload is xz."""
    data = read(image)
    start = (data[0x1f1] + 1) * 512
    offset, length = struct.unpack_from('<II', data, 0x248)
    payload = data[start + offset:start + offset + length]
    # Behind the stream stands its length.
    write_atomic(target, lzma.LZMADecompressor().decompress(payload))


def _tools(part, side, mem, dom0_mem):
    """Commands in dom0 by test/bench/tools.sh: our ctl on Bonsai, Debian's xl on its Xen."""
    files = os.path.join(BUILD, 'runs', 'bench-files')
    os.makedirs(files, exist_ok=True)
    shutil.copy(_built('mark'), os.path.join(files, 'mark'))
    shutil.copy(_built('idle'), os.path.join(files, 'tiny'))
    _unpacked(packages.kernel()[0], os.path.join(files, 'vmlinux'))
    tool = 'ctl' if side == 'bonsai' else 'xl'
    moments, console = benchrun.machine(part, side, [
        '--toolstack', tool, '--mem', str(mem), '--dom0-mem', str(dom0_mem), '--files', files,
        '--dom0-script', os.path.join(TOP, 'test', 'bench', 'tools.sh'), tool, part], limit=900)
    values = {}
    for number, name, _ in _rows(console):
        values[name] = Value(benchrun.median(moments.blocks(number)), benchrun.SPACES)
    for name in BEYOND:
        if name in values:
            values[name] = Value(values[name].counts - values['true'].counts, benchrun.SPACES)
    return values


# Rows that count what a command costs beyond one that does nothing.
BEYOND = ['list-1', 'list-100', 'pause', 'unpause', 'destroy']


def create(side):
    return _tools('create', side, 2048, 768)


def control(side):
    return _tools('control', side, 2048, 768)


def many(side):
    return _tools('many', side, 3072, 1024)


JOBS = {'calls': calls, 'boot': boot, 'handover': handover, 'create': create, 'control': control,
        'many': many}

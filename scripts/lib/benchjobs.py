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


class Number(Value):
    """What is not an instruction count."""

    def __init__(self, number):
        super().__init__(benchrun.Counts([]), [])
        self._number = number

    def number(self):
        return self._number

    def dear(self):
        return {}


def _built(name):
    return os.path.join(BUILD, 'test', 'bench', name)


def _calls_machine(side, mib=1024, plugin=''):
    return benchrun.machine(f'calls-{mib}', side, ['--dom0-kernel', _built('calls'), '--mem',
                                                   str(mib), '--dom0-mem', '256'], plugin)


def _rows(console):
    """(number, name, units of a block) of each row that the kernel of the calls did."""
    return [(int(number), name, int(units)) for number, name, units
            in re.findall(r'^row (\d+) (\S+) (\d+)$', console, re.MULTILINE)]


def calls(side):
    moments, console = _calls_machine(side)
    values = {}
    for number, name, units in _rows(console):
        counts = benchrun.median(moments.blocks(number)).each(units)
        values[name] = Value(counts, ['hypervisor'])
    return values


def boot(side):
    costs = []
    for mib in (1024, 2048):
        moments, _ = _calls_machine(side, mib)
        costs.append(moments.first('kernel') - moments.first('entry'))
    return {'boot': Value(costs[0], benchrun.SPACES),
            'boot-each-gib': Value(costs[1] - costs[0], benchrun.SPACES)}


def _linux_machine(side, plugin=''):
    """Until Debian's kernel says its first words."""
    return benchrun.machine('handover', side, [
        '--toolstack', 'none', '--mem', '1024', '--until', 'Linux version'], plugin)


def handover(side):
    moments, _ = _linux_machine(side)
    return {'hand-over': Value(moments.first('kernel') - moments.first('entry'), benchrun.SPACES)}


def _unpacked(image, target):
    """The ELF file inside a bzImage whose payload is xz."""
    data = read(image)
    start = (data[0x1f1] + 1) * 512
    offset, length = struct.unpack_from('<II', data, 0x248)
    payload = data[start + offset:start + offset + length]
    # Behind the stream stands its length.
    write_atomic(target, lzma.LZMADecompressor().decompress(payload))


MEMORY = {'create': (2048, 768), 'control': (2048, 768), 'many': (3072, 1024)}
# Rows that count what a command costs beyond one that does nothing.
BEYOND = ['list-1', 'list-100', 'pause', 'unpause', 'destroy']


def _tools_machine(part, side, plugin=''):
    """Commands in dom0 by test/bench/tools.sh: our ctl on Bonsai, Debian's xl on its Xen."""
    files = os.path.join(BUILD, 'runs', 'bench-files')
    os.makedirs(files, exist_ok=True)
    shutil.copy(_built('mark'), os.path.join(files, 'mark'))
    shutil.copy(_built('idle'), os.path.join(files, 'tiny'))
    _unpacked(packages.kernel()[0], os.path.join(files, 'vmlinux'))
    tool = 'ctl' if side == 'bonsai' else 'xl'
    mem, dom0_mem = MEMORY[part]
    return benchrun.machine(part, side, [
        '--toolstack', tool, '--mem', str(mem), '--dom0-mem', str(dom0_mem), '--files', files,
        '--dom0-script', os.path.join(TOP, 'test', 'bench', 'tools.sh'), tool, part], plugin, 900)


def _tools(part, side):
    moments, console = _tools_machine(part, side)
    values = {name: Number(int(number)) for name, number
              in re.findall(r'^value (\S+) (-?\d+)$', console, re.MULTILINE)}
    for number, name, _ in _rows(console):
        values[name] = Value(benchrun.median(moments.blocks(number)), benchrun.SPACES)
    for name in BEYOND:
        if name in values:
            values[name] = Value(values[name].counts - values['true'].counts, benchrun.SPACES)
    return values


JOBS = {'calls': calls, 'boot': boot, 'handover': handover,
        'create': lambda side: _tools('create', side),
        'control': lambda side: _tools('control', side),
        'many': lambda side: _tools('many', side)}


def profile(job, name):
    """Instructions of the hypervisor in one row by address, for one unit of it; our side."""
    if name == 'boot':
        return _calls_machine('bonsai', plugin=',profile=boot')[0].addresses
    if name == 'hand-over':
        return _linux_machine('bonsai', ',profile=boot')[0].addresses

    def run(plugin=''):
        if job == 'calls':
            return _calls_machine('bonsai', plugin=plugin)
        return _tools_machine(job, 'bonsai', plugin)

    found = [(number, units) for number, row, units in _rows(run()[1]) if row == name]
    if not found:
        raise Stop(2, f'“{name}” has no profile')
    number, units = found[0]
    moments, _ = run(f',profile={number}')
    units *= len(moments.blocks(number))
    return {address: count / units for address, count in moments.addresses.items()}

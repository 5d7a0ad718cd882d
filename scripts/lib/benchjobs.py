# SPDX-License-Identifier: MIT
"""The jobs of the bench: each runs one or more machines on one side and gives values of rows.

A value is a Counts (benchrun.py) and the spaces in which instructions count for its rows.
"""
import os
import re

from base import BUILD, Stop
import benchrun

HYPERVISOR = ['early', 'hypervisor']


class Value:
    def __init__(self, counts, spaces):
        self.counts, self.spaces = counts, spaces

    def number(self):
        return self.counts.total('insns', self.spaces)

    def dear(self):
        """What is dear on real processors, and bytes of string operations."""
        found = {kind: self.counts.total(kind, self.spaces) for kind in benchrun.KINDS[1:]}
        return {kind: round(n, 2) for kind, n in found.items() if n != 0}


def _kernel():
    return os.path.join(BUILD, 'test', 'bench', 'calls')


def _rows(console):
    """(number, name, units of a block) of each row that the kernel of the calls did."""
    return [(int(number), name, int(units)) for number, name, units
            in re.findall(r'^row (\d+) (\S+) (\d+)$', console, re.MULTILINE)]


def calls(side):
    moments, console = benchrun.machine('calls', side, ['--dom0-kernel', _kernel(), '--mem', '1024',
                                                        '--dom0-mem', '256'])
    values = {}
    for number, name, units in _rows(console):
        counts = benchrun.median(moments.blocks(number)).each(units)
        values[name] = Value(counts, ['hypervisor'])
    return values


def boot(side):
    costs = []
    for mib in (1024, 2048):
        moments, _ = benchrun.machine(f'boot-{mib}', side, [
            '--dom0-kernel', _kernel(), '--mem', str(mib), '--dom0-mem', '256'])
        costs.append(moments.first('kernel') - moments.first('entry'))
    return {'boot': Value(costs[0], benchrun.SPACES),
            'boot-each-gib': Value(costs[1] - costs[0], benchrun.SPACES)}


def profile(name):
    """Instructions of one row of the calls by address, for one unit of it."""
    _, console = benchrun.machine('calls', 'bonsai', ['--dom0-kernel', _kernel(), '--mem', '1024',
                                                      '--dom0-mem', '256'])
    found = [(number, units) for number, row, units in _rows(console) if row == name]
    if not found:
        raise Stop(2, f'no call “{name}” to profile; there are '
                   + ' '.join(row for _, row, _ in _rows(console)))
    number, units = found[0]
    moments, _ = benchrun.machine('profile', 'bonsai', [
        '--dom0-kernel', _kernel(), '--mem', '1024', '--dom0-mem', '256'], f',profile={number}')
    units *= len(moments.blocks(number))
    return {address: count / units for address, count in moments.addresses.items()}


JOBS = {'calls': calls, 'boot': boot}

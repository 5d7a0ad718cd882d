# SPDX-License-Identifier: MIT
"""Where the instructions of one row go: by function of our hypervisor, and by line."""
import collections
import os

from base import BUILD, TOP, run
import benchjobs


def _places(addresses):
    """For each address: the function whose code it is, inlined functions apart, and file:line."""
    path = os.path.join(BUILD, 'hypervisor', 'bonsai')
    out = run(['addr2line', '-e', path, '-f', '-i', '-a'] + [hex(a) for a in addresses],
              1, 'addr2line')
    places, address = {}, None
    lines = iter(out.splitlines())
    for line in lines:
        if line.startswith('0x'):
            address = int(line, 16)
            places[address] = []
        else:
            where = next(lines).partition(' ')[0]
            places[address].append((line, os.path.relpath(os.path.join(BUILD, where), TOP)
                                    if not where.startswith('??') else '?'))
    return places


def _by_line(item):
    file, _, line = item[0].rpartition(':')
    return file, int(line) if line.isdigit() else 0


def show(job, name, with_lines):
    counts = benchjobs.profile(job, name)
    places = _places(sorted(counts))
    functions, lines = collections.Counter(), collections.defaultdict(collections.Counter)
    for address, count in counts.items():
        inner, outer = places[address][0], places[address][-1]
        if outer[0] == '??':
            outer = inner = ('code outside the image: stubs of entries on their stack', '?')
        label = outer[0] if inner[0] == outer[0] else f'{outer[0]} / {inner[0]}'
        functions[label] += count
        lines[label][inner[1]] += count
    total = sum(counts.values())
    print(f'{name}: {total:.1f} instructions of the hypervisor\n')
    for label, count in functions.most_common():
        print(f'{count:9.1f} {100 * count / total:5.1f} %  {label}')
        if with_lines:
            for where, part in sorted(lines[label].items(), key=_by_line):
                print(f'{"":19}{part:8.1f}  {where}')

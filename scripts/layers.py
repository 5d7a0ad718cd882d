#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Arrows: which folder may include which. An include against them fails.

A row says where a file lies and what its includes in quotes or brackets may begin with. Headers of
the C library (a name without a slash, or sys/, linux/, netinet/, net/) are for hosted parts only.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))

import sources  # noqa: E402

FREESTANDING = {'stdint.h', 'stddef.h', 'stdbool.h', 'stdarg.h', 'limits.h', 'stdalign.h'}
OWN = {
    'hypervisor/include/public/': ['public/', 'arch-x86/', '../'],
    'hypervisor/lib/': ['lib/', 'public/'],
    'hypervisor/core/': ['core/', 'lib/', 'public/', 'arch/'],
    'hypervisor/x86/': ['x86/', 'core/', 'lib/', 'public/', 'arch/'],
}
# Programs and libraries: folders of other parts that they may not look into.
HOSTED = {
    'libstore/': ['libctrl/', 'xl/', 'core/', 'x86/', 'ctrl.h'],
    'libctrl/': ['xl/', 'stored/', 'core/', 'x86/'],
    'xl/': ['stored/', 'libctrl/internal', 'libctrl/sys', 'internal.h', 'core/', 'x86/'],
}


def _may(path, name, allowed):
    if '/' not in name:
        beside = os.path.join(sources.TOP, os.path.dirname(path), name)
        return name in FREESTANDING or os.path.exists(beside)
    return any(name.startswith(prefix) for prefix in allowed)


def check():
    bad = []
    for path in sources.files('.c', '.h', '.S'):
        for number, line in enumerate(sources.text(path).splitlines(), 1):
            found = re.match(r'\s*#\s*include\s*["<]([^">]+)[">]', line)
            if not found or sources.allowed('layers', path):
                continue
            name = found.group(1)
            for folder, allowed in OWN.items():
                if path.startswith(folder) and not _may(path, name, allowed):
                    bad.append(f'{path}:{number}: {folder} may not include {name}')
            for folder, refused in HOSTED.items():
                if path.startswith(folder) and any(name.startswith(r) for r in refused):
                    bad.append(f'{path}:{number}: {folder} may not include {name}')
    return bad


if __name__ == '__main__':
    sys.exit(sources.report(check()))

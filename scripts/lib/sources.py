# SPDX-License-Identifier: MIT
"""The tree's own files as the checks of scripts/lint see them, and their list of exceptions.

scripts/lint.allow has lines `CHECK WHERE REASON`; WHERE is a path, or path:function.
"""
import functools
import os

from base import TOP, read

SKIP = {'.git', 'build', '__pycache__', 'corpus'}
FOLDERS = ['hypervisor', 'libctrl', 'libstore', 'xl', 'configs', 'scripts', 'test', '.ci']


@functools.lru_cache(None)
def _all():
    found = []
    for entry in sorted(os.listdir(TOP)):
        if os.path.isfile(os.path.join(TOP, entry)) and not entry.endswith('.swp'):
            found.append(entry)
    for folder in FOLDERS:
        for base, folders, files in os.walk(os.path.join(TOP, folder)):
            folders[:] = sorted(f for f in folders if f not in SKIP and not f.startswith('build-'))
            found += [os.path.relpath(os.path.join(base, f), TOP) for f in sorted(files)
                      if not f.endswith(('.swp', '.pyc', '.tmp'))]
    return found


def files(*endings):
    """Paths relative to the top; the ending '' stands for scripts without one."""
    return [path for path in _all()
            if os.path.splitext(path)[1] in endings and not path.startswith('LICENSE')]


@functools.lru_cache(None)
def text(path):
    return read(os.path.join(TOP, path)).decode(errors='replace')


@functools.lru_cache(None)
def _allow():
    rows = {}
    for line in text('scripts/lint.allow').splitlines():
        if line and not line.startswith('#'):
            check, where, _, = (line.split(None, 2) + ['', ''])[:3]
            rows[(check, where)] = line
    return rows


def allowed(check, where):
    return (check, where) in _allow()


def allow_rows():
    return _allow()


def report(bad):
    for line in bad:
        print(line)
    print(f'{len(bad)} found' if bad else 'clean')
    return 1 if bad else 0

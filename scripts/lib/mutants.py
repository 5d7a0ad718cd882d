# SPDX-License-Identifier: MIT
"""Mutants: patches that take a check out, each with the test that must then fail.

test/mutants/NAME.patch begins with lines `Test: SUITE/NAME` and `What: …`. The tree is copied, the
patch applied and built, and the test run: it has to fail there, and to have passed here.
"""
import contextlib
import fcntl
import filecmp
import glob
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from base import BUILD, PKG, TOP, Stop, main, read, run, say

FOLDER = os.path.join(BUILD, 'mutants')
PARTS = ['hypervisor', 'libctrl', 'libstore', 'xl', 'configs', 'scripts', 'test', 'meson.build',
         'meson_options.txt']


def patches():
    return [(os.path.basename(path)[:-len('.patch')], path)
            for path in sorted(glob.glob(os.path.join(TOP, 'test', 'mutants', '*.patch')))]


def _files(folder):
    """Paths of all files below, relative to it."""
    return {os.path.relpath(os.path.join(place, name), folder)
            for place, _, names in os.walk(folder) for name in names}


def _copy(tree):
    """Make tree equal to the sources. What differs gets a new time, so that it is built again: a
    file that the last mutant changed is older than its object."""
    wanted = set()
    for part in PARTS:
        source = os.path.join(TOP, part)
        wanted |= ({os.path.join(part, name) for name in _files(source)} if os.path.isdir(source)
                   else {part} & set(os.listdir(TOP)))
    for name in _files(tree) - wanted:
        os.remove(os.path.join(tree, name))
    for name in wanted:
        source, target = os.path.join(TOP, name), os.path.join(tree, name)
        if not os.path.exists(target) or not filecmp.cmp(source, target, shallow=False):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(source, target)
            shutil.copymode(source, target)


@contextlib.contextmanager
def free_folder():
    """A folder that no other mutant uses: two may be tried at a time."""
    while True:
        for number in ('1', '2'):
            folder = os.path.join(FOLDER, number)
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, '.lock'), 'w', encoding='ascii') as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield folder
                return
        time.sleep(1)


def mutant(arguments):
    path = os.path.abspath(arguments[0])
    found = re.search(r'^Test: (\S+)$', read(path).decode(), re.MULTILINE)
    if not found:
        raise Stop(2, f'{path} names no test')
    test = found.group(1)
    with free_folder() as folder:
        tree, build = os.path.join(folder, 'tree'), os.path.join(folder, 'build')
        _copy(tree)
        run(['patch', '-p1', '-s', '-d', tree, '-i', path], 1, f'{path} does not fit: patch')
        if not os.path.exists(os.path.join(build, 'build.ninja')):
            run(['meson', 'setup', build, tree, '-Dparts=hypervisor,toolstack,tests'], 1, 'meson')
        run(['ninja', '-C', build], 1, 'the mutant does not build: ninja')
        environment = dict(os.environ, BONSAI_BUILD=build, BONSAI_PKG=PKG)
        status = subprocess.run([os.path.join(tree, 'scripts', 'test'), '--no-build', test],
                                env=environment, check=False).returncode
    if status == 0:
        raise Stop(1, f'{test} passes although its check is gone')
    if status != 1:
        raise Stop(1, f'{test} did not run (status {status})')
    say(f'{test} fails without its check, as it should')
    return 0


if __name__ == '__main__':
    main(mutant)

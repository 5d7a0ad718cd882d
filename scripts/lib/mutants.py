# SPDX-License-Identifier: MIT
"""Mutants: patches that take a check out, each with the test that must then fail.

test/mutants/NAME.patch begins with lines `Test: SUITE/NAME` and `What: …`. The tree is copied, the
patch applied and built, and the test run: it has to fail there, and to have passed here.
"""
import glob
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from base import BUILD, PKG, TOP, Stop, locked, main, read, run, say

FOLDER = os.path.join(BUILD, 'mutants')
PARTS = ['hypervisor', 'libctrl', 'libstore', 'xl', 'configs', 'scripts', 'test', 'meson.build',
         'meson_options.txt']


def patches():
    return [(os.path.basename(path)[:-len('.patch')], path)
            for path in sorted(glob.glob(os.path.join(TOP, 'test', 'mutants', '*.patch')))]


def _copy(tree):
    os.makedirs(tree, exist_ok=True)
    for part in PARTS:
        source, target = os.path.join(TOP, part), os.path.join(tree, part)
        if os.path.isdir(source):
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, symlinks=True)
        elif os.path.exists(source):
            shutil.copy2(source, target)


def mutant(arguments):
    path = os.path.abspath(arguments[0])
    found = re.search(r'^Test: (\S+)$', read(path).decode(), re.MULTILINE)
    if not found:
        raise Stop(2, f'{path} names no test')
    test = found.group(1)
    with locked(FOLDER):
        tree, build = os.path.join(FOLDER, 'tree'), os.path.join(FOLDER, 'build')
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

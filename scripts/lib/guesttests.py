# SPDX-License-Identifier: MIT
"""The guest suite: each folder of test/guest with a main.c is a tiny kernel in dom0's place.

It runs on Bonsai and on Debian's Xen, and both have to say the same RESULT. Lines of the comment
at the head of main.c steer that:

    Boot: --cpus 4 --mem 4096      more arguments of scripts/boot, for both
    Xen: differs REASON            the result on Xen may be another one
    Xen: skip REASON               not run on Xen
"""
import glob
import os
import re
import shlex
import subprocess

from base import BUILD, TIME_FACTOR, TOP, read

BOOT = os.path.join(TOP, 'scripts', 'boot')
WORDS = {0: 'success', 77: 'skip', 1: 'failure', 99: 'error', 124: 'time-out', 125: 'died',
         127: 'not built'}
LIMIT = 60
_running = set()


def _head(path):
    """The lines of the comments before the first code."""
    text = read(path).decode(errors='replace')
    return '\n'.join(re.findall(r'/\*.*?\*/', text.partition('\n#include')[0], re.DOTALL))


def _line(head, key):
    found = re.search(rf'^[\s*]*{key}:\s*(.+?)\s*(?:\*/)?$', head, re.MULTILINE)
    return found.group(1) if found else ''


def _boot(hypervisor, kernel, name, words, log):
    out = os.path.join(BUILD, 'test-logs', 'guest', name, hypervisor)
    os.makedirs(out, exist_ok=True)
    command = [BOOT, '--hypervisor', hypervisor, '--dom0-kernel', kernel, '--timeout', str(LIMIT),
               '--mem', '512', '--dom0-mem', '256', '--cpus', '2', '--out', out]
    command += words
    log.write(f'\n$ {shlex.join(command)}\n'.encode())
    log.flush()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process:
        _running.add(process)
        try:
            return process.wait(LIMIT * TIME_FACTOR * 3 + 600)
        finally:
            _running.discard(process)
            if process.poll() is None:
                process.terminate()


def stop():
    for process in list(_running):
        process.terminate()


def _run(name, source, log):
    kernel = os.path.join(BUILD, 'test', 'guest', name, name)
    if not os.path.exists(kernel):
        log.write(f'{kernel} is not built\n'.encode())
        return 127
    head = _head(source)
    words = shlex.split(_line(head, 'Boot'))
    ours = _boot('bonsai', kernel, name, words, log)
    rule, _, reason = _line(head, 'Xen').partition(' ')
    if rule == 'skip':
        log.write(f'Bonsai: {WORDS.get(ours, ours)}; not run on Xen: {reason}\n'.encode())
        return ours
    theirs = _boot('xen', kernel, name, words, log)
    said = f'Bonsai: {WORDS.get(ours, ours)}; Xen: {WORDS.get(theirs, theirs)}'
    if rule == 'differs':
        log.write(f'{said}; may differ: {reason}\n'.encode())
        return ours
    log.write(f'{said}\n'.encode())
    if ours == 77 and theirs == 0:
        return 1
    return ours if ours not in (0, 77) else (theirs if theirs != 77 else ours)


def tests():
    found = []
    for source in sorted(glob.glob(os.path.join(TOP, 'test', 'guest', '*', 'main.c'))):
        name = os.path.basename(os.path.dirname(source))
        found.append((name, lambda log, n=name, s=source: _run(n, s, log)))
    return found

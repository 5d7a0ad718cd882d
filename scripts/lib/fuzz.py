# SPDX-License-Identifier: MIT
"""Runs one fuzz target for a while: fuzz.py NAME CORPUS SECONDS. Built apart, by clang."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from base import BUILD, TOP, Stop, locked, main, run

FOLDER = os.path.join(BUILD, 'fuzz')


def build(name):
    with locked(FOLDER):
        if not os.path.exists(os.path.join(FOLDER, 'build.ninja')):
            run(['meson', 'setup', FOLDER, TOP, '-Dparts=fuzz', '-Db_lundef=false'],
                what='meson', env=dict(os.environ, CC='clang'))
        run(['ninja', '-C', FOLDER, f'test/fuzz/fuzz_{name}'], what='ninja')
    return os.path.join(FOLDER, 'test', 'fuzz', f'fuzz_{name}')


def fuzz(arguments):
    name, corpus, seconds = arguments
    program = build(name)
    with tempfile.TemporaryDirectory() as fresh:
        folders = [fresh] + ([corpus] if os.path.isdir(corpus) else [])
        status = subprocess.run([program, f'-max_total_time={seconds}', '-rss_limit_mb=1024',
                                 '-timeout=10', f'-artifact_prefix={FOLDER}/{name}-'] + folders,
                                check=False).returncode
    if status != 0:
        raise Stop(1, f'{name} found something; the input lies in {FOLDER}')
    return 0


main(fuzz)

# SPDX-License-Identifier: MIT
"""scripts/run --demo: dom0 plays the story, and what it saw is judged here, step by step.

The script in dom0 keeps the JSON of each listing and the guest's console in a folder shared with
the host. A random word goes onto the guest's command line and has to come back from its console.
"""
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from base import BUILD, LIB, TOP, TIME_FACTOR, main, say


def names(value):
    """Every value under a key `name`, wherever it stands in the JSON."""
    found = []
    if isinstance(value, dict):
        for key, inside in value.items():
            if key == 'name' and isinstance(inside, str):
                found.append(inside)
            found += names(inside)
    elif isinstance(value, list):
        for inside in value:
            found += names(inside)
    return found


class Judge:
    def __init__(self, folder):
        self.folder = folder
        self.bad = 0

    def text(self, name):
        try:
            with open(os.path.join(self.folder, name), encoding='utf-8', errors='replace') as file:
                return file.read()
        except OSError:
            return ''

    def value(self, name):
        try:
            return json.loads(self.text(name))
        except ValueError:
            return None

    def step(self, what, good):
        say(f'{"seen  " if good else "FAILED"}  {what}')
        self.bad += not good


def judge(folder, word, status):
    j = Judge(folder)
    info = j.value('info.json')
    j.step('ctl info: the hypervisor\'s facts as JSON', bool(info))
    before, during = j.value('list-before.json'), j.value('list-with.json')
    after = j.value('list-after.json')
    j.step('ctl list: Domain-0 alone', before is not None and names(before) == ['Domain-0'])
    console = j.text('console.txt')
    j.step('ctl create, ctl console: Linux\'s boot messages',
           re.search(r'Linux version', console) is not None)
    j.step(f'the guest says the word of its command line, {word}', f'word {word}' in console)
    j.step('ctl list: Domain-0 and demo',
           during is not None and sorted(names(during)) == ['Domain-0', 'demo'])
    j.step('ctl shutdown; ctl list: Domain-0 alone',
           after is not None and names(after) == ['Domain-0'])
    j.step('the script in dom0 ended well', status == 0)
    return j.bad


def demo(options):
    runs = os.path.join(BUILD, 'runs')
    os.makedirs(runs, exist_ok=True)
    folder = tempfile.mkdtemp(prefix='demo-', dir=runs)
    word = 'bonsai' + secrets.token_hex(6)
    command = [os.path.join(TOP, 'scripts', 'boot'), '--timeout', '180', '--out', folder]
    command += options + ['--dom0-script', os.path.join(LIB, 'init', 'demo.sh'), word,
                          str(int(120 * TIME_FACTOR))]
    done = subprocess.run(command, check=False)
    say('')
    bad = judge(folder, word, done.returncode)
    say(f'{"the demo failed" if bad else "the demo passed"}; logs: {folder}')
    return 1 if bad else 0


main(demo)

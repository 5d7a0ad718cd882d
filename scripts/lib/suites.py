# SPDX-License-Identifier: MIT
"""usage: scripts/test [--list] [--no-build] [--jobs N] [NAME…]

NAME is a suite (lint unit guest system interop fuzz soak) or a test (system/demo, or just demo).
Without a name every suite but soak runs. --no-build takes the build folder as it is.
"""
import concurrent.futures
import glob
import json
import os
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from base import BUILD, LIB, TIME_FACTOR, TOP, Stop, main, read, write_atomic
import guesttests
import mutants

LOGS = os.path.join(BUILD, 'test-logs')
SUITES = ['lint', 'unit', 'guest', 'system', 'interop', 'fuzz', 'soak']
FUZZ_SECONDS = 20
SKIP = 77
running = set()


class Test:
    """One test: a command, or a function that writes to a log and returns a status."""

    def __init__(self, suite, name, command=None, function=None, limit=600, environment=None):
        self.suite, self.name = suite, name
        self.command, self.function = command, function
        self.limit = limit * TIME_FACTOR
        self.environment = environment or {}
        self.full = f'{suite}/{name}'
        self.log = os.path.join(LOGS, suite, f'{name}.log')
        self.status, self.seconds, self.note = None, 0, ''

    def run(self):
        start = time.monotonic()
        os.makedirs(os.path.dirname(self.log), exist_ok=True)
        with open(self.log, 'wb') as log:
            try:
                self.status = self.function(log) if self.function else self._program(log)
            except subprocess.TimeoutExpired:
                log.write(f'\nno end within {self.limit:.0f} s\n'.encode())
                self.status = 124
        self.seconds = time.monotonic() - start
        with open(self.log, 'rb') as log:
            lines = log.read()[-4000:].decode(errors='replace').strip().splitlines()
        self.note = lines[-1].strip()[:160] if lines else ''
        return self

    def _program(self, log):
        out = os.path.join(LOGS, self.suite, self.name)
        os.makedirs(out, exist_ok=True)
        with subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                              start_new_session=True, cwd=TOP,
                              env=dict(os.environ, OUT=out, BONSAI_BUILD=BUILD,
                                       **self.environment)) as process:
            running.add(process.pid)
            try:
                return process.wait(self.limit)
            finally:
                running.discard(process.pid)
                end_group(process)


def end_group(process):
    """End a test with everything that it started; scripts/boot ends its QEMU at SIGTERM."""
    for number, seconds in ((signal.SIGTERM, 12), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, number)
            process.wait(seconds)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def lint_tests():
    out = subprocess.run([os.path.join(TOP, 'scripts', 'lint'), '--list'], text=True,
                         stdout=subprocess.PIPE, check=True).stdout
    return [Test('lint', name, [os.path.join(TOP, 'scripts', 'lint'), name])
            for name in out.split()]


def unit_tests():
    """What the build file declares by test(). Each is one program."""
    path = os.path.join(BUILD, 'meson-info', 'intro-tests.json')
    if not os.path.exists(path):
        return []
    with open(path, encoding='utf-8') as file:
        rows = json.load(file)
    return [Test('unit', row['name'].replace('/', '-').replace(' ', '-'), row['cmd'], limit=120,
                 environment=row['env']) for row in rows]


def script_tests(suite):
    """Executable scripts of test/SUITE/."""
    tests = []
    for path in sorted(glob.glob(os.path.join(TOP, 'test', suite, '*'))):
        if os.path.isfile(path) and os.access(path, os.X_OK):
            if read(path)[:2] != b'#!':
                raise Stop(1, f'{path} is executable, and no script')
            name = os.path.basename(path)
            name = name[:-3] if name.endswith('.sh') else name
            tests.append(Test(suite, name, [path], limit=3600 if suite == 'soak' else 600))
    return tests


def guest_tests():
    return [Test('guest', name, function=function) for name, function in guesttests.tests()]


def fuzz_tests():
    tests = []
    for source in sorted(glob.glob(os.path.join(TOP, 'test', 'fuzz', '*.c'))):
        name = os.path.basename(source)[:-2]
        if name == 'random':  # what stands in for libFuzzer
            continue
        corpus = os.path.join(TOP, 'test', 'fuzz', 'corpus', name)
        command = [sys.executable, os.path.join(LIB, 'fuzz.py'), name, corpus, str(FUZZ_SECONDS)]
        tests.append(Test('fuzz', name, command, limit=FUZZ_SECONDS + 300))
    return tests


def soak_tests():
    tests = script_tests('soak')
    for name, patch in mutants.patches():
        tests.append(Test('soak', f'mutant-{name}',
                          [sys.executable, os.path.join(LIB, 'mutants.py'), patch],
                          limit=1800))
    return tests


def collect(suite):
    return {'lint': lint_tests, 'unit': unit_tests, 'guest': guest_tests, 'fuzz': fuzz_tests,
            'soak': soak_tests, 'system': lambda: script_tests('system'),
            'interop': lambda: script_tests('interop')}[suite]()


def choose(names):
    suites = {suite: collect(suite) for suite in SUITES}
    if not names:
        return [test for suite in SUITES if suite != 'soak' for test in suites[suite]]
    chosen = []
    for name in names:
        if name in suites:
            found = suites[name]
        else:
            found = [t for tests in suites.values() for t in tests if name in (t.name, t.full)]
        if not found and name not in suites:
            raise Stop(2, f'no suite or test “{name}”; scripts/test --list lists them')
        chosen += [test for test in found if test not in chosen]
    return chosen


def show(test):
    word = {0: 'ok  ', SKIP: 'skip'}.get(test.status, 'FAIL')
    note = f': {test.note}' if test.status == SKIP else ''
    print(f'{word}  {test.full} ({test.seconds:.1f} s){note}', flush=True)


def wants_alone(test):
    """Tests that measure seconds say “Alone:” in their first lines and run without a neighbour."""
    if test.suite not in ('system', 'interop', 'soak') or not os.path.isfile(test.command[0]):
        return False
    with open(test.command[0], errors='replace') as f:
        return any('Alone:' in line for _, line in zip(range(10), f))


def run_suite(tests, jobs):
    lock = threading.Lock()

    def one(test):
        test.run()
        with lock:
            show(test)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, [t for t in tests if not wants_alone(t)]))
    for each in tests:
        if wants_alone(each):
            one(each)


def interrupted(*_):
    """Ctrl-C: the tests that run are ended with their machines, then this ends."""
    for pid in list(running):
        try:
            os.killpg(pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
    guesttests.stop()
    time.sleep(1)
    os._exit(130)


def summary(tests):
    failed = [t for t in tests if t.status not in (0, SKIP)]
    skipped = [t for t in tests if t.status == SKIP]
    for test in failed:
        print(f'\nfailed: {test.full}: {test.note}')
        print(f'    again: ./scripts/test {test.full}')
        print(f'    log:   {os.path.relpath(test.log, TOP)}')
    rows = [{'name': t.full, 'status': t.status, 'seconds': round(t.seconds, 1)} for t in tests]
    write_atomic(os.path.join(LOGS, 'summary.json'), json.dumps(rows, indent=4) + '\n')
    passed = len(tests) - len(failed) - len(skipped)
    print(f'{passed} passed, {len(failed)} failed, {len(skipped)} skipped', flush=True)
    return 1 if failed else 0


def test(arguments):
    if '-h' in arguments or '--help' in arguments:
        print(__doc__)
        return 0
    jobs = 2
    if '--jobs' in arguments:
        at = arguments.index('--jobs')
        jobs = int(arguments[at + 1])
        arguments = arguments[:at] + arguments[at + 2:]
    chosen = choose([name for name in arguments if not name.startswith('--')])
    if '--list' in arguments:
        print('\n'.join(t.full for t in chosen))
        return 0
    signal.signal(signal.SIGINT, interrupted)
    signal.signal(signal.SIGTERM, interrupted)
    for suite in SUITES:
        tests = [t for t in chosen if t.suite == suite]
        if tests:
            start = time.monotonic()
            run_suite(tests, jobs)
            print(f'{suite}: {time.monotonic() - start:.0f} s', flush=True)
    return summary(chosen)


if __name__ == '__main__':
    main(test)

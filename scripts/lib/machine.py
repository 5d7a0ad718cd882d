# SPDX-License-Identifier: MIT
"""Runs one QEMU and watches its console until it is known how the run ended.

A run ends with the status line of dom0's init, a line that --until waits for, the RESULT line of a
tiny kernel, a dead machine (a panic's line, then 5 s), QEMU's own end, or the time limit. Machines
that run at once are bounded by their memory together: each holds a locked file in one folder.
"""
import fcntl
import os
import re
import select
import signal
import subprocess
import sys
import time

from base import TIME_FACTOR, Stop, say

GATE = '/tmp/bonsai-machines'
GATE_MIB = 18 * 1024
RESULTS = {'success': 0, 'skip': 77, 'failure': 1, 'error': 99}

# Lines of a dead machine. A line of another domain's console, "(d3) …", is not dom0's.
DEAD = re.compile(rb'Bonsai panic:|Panic on CPU|Kernel panic - not syncing|'
                  rb'Hardware Dom0 (halted|crashed|shutdown)|Domain 0 crashed|'
                  rb'QEMU: Terminated')
OTHER = re.compile(rb'\(d[1-9]\d*\)')
DEAD_WAIT = 5


class Gate:
    """Waits until this machine's memory fits, and holds its place until leave()."""

    def __init__(self, mib):
        os.makedirs(GATE, exist_ok=True)
        try:
            os.chmod(GATE, 0o1777)
        except PermissionError:
            pass
        total = min(GATE_MIB, _host_mib() * 9 // 10)
        if mib > total:
            raise Stop(126, f'--mem {mib}: this host gives all machines together {total} MiB')
        self.path = os.path.join(GATE, f'{os.getpid()}-{mib}')
        told = False
        while not self._enter(mib, total):
            if not told:
                say('waiting for the memory of machines that run now')
                told = True
            time.sleep(1)

    def _enter(self, mib, total):
        descriptor = os.open(GATE, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if self._used() + mib > total:
                return False
            self.file = open(self.path, 'w', encoding='ascii')
            fcntl.flock(self.file, fcntl.LOCK_EX)
            return True
        finally:
            os.close(descriptor)

    @staticmethod
    def _used():
        used = 0
        for name in os.listdir(GATE):
            path = os.path.join(GATE, name)
            try:
                with open(path, encoding='ascii') as file:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                os.unlink(path)
            except BlockingIOError:
                used += int(name.rpartition('-')[2])
            except OSError:
                continue
        return used

    def leave(self):
        try:
            os.unlink(self.path)
        except OSError:
            pass
        self.file.close()


def _host_mib():
    return os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') >> 20


class Machine:
    def __init__(self, words, options, word, tiny):
        self.options, self.word, self.tiny = options, word.encode(), tiny
        self.limit = options.timeout * TIME_FACTOR
        self.console = open(os.path.join(options.out, 'console.log'), 'wb')
        # With --greet the terminal shows nothing before dom0 is ready.
        self.quiet = options.quiet
        self.hidden = b'bonsai-begin ' + self.word if options.greet else None
        self.status, self.reason = None, None
        self.dead_at = None
        self.tail = b''
        self.start = time.monotonic()
        self.begin_end = [None, None]
        self.until = re.compile(options.until.encode()) if options.until else None
        self.status_line = re.compile(rb'bonsai-status ' + self.word + rb' (\d+)')
        self.errors = open(os.path.join(options.out, 'qemu.log'), 'wb+')
        # If this script is killed, its machine goes with it.
        self.process = subprocess.Popen(['setpriv', '--pdeathsig', 'KILL'] + words,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, start_new_session=True)

    def _end(self, status, reason):
        if self.status is None:
            self.status, self.reason = status, reason

    def _line(self, line):
        found = self.status_line.search(line)
        if found:
            return self._end(int(found.group(1)) % 256, 'status line')
        if self.tiny:
            found = re.search(rb'RESULT (success|skip|error|failure)', line)
            if found:
                word = found.group(1).decode()
                return self._end(RESULTS[word], f'RESULT {word}')
        if self.until and self.until.search(line):
            return self._end(0, 'line of --until')
        if DEAD.search(line) and not OTHER.search(line) and self.dead_at is None:
            self.dead_at = time.monotonic()
            self.dead_line = line.strip().decode(errors='replace')
        return None

    def _feed(self, data):
        self.console.write(data)
        self.console.flush()
        self._show(data)
        *lines, self.tail = (self.tail + data).split(b'\n')
        for line in lines:
            self._line(line.rstrip(b'\r'))
            if self.status is not None:
                return
        # A prompt has no end of line: --until may wait for one.
        if self.until and self.until.search(self.tail):
            self._end(0, 'line of --until')

    def _show(self, data):
        if self.hidden:
            _, found, data = (self.tail + data).partition(self.hidden)
            if not found:
                return
            self.hidden = None
            data = data.lstrip(b'\r\n')
        if not self.quiet:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

    def _type(self, keyboard):
        """Keys of the terminal: Ctrl-C ends the machine, Ctrl-\\ is dom0's Ctrl-C."""
        keys = os.read(keyboard, 1024)
        if b'\x03' in keys:
            raise KeyboardInterrupt
        if keys:
            self.process.stdin.write(keys.replace(b'\x1c', b'\x03'))
            self.process.stdin.flush()
        return bool(keys)

    def _times(self):
        now = time.monotonic()
        if self.dead_at is not None and now - self.dead_at > DEAD_WAIT:
            self._end(125, f'died: {self.dead_line}')
        elif self.limit and now - self.start > self.limit:
            self._end(124, f'no end within {self.limit:.0f} s')
        else:
            self._status_file(now)

    def _status_file(self, now):
        """dom0 wrote its status, and the console line did not come through."""
        path = os.path.join(self.options.out, '.status')
        try:
            age = time.time() - os.stat(path).st_mtime
            with open(path, 'rb') as file:
                word, status = file.read().split()
        except (OSError, ValueError):
            return
        if word == self.word and age > DEAD_WAIT:
            self._end(int(status) % 256, 'status file')

    def _gone(self):
        code = self.process.wait()
        self.errors.seek(0)
        said = [line for line in self.errors.read().decode(errors='replace').splitlines()
                if line.strip() and 'warning: TCG' not in line]
        if self.dead_at is not None:
            self._end(125, f'died: {self.dead_line}')
        elif code == 1 and said:
            self._end(125, f'QEMU: {said[-1]}')
        elif code & 1 and code > 1:
            self._end(125, f'the hypervisor ended the machine by its debug exit ({code >> 1})')
        else:
            self._end(125, f'the machine ended without a status (QEMU {code})')

    def watch(self):
        pipe = self.process.stdout.fileno()
        inputs = [pipe]
        keyboard = None
        if self.options.interactive:
            keyboard = sys.stdin.fileno()
            inputs.append(keyboard)
        while self.status is None:
            ready, _, _ = select.select(inputs, [], [], 0.5)
            if pipe in ready:
                data = os.read(pipe, 65536)
                if not data:
                    self._gone()
                    break
                self._feed(data)
            if keyboard is not None and keyboard in ready and not self._type(keyboard):
                inputs.remove(keyboard)
            self._times()

    def stop(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is not None:
                break
            self.process.send_signal(number)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                continue
        self.console.close()
        self.errors.close()

    def seconds(self):
        return round(time.monotonic() - self.start, 2)


def raw_terminal():
    """Puts the terminal into raw mode; the function that gives it back."""
    import termios
    import tty
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    now = termios.tcgetattr(descriptor)
    now[1] |= termios.OPOST | termios.ONLCR
    termios.tcsetattr(descriptor, termios.TCSANOW, now)
    return lambda: termios.tcsetattr(descriptor, termios.TCSANOW, before)

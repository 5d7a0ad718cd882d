# SPDX-License-Identifier: MIT
"""Paths, errors and small helpers that all scripts share.

build/          what meson makes (BONSAI_BUILD names another folder)
build/pkg/      Debian packages, downloaded and unpacked, never installed (BONSAI_PKG)
build/img/      initramfs layers and root images made from them; the name of each holds a digest
                of what went in, so that a second run finds it and makes nothing anew
"""
import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('BONSAI_BUILD', os.path.join(TOP, 'build'))
PKG = os.environ.get('BONSAI_PKG', os.path.join(TOP, 'build', 'pkg'))
IMG = os.path.join(BUILD, 'img')
LIB = os.path.join(TOP, 'scripts', 'lib')

# A factor on every time limit, for slow or busy machines.
TIME_FACTOR = float(os.environ.get('BONSAI_TIME_FACTOR', '1'))


class Stop(Exception):
    """Ends a script: an exit status and one sentence for a person."""

    def __init__(self, status, sentence):
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def say(text):
    print(text, file=sys.stderr, flush=True)


class Step:
    """One line at the start of long work, one at its end with the seconds it took."""

    def __init__(self, what):
        self.what = what

    def __enter__(self):
        self.start = time.monotonic()
        say(f'... {self.what}')
        return self

    def __exit__(self, kind, *rest):
        if kind is None:
            say(f'ok  {self.what} ({time.monotonic() - self.start:.0f} s)')


def run(args, status=127, what=None, **options):
    """Run a program; what it said ends up in the sentence when it fails."""
    done = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, errors='replace', check=False,
                          **options)
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or 'no message').splitlines()[-1]
        raise Stop(status, f'{what or args[0]} failed: {last}')
    return done.stdout


def digest(*parts):
    state = hashlib.sha256()
    for part in parts:
        state.update(part if isinstance(part, bytes) else str(part).encode())
        state.update(b'\0')
    return state.hexdigest()[:16]


def file_id(path):
    """What tells a changed file from an unchanged one without reading it."""
    info = os.stat(path)
    return f'{path}:{info.st_size}:{info.st_mtime_ns}'


def read(path):
    with open(path, 'rb') as file:
        return file.read()


def write_atomic(path, data):
    """Write a file so that nobody ever sees half of it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f'{path}.{os.getpid()}.tmp'
    with open(temporary, 'wb') as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    os.replace(temporary, path)


@contextlib.contextmanager
def locked(folder):
    """One script at a time in a folder."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, '.lock'), 'w', encoding='ascii') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main(function):
    """Run a script's main and turn its end into an exit status."""
    try:
        sys.exit(function(sys.argv[1:]))
    except Stop as stop:
        say(f'{os.path.basename(sys.argv[0])}: {stop.sentence}')
        sys.exit(stop.status)
    except PermissionError as error:
        say(f'{os.path.basename(sys.argv[0])}: {error.filename}: {error.strerror}; '
            'what the scripts make has to be yours')
        sys.exit(3)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os._exit(141)

# SPDX-License-Identifier: MIT
"""What any store daemon answers over its socket. Each case gets a fresh, empty folder."""
import os
import socket
import struct
import subprocess
import sys

(CONTROL, DIRECTORY, READ, GET_PERMS, WATCH, UNWATCH, START, END, INTRODUCE, RELEASE, PATH, WRITE,
 MKDIR, RM, SET_PERMS, EVENT, ERROR, IS_INTRODUCED, RESUME, SET_TARGET) = range(20)
RESET, PART = 21, 22


class Failed(Exception):
    pass


class Store:
    """A connection that shows what is on the wire."""

    def __init__(self, rundir):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(os.path.join(rundir, 'socket'))
        self.socket.settimeout(10)
        self.events = []
        self.number = 0

    def close(self):
        self.socket.close()

    def bytes(self, count):
        data = b''
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def message(self):
        kind, number, txn, length = struct.unpack('<4I', self.bytes(16))
        return kind, number, txn, self.bytes(length)

    def ask(self, kind, payload, txn=0):
        """The reply's payload; the name of the error as a str."""
        self.number += 1
        self.socket.sendall(struct.pack('<4I', kind, self.number, txn, len(payload)) + payload)
        while True:
            got, number, got_txn, data = self.message()
            if got == EVENT:
                self.events.append(tuple(data.split(b'\0')[:2]))
                continue
            if number != self.number or got_txn != txn or got not in (kind, ERROR):
                raise Failed(f'reply {got} {number} {got_txn} to {kind} {self.number} {txn}')
            return data.rstrip(b'\0').decode() if got == ERROR else data

    def event(self, wait=2):
        if not self.events:
            self.socket.settimeout(wait)
            try:
                self.events.append(tuple(self.message()[3].split(b'\0')[:2]))
            except socket.timeout:
                return None
            finally:
                self.socket.settimeout(10)
        return self.events.pop(0)

    def quiet(self):
        """Nothing more is under way once a request has been answered."""
        self.ask(READ, b'/\0')
        return not self.events

    def write(self, path, value, txn=0):
        return self.ask(WRITE, path + b'\0' + value, txn)

    def read(self, path, txn=0):
        return self.ask(READ, path + b'\0', txn)

    def begin(self):
        return int(self.ask(START, b'\0').rstrip(b'\0'))

    def end(self, txn, word=b'T'):
        return self.ask(END, word + b'\0', txn)

    def names(self, path, txn=0):
        reply = self.ask(DIRECTORY, path + b'\0', txn)
        return reply if isinstance(reply, str) else sorted(reply.split(b'\0')[:-1])


def same(found, wanted, what=''):
    if found != wanted:
        raise Failed(f'{what} found {found!r}, wanted {wanted!r}')


def values(s):
    same(s.write(b'/s/a', b'1'), b'OK\0')
    same(s.read(b'/s/a'), b'1')
    same(s.write(b'/s/a', b'\0\xff\n'), b'OK\0')
    same(s.read(b'/s/a'), b'\0\xff\n')
    same(s.write(b'/s/e', b''), b'OK\0')
    same(s.read(b'/s/e'), b'')
    same(s.read(b'/s/none'), 'ENOENT')
    same(s.write(b'/s/long', b'x' * 4000), b'OK\0')
    same(len(s.read(b'/s/long')), 4000)


def folders(s):
    same(s.write(b'/s/x/y/z', b'1'), b'OK\0')
    same(s.read(b'/s/x/y'), b'')
    same(s.names(b'/s/x'), [b'y'])
    same(s.ask(MKDIR, b'/s/x\0'), b'OK\0')
    same(s.names(b'/s/x'), [b'y'])
    same(s.ask(MKDIR, b'/s/d\0'), b'OK\0')
    same(s.names(b'/s'), [b'd', b'x'])
    same(s.names(b'/s/none'), 'ENOENT')
    same(s.ask(RM, b'/s/x\0'), b'OK\0')
    same(s.read(b'/s/x/y/z'), 'ENOENT')


def removals(s):
    same(s.ask(RM, b'/s/none\0'), b'OK\0')
    same(s.ask(RM, b'/s/none/none\0'), 'ENOENT')
    same(s.ask(RM, b'/\0'), 'EINVAL')


def bad_requests(s):
    for path in (b'/s//x', b'/s/', b'/s/a b', b'/s/\xe4', b'', b'/' + b'x' * 3072):
        same(s.read(path), 'EINVAL', path)
        if path:
            same(s.write(path, b''), 'EINVAL', path)
    same(s.ask(READ, b'/s'), 'EINVAL')
    same(s.ask(READ, b''), 'EINVAL')
    same(s.ask(20, b'\0'), 'ENOSYS')
    same(s.ask(99, b'\0'), 'ENOSYS')
    same(s.read(b'/s', 12345), 'ENOENT')
    same(s.ask(WATCH, b'/s\0'), 'EINVAL')
    same(s.ask(WATCH, b'@unknown\0t\0'), b'OK\0')


def permissions(s):
    s.write(b'/s/p', b'')
    same(s.ask(GET_PERMS, b'/s/p\0'), b'n0\0')
    same(s.ask(SET_PERMS, b'/s/p\0r3\0b4\0w5\0'), b'OK\0')
    same(s.ask(GET_PERMS, b'/s/p\0'), b'r3\0b4\0w5\0')
    s.write(b'/s/p/child', b'')
    same(s.ask(GET_PERMS, b'/s/p/child\0'), b'r3\0b4\0w5\0')
    same(s.ask(SET_PERMS, b'/s/p\0x3\0'), 'EINVAL')
    same(s.ask(SET_PERMS, b'/s/p\0'), 'EINVAL')
    same(s.ask(SET_PERMS, b'/s/none\0n0\0'), 'ENOENT')
    same(s.ask(GET_PERMS, b'/s/none\0'), 'ENOENT')


def watches(s):
    same(s.ask(WATCH, b'/s/w\0tok\0'), b'OK\0')
    same(s.event(), (b'/s/w', b'tok'))
    same(s.ask(WATCH, b'/s/w\0tok\0'), 'EEXIST')
    other = Store(s.rundir)
    for action, wanted in (((WRITE, b'/s/w\0x'), b'/s/w'), ((WRITE, b'/s/w/a/b\0x'), b'/s/w/a/b'),
                           ((MKDIR, b'/s/w/d\0'), b'/s/w/d'), ((RM, b'/s/w/a\0'), b'/s/w/a'),
                           ((SET_PERMS, b'/s/w\0r0\0'), b'/s/w'), ((RM, b'/s/w\0'), b'/s/w')):
        same(other.ask(*action), b'OK\0')
        same(s.event(), (wanted, b'tok'))
    for action in ((WRITE, b'/s/other\0x'), (RM, b'/s/w\0'), (READ, b'/s\0')):
        other.ask(*action)
    same(s.quiet(), True)
    same(s.ask(UNWATCH, b'/s/w\0none\0'), 'ENOENT')
    same(s.ask(UNWATCH, b'/s/w\0tok\0'), b'OK\0')
    other.write(b'/s/w', b'')
    same(s.quiet(), True)
    other.close()


def watches_below_a_removal(s):
    s.write(b'/s/r/a/b', b'')
    s.ask(WATCH, b'/s/r/a/b\0t\0')
    s.event()
    s.ask(RM, b'/s/r\0')
    same(s.event(), (b'/s/r/a/b', b't'))


def relative_names(s):
    s.write(b'rel/x', b'1')
    same(s.read(b'/local/domain/0/rel/x'), b'1')
    s.ask(WATCH, b'rel\0t\0')
    same(s.event(), (b'rel', b't'))
    s.write(b'/local/domain/0/rel/x', b'2')
    same(s.event(), (b'rel/x', b't'))
    s.ask(RM, b'/local/domain/0/rel\0')


def special_watches(s):
    same(s.ask(WATCH, b'@releaseDomain\0t\0'), b'OK\0')
    same(s.event(), (b'@releaseDomain', b't'))
    same(s.ask(UNWATCH, b'@releaseDomain\0t\0'), b'OK\0')


def reset(s):
    s.ask(WATCH, b'/s\0t\0')
    s.event()
    txn = s.begin()
    same(s.ask(RESET, b'\0'), b'OK\0')
    same(s.read(b'/s', txn), 'ENOENT')
    s.write(b'/s/x', b'')
    same(s.quiet(), True)


def transactions(s):
    other = Store(s.rundir)
    s.write(b'/s/k', b'old')
    txn = s.begin()
    same(s.write(b'/s/k', b'new', txn), b'OK\0')
    same(s.read(b'/s/k', txn), b'new')
    same(other.read(b'/s/k'), b'old')
    same(s.end(txn), b'OK\0')
    same(other.read(b'/s/k'), b'new')
    same(s.end(txn), 'ENOENT')
    txn = s.begin()
    s.ask(RM, b'/s/k\0', txn)
    same(s.end(txn, b'F'), b'OK\0')
    same(s.read(b'/s/k'), b'new')
    txn = s.begin()
    same(s.end(txn, b'X'), 'EINVAL')
    same(s.ask(START, b'\0', txn), 'EBUSY')
    other.close()


def conflicts(s):
    other = Store(s.rundir)
    s.write(b'/s/k', b'1')
    txn = s.begin()
    s.read(b'/s/k', txn)
    s.write(b'/s/mine', b'1', txn)
    other.write(b'/s/k', b'2')
    same(s.end(txn), 'EAGAIN')
    same(s.read(b'/s/mine'), 'ENOENT')
    txn = s.begin()
    s.write(b'/s/k', b'3', txn)
    other.write(b'/s/k', b'4')
    same(s.end(txn), 'EAGAIN')
    txn = s.begin()
    same(s.read(b'/s/new', txn), 'ENOENT')
    other.write(b'/s/new', b'')
    same(s.end(txn), 'EAGAIN')
    s.write(b'/s/far/x', b'')
    txn = s.begin()
    s.read(b'/s/k', txn)
    other.write(b'/s/far/x', b'2')
    same(s.end(txn), b'OK\0')
    other.close()


def events_of_transactions(s):
    other = Store(s.rundir)
    s.ask(WATCH, b'/s\0t\0')
    s.event()
    txn = other.begin()
    other.write(b'/s/x', b'1', txn)
    same(s.quiet(), True)
    other.end(txn)
    same(s.event(), (b'/s/x', b't'))
    same(s.quiet(), True)
    other.close()


def long_listings(s):
    wanted = sorted(b'a-name-that-takes-some-room-%d' % i for i in range(200))
    for name in wanted:
        s.write(b'/s/l/' + name, b'')
    same(s.names(b'/s/l'), 'E2BIG')
    found, done = b'', False
    while not done:
        reply = s.ask(PART, b'/s/l\0%d\0' % len(found))
        part = reply[reply.index(b'\0') + 1:]
        done = part.endswith(b'\0\0') or part == b'\0'
        found += part[:-1] if done else part
    same(sorted(found.split(b'\0')[:-1]), wanted)
    same(s.ask(PART, b'/s/none\0' b'0\0'), 'ENOENT')


def domains(s):
    same(s.ask(PATH, b'7\0'), b'/local/domain/7\0')
    same(s.ask(IS_INTRODUCED, b'7\0'), b'F\0')
    same(s.ask(RELEASE, b'x\0'), 'EINVAL')
    same(s.ask(INTRODUCE, b'7\0'), 'EINVAL')


def requests_in_a_row(s):
    """Many requests in one go, and the replies in their order."""
    data = b''.join(struct.pack('<4I', READ, i, 0, 3) + b'/s\0' for i in range(500))
    s.socket.sendall(data)
    for i in range(500):
        same(s.message()[1], i)


def too_long(s):
    s.socket.sendall(struct.pack('<4I', READ, 1, 0, 4097))
    try:
        s.socket.sendall(b'x' * 4097)
        s.message()
    except (EOFError, ConnectionError):
        return
    raise Failed('the connection is still open')


def many_connections(s):
    others = [Store(s.rundir) for _ in range(100)]
    for i, other in enumerate(others):
        same(other.write(b'/s/c%d' % i, b'%d' % i), b'OK\0')
    for other in others:
        other.close()
    same(len(s.names(b'/s')), 100)


def _tool(s, *words, status=0):
    done = subprocess.run(words, env=s.environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, check=False)
    same(done.returncode, status, ' '.join(words) + done.stdout.decode(errors='replace'))
    return done.stdout.decode(errors='replace')


def debian_tools(s):
    _tool(s, 'xenstore-write', '/s/t/a', 'one', '/s/t/b', 'two')
    same(_tool(s, 'xenstore-read', '/s/t/a', '/s/t/b'), 'one\ntwo\n')
    same(sorted(_tool(s, 'xenstore-list', '/s/t').split()), ['a', 'b'])
    _tool(s, 'xenstore-exists', '/s/t/a')
    _tool(s, 'xenstore-exists', '/s/t/none', status=1)
    _tool(s, 'xenstore-chmod', '/s/t/a', 'r1', 'b2')
    same('(r1,b2)' in _tool(s, 'xenstore-ls', '-p', '/s/t'), True)
    same(_tool(s, 'xenstore-ls', '/s/t/a'), '')
    _tool(s, 'xenstore-rm', '/s/t')
    _tool(s, 'xenstore-read', '/s/t/a', status=1)
    same('/s/w' in _tool(s, 'xenstore-watch', '-n', '1', '/s/w'), True)


def test_xenstore(s):
    _tool(s, 'test-xenstore')
    _tool(s, 'test-xenstore', '-r', '3')


PYXS = '''
import os, pyxs
path = os.path.join(os.environ["XENSTORED_RUNDIR"], "socket")
with pyxs.Client(unix_socket_path=path) as c:
    c[b"/s/py"] = b"v"
    assert c[b"/s/py"] == b"v"
    assert b"py" in c.list(b"/s")
    c.set_perms(b"/s/py", [b"b0"])
    assert c.get_perms(b"/s/py") == [b"b0"]
    c.transaction()
    c[b"/s/py"] = b"w"
    c.commit()
    m = c.monitor()
    m.watch(b"/s/py", b"t")
    assert next(m.wait()) == (b"/s/py", b"t")
    c.delete(b"/s/py")
    assert not c.exists(b"/s/py")
'''


def pyxs(s):
    _tool(s, sys.executable, '-c', PYXS)


CASES = [values, folders, removals, bad_requests, permissions, watches, watches_below_a_removal,
         relative_names, special_watches, reset, transactions, conflicts, events_of_transactions,
         long_listings, domains, requests_in_a_row, too_long, many_connections, debian_tools,
         test_xenstore, pyxs]


def run(rundir, environment, only=()):
    """Number of failures."""
    failures = 0
    for case in CASES:
        if only and case.__name__ not in only:
            continue
        s = Store(rundir)
        s.rundir, s.environment = rundir, environment
        s.ask(RM, b'/s\0')
        s.ask(MKDIR, b'/s\0')
        try:
            case(s)
            print(f'  {case.__name__}: ok')
        except (Failed, EOFError, OSError, subprocess.SubprocessError) as error:
            failures += 1
            print(f'  {case.__name__}: FAILED: {type(error).__name__} {error}')
        s.close()
    return failures

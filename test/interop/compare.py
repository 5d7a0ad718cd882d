#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""usage: compare.py REFERENCE OURS LIST

Compares two logs of test/interop/dom0/xl-calls.sh call by call, after masking what must differ:
addresses, times, versions, counts of cycles. LIST names the differences that remain, one a line:
`^CALL: .*REGEX  # REASON`; a line of difference (`CALL: -LINE`, `CALL: +LINE`) must match one of
them, and each of them whose call is in the logs must match some line, or it is out of date.
"""
import difflib
import re
import sys

# What is masked: in which calls, what, by what. Runs of blanks are one blank before that.
MASKS = [
    # Times, and who happened to run where.
    (r'xl (list|claims)', r' [r-][b-]([p-])([s-])([rc-])([d-]) [0-9.]+', r' ..\1\2\3\4 TIME'),
    (r'xl vcpu-list', r'(\d) [\d-]+ ([-rb])[-b]([-p]) +[0-9.]+ ', r'\1 CPU \2\3 TIME '),
    (r'xl vcpu-list', r'CPU [rb-]([-p]) TIME', r'CPU .\1 TIME'),
    (r'xl uptime', r'\d+:\d\d(:\d\d)?', 'TIME'),
    (r'lsevtchn', r'Physical IRQ (2[4-9]|[3-9]\d|\d{3})$', 'message-signalled IRQ'),
    (r'lsevtchn', r'VCPU \d+: (.* IRQ \d+|message.*|Inter.*)', r'VCPU N: \1'),
    (r'xentop', r'^ ?(\S+) [-a-z]{6} \d+ [0-9.]+', r'\1 STATE CPU'),
    (r'xentop -b -i 1 -n', r'^(calls( \S+){8}) .* (\d+)$', r'\1 TRAFFIC \3'),
    (r'xentop', r'^(Net\d) .*', r'\1 TRAFFIC'),
    (r'xl restore', r'mfn 0x[0-9a-f]+', 'mfn FRAME'),
    (r'xl migrate', r'process \[\d+\]', 'process [PID]'),
    (r'losetup', r'\[\d+\]:\d+', 'INODE'),
    # Versions and words of the hypervisor about itself.
    (r'xl info', r'^(xen_(extra|version|changeset|commandline)|cc_\w+|build_id|host|version) .*',
     r'\1 WORDS'),
    (r'xl info', r'^cpu_mhz .*', 'cpu_mhz MHZ'),
    # What the hypervisor itself needs of memory.
    (r'xl info', r'^(free_memory) : \d+', r'\1 : MEMORY'),
    (r'xenstore-ls', r'(/ring-ref|/tty) = .*', r'\1 = NUMBER'),
    (r'xl info -n', r'^ 0: (\d+) \d+ ', r'0: \1 MEMORY '),
]


def calls(path):
    """[(name, lines)]: lines between the calls belong to the one before."""
    found = []
    with open(path, encoding='utf-8', errors='replace') as file:
        for line in file:
            if line.startswith('### '):
                found.append((line[4:].strip(), []))
            elif found:
                found[-1][1].append(line.rstrip())
    return found


def mask(name, lines):
    out = []
    for line in lines:
        line = re.sub(r'\s+', ' ', line).rstrip()
        for where, what, by in MASKS:
            if re.match(where, name):
                line = re.sub(what, by, line)
        out.append(line)
    return out


def numbered(found):
    """The second call of a name is NAME#2."""
    seen, out = {}, {}
    for name, lines in found:
        seen[name] = seen.get(name, 0) + 1
        out[name if seen[name] == 1 else f'{name}#{seen[name]}'] = lines
    return out


def differences(reference, ours):
    left, right = numbered(reference), numbered(ours)
    for name in sorted(set(left) ^ set(right)):
        yield f'{name}: {"-" if name in left else "+"}the call is in one log only'
    for name in [name for name in left if name in right]:
        for line in difflib.unified_diff(mask(name, left[name]), mask(name, right[name]),
                                         lineterm='', n=0):
            if line[0] in '+-' and line[:3] not in ('+++', '---'):
                yield f'{name}: {line}'


def known(path):
    rows = []
    with open(path, encoding='utf-8') as file:
        for line in file:
            if line.strip() and not line.startswith('#'):
                regex, _, reason = line.partition('  # ')
                if not reason.strip():
                    sys.exit(f'{path}: no reason: {line}')
                rows.append(regex.strip())
    if len(rows) > 20:
        sys.exit(f'{path}: {len(rows)} differences; 20 are allowed')
    return rows


def main():
    reference, ours, path = sys.argv[1:4]
    rows, bad = known(path), 0
    names = {name for name, _ in calls(reference)}
    used = set()
    for line in differences(calls(reference), calls(ours)):
        match = [row for row in rows if re.search(row, line)]
        used.update(match)
        if not match:
            bad += 1
            print(line)
    for row in rows:
        if row not in used and any(row.startswith('^' + name) for name in names):
            bad += 1
            print(f'out of date: {row}')
    print(f'{len(names)} calls compared, {bad} lines differ, {len(used)} known differences seen')
    sys.exit(1 if bad or not names else 0)


main()

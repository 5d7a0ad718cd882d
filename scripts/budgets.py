#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Caps: 600 lines a file, 60 a function; and the code lines of each part against its budget.

Functions are found by looks, which the project's style makes safe: a definition starts in column
0 and its closing brace stands in column 0. Exceptions are lines of lint.allow with a reason.
"""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))

import sources  # noqa: E402

FILE_LINES = 600
FUNCTION_LINES = 60
PARTS = {'hypervisor': (['hypervisor'], 30000), 'toolstack': (['libctrl', 'libstore', 'xl'], 20000)}


def functions(lines):
    """(name, first line, number of lines) of each function definition."""
    start, head = None, ''
    for number, line in enumerate(lines, 1):
        if start is None:
            if re.match(r'[A-Za-z_]', line):
                start, head = number, line
            continue
        head += ' ' + line.strip() if '{' not in head else ''
        if line.startswith('}') or (';' in line and '{' not in head):
            before = head.partition('{')[0]
            found = re.search(r'(\w+)\s*\(', re.sub(r'__attribute__\s*\(\(.*?\)\)', '', before))
            kind = re.match(r'(typedef|struct|enum|union)\b[^(]*$', before) or '=' in before
            if line.startswith('}') and found and not kind:
                yield found.group(1), start, number - start + 1
            start = None


def code_lines(folders):
    """Lines of code as cloc counts them, the public headers left out."""
    if not shutil.which('cloc'):
        return None
    folders = [os.path.join(sources.TOP, folder) for folder in folders]
    out = subprocess.run(['cloc', '--json', '--quiet', '--fullpath', '--not-match-d=include/public',
                          '--include-lang=C,C/C++ Header,Assembly'] + folders,
                         stdout=subprocess.PIPE, text=True, check=False).stdout
    return json.loads(out)['SUM']['code'] if out.strip() else 0


def check():
    bad = []
    for path in sources.files('.c', '.h', '.S', '.py', '.sh', ''):
        lines = sources.text(path).splitlines()
        if len(lines) > FILE_LINES and not sources.allowed('budgets', path):
            bad.append(f'{path}: {len(lines)} lines, more than {FILE_LINES}')
        if not path.endswith('.c') and not path.endswith('.h'):
            continue
        for name, start, length in functions(lines):
            if length > FUNCTION_LINES and not sources.allowed('budgets', f'{path}:{name}'):
                bad.append(f'{path}:{start}: {name} has {length} lines, more than {FUNCTION_LINES}')
    for part, (folders, budget) in PARTS.items():
        count = code_lines([f for f in folders if os.path.isdir(os.path.join(sources.TOP, f))])
        if count is not None:
            print(f'{part}: {count} lines of code of {budget}')
            if count > budget:
                bad.append(f'{part}: {count} lines of code, more than {budget}')
    return bad


if __name__ == '__main__':
    sys.exit(sources.report(check()))

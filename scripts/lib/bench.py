# SPDX-License-Identifier: MIT
"""scripts/bench: which rows, on which side, compared with what; the tables that it prints."""
import argparse
import json
import os
import subprocess

from base import BUILD, TOP, Stop, Step, read, run, write_atomic
import benchjobs
import benchprofile
import benchrows
import packages

ABOUT = """Counts what operations cost, in instructions executed by the emulated machine, on Bonsai
and on Debian's Xen. ROW is a row's name, or a job (calls, boot, …); all when not given.
test/bench/README.md tells what the columns mean."""
RECORDED = os.path.join(TOP, 'test', 'bench', 'recorded.json')
WORSE = 1.005


def parser():
    p = argparse.ArgumentParser(prog='scripts/bench', description=ABOUT)
    p.add_argument('rows', nargs='*', metavar='ROW')
    p.add_argument('--list', action='store_true', help='the names of all rows')
    p.add_argument('--side', choices=['bonsai', 'xen', 'both'], default='both')
    p.add_argument('--json', action='store_true')
    p.add_argument('--check', action='store_true',
                   help='our side alone; fails when a row is 0.5 %% worse than it was recorded')
    p.add_argument('--record', action='store_true', help='our side alone; records its values')
    p.add_argument('--profile', metavar='ROW',
                   help='where the hypervisor\'s instructions of one row go, by function')
    p.add_argument('--lines', action='store_true', help='with --profile: by line too')
    p.add_argument('--no-build', action='store_true')
    return p


def build():
    if not os.path.exists(os.path.join(BUILD, 'build.ninja')):
        run(['meson', 'setup', BUILD, TOP, '-Dparts=hypervisor,toolstack,bench',
             '-Ddebug_checks=false'], 1, 'meson setup')
    run(['ninja', '-C', BUILD], 1, 'the build')


def chosen(names):
    if not names:
        return benchrows.ROWS
    known = {row.name for row in benchrows.ROWS} | {row.job for row in benchrows.ROWS}
    for name in names:
        if name not in known:
            raise Stop(2, f'no row “{name}”; scripts/bench --list shows them')
    return [row for row in benchrows.ROWS if row.name in names or row.job in names]


def versions():
    def first(*words):
        out = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                             check=False).stdout
        return out.splitlines()[0] if out else 'unknown'

    return {'compiler': first(os.environ.get('CC', 'cc'), '--version'),
            'kernel': packages.kernel()[2], 'qemu': first('qemu-system-x86_64', '--version')}


def measure(rows, sides):
    """{side: {row name: Value}}"""
    values = {side: {} for side in sides}
    for job in dict.fromkeys(row.job for row in rows):
        for side in sides:
            with Step(f'{job} on {side}'):
                values[side].update(benchjobs.JOBS[job](side))
    return values


def number(values, side, row):
    value = values.get(side, {}).get(row.name)
    return None if value is None else value.number()


def limit(values, row):
    """The row's target; of a row that has to be flat it comes from another one's value."""
    if row.flat is None:
        return row.target
    first = values.get('bonsai', {}).get(row.flat)
    return None if first is None else first.number() * benchrows.FLAT


def _rest(values, side, row):
    """The last column: where whole jobs run, and what is dear in single calls."""
    value = values.get(side, {}).get(row.name)
    if value is None:
        return '–'
    parts = value.parts() if len(value.spaces) > 1 else value.dear()
    return ' '.join(f'{name} {row.show(n)}' if len(value.spaces) > 1 else f'{name} {n:g}'
                    for name, n in parts.items() if n != 0)


def table(rows, values):
    print(f'{"row":20} {"Xen":>9} {"Bonsai":>9} {"ratio":>6} {"target":>8}  met  Xen; Bonsai: '
          'what is dear, or where')
    for row in rows:
        stock, ours = (number(values, side, row) for side in ('xen', 'bonsai'))
        ratio = f'{ours / stock:.2f}' if stock and ours is not None else '–'
        target = limit(values, row)
        met = '–' if ours is None or target is None else 'yes' if ours <= target else 'no'
        rest = [_rest(values, side, row) for side in ('xen', 'bonsai')]
        print(f'{row.name:20} {row.show(stock):>9} {row.show(ours):>9} {ratio:>6} '
              f'{row.show(target):>8}  {met:3}  {"; ".join(rest)}')


def as_json(rows, values):
    found = []
    for row in rows:
        entry = {'row': row.name, 'job': row.job, 'what': row.text, 'target': limit(values, row)}
        for side, rest in values.items():
            if row.name in rest:
                entry[side] = rest[row.name].number()
                entry[f'{side}-parts'] = rest[row.name].parts()
                entry[f'{side}-dear'] = rest[row.name].dear()
        found.append(entry)
    print(json.dumps({'versions': versions(), 'rows': found}, indent=4))


def record(rows, values):
    old = json.loads(read(RECORDED))['rows'] if os.path.exists(RECORDED) else {}
    new = {row.name: round(number(values, 'bonsai', row), 2) for row in rows
           if row.name in values['bonsai']}
    write_atomic(RECORDED, json.dumps({'versions': versions(), 'rows': {**old, **new}},
                                      indent=4) + '\n')
    print(f'{len(new)} rows recorded')


def compare(rows, values, recorded):
    bad = 0
    for row in rows:
        now, then = number(values, 'bonsai', row), recorded['rows'].get(row.name)
        if now is None or then is None:
            print(f'{row.name:20} not recorded' if then is None else f'{row.name:20} not counted')
            bad += 1
            continue
        worse = now > then * WORSE
        bad += worse
        change = f'{100 * (now / then - 1):+.2f} %' if then else ''
        print(f'{row.name:20} {row.show(then):>9} {row.show(now):>9} {change:>9}'
              f'{"  worse" if worse else ""}')
    print(f'{bad} rows are worse than recorded' if bad else 'no row is worse than recorded')
    return 1 if bad else 0


def check(rows):
    recorded = json.loads(read(RECORDED))
    rows = [row for row in rows if row.job in benchrows.CHECKED]
    different = [name for name, version in versions().items()
                 if recorded['versions'].get(name) != version]
    if different:
        print('recorded with other versions of: ' + ', '.join(different)
              + '; rows that run foreign code are not checked')
        rows = [row for row in rows if row.job not in benchrows.FOREIGN]
    return compare(rows, measure(rows, ['bonsai']), recorded)


def bench(arguments):
    options = parser().parse_args(arguments)
    rows = chosen(options.rows)
    if options.list:
        for row in rows:
            print(f'{row.job:8} {row.name:20} at most {row.show(row.target):>6}'
                  f'{" million" if row.scale > 1 else "":8}  {row.text}')
        return 0
    if not options.no_build:
        build()
    if options.profile:
        row = chosen([options.profile])[-1]
        benchprofile.show(row.job, options.profile, options.lines)
        return 0
    if options.check:
        return check(rows)
    sides = ['xen', 'bonsai'] if options.side == 'both' else [options.side]
    if options.record:
        rows = [row for row in rows if row.job in benchrows.CHECKED]
    values = measure(rows, ['bonsai'] if options.record else sides)
    if options.record:
        record(rows, values)
    elif options.json:
        as_json(rows, values)
    else:
        table(rows, values)
    return 0

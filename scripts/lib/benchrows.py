# SPDX-License-Identifier: MIT
"""The rows of the bench: what is counted, and what it may cost at most.

A row belongs to a job, which is what has to run to count it (benchjobs.py). Rows of `foreign` jobs
run other people's code too, so their counts are comparable with recorded ones only when the
versions of that code are the same.
"""


class Row:
    def __init__(self, job, name, target, text, scale=1, flat=None):
        self.job, self.name, self.text = job, name, text
        self.target = target
        self.scale = scale  # 1, or a million
        self.flat = flat    # the row that this one may be FLAT times: then there is no target

    def show(self, value):
        if value is None:
            return '–'
        value /= self.scale
        return f'{value:.1f}' if self.scale == 1 and value < 100 else \
            f'{value:.2f}' if self.scale != 1 else f'{value:.0f}'


FLAT = 1.02
MILLION = 1_000_000

CALLS = [
    ('xen_version', 80, 'null hypercall'),
    ('unknown-call', 70, 'a number that is no hypercall'),
    ('multicall', 60, 'each of 32 entries, xen_version'),
    ('mmu_update', 300, 'one entry: a page is mapped, unmapped'),
    ('mmu_update-128', 150, 'the same, each of 128 entries'),
    ('mmu_replace', 300, 'mmu_update, one entry: another page instead'),
    ('mmu_replace-128', 150, 'the same, each of 128 entries'),
    ('update_va_mapping', 300, 'another page instead, with INVLPG'),
    ('evtchn_send', 150, 'to a port of the same domain, masked vcpu'),
    ('evtchn_send-pending', 120, 'to a port that is pending'),
    ('evtchn-alloc-close', 400, 'alloc_unbound and close, both calls'),
    ('grant-map-unmap', 700, 'one page, both calls'),
    ('grant-copy', 200, '64 bytes of a grant into a frame'),
    ('grant-copy-32', 80, 'the same, each of 32 entries'),
    ('populate-decrease', 600, 'one page out and in, both calls'),
    ('yield', 300, 'nothing else to run'),
    ('bounce', 200, 'INT3 to the guest\'s kernel, and iret'),
    ('bounce-ud2', 200, 'UD2 to the guest\'s kernel, and iret'),
    ('console_io', 300, 'one character'),
]

ROWS = [Row('calls', name, target, text) for name, target, text in CALLS] + [
    Row('boot', 'boot', 25 * MILLION, 'hypervisor\'s entry to a tiny kernel\'s first instruction, '
        '1 GiB', MILLION),
    Row('boot', 'boot-each-gib', 3 * MILLION, 'what the second GiB adds', MILLION),
]

MILLIONS = [
    ('handover', 'hand-over', 4100, 'hypervisor\'s entry to the first instruction of Debian\'s '
     'kernel as dom0, 1 GiB'),
    ('create', 'create-packed-first', 3920, 'create -p of Debian\'s xz kernel, 128 MiB'),
    ('create', 'create-packed-again', 20, 'the same once more'),
    ('create', 'create-plain', 15, 'create -p of the same kernel, unpacked before'),
    ('control', 'unpause', 0.5, 'beyond what /bin/true costs'),
    ('control', 'pause', 0.5, 'beyond what /bin/true costs'),
    ('control', 'destroy', 8, 'beyond what /bin/true costs'),
    ('control', 'list-1', 1, 'list with one domain, beyond what /bin/true costs'),
    ('many', 'create-tiny-1', 15, 'create -p of a tiny kernel, the first domain'),
    ('many', 'list-100', 3, 'list with 101 domains, beyond what /bin/true costs'),
]
ROWS += [Row(job, name, target * MILLION, text, MILLION) for job, name, target, text in MILLIONS]
ROWS += [Row('many', f'create-tiny-{n}', None, f'domain number {n}: {FLAT} of the first', MILLION,
             'create-tiny-1') for n in (2, 50, 100)]
ROWS += [
    Row('many', 'memory-hypervisor', 32, 'KiB for each of 100 domains, without its own memory'),
    Row('many', 'memory-dom0', 64, 'KiB for each of 100 domains, of dom0'),
]

# Jobs whose rows --check looks at.
CHECKED = ['calls', 'boot', 'create']
FOREIGN = ['handover', 'create', 'control', 'many']

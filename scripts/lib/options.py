# SPDX-License-Identifier: MIT
"""The options of scripts/boot, checked; shared with the scripts that start machines by it."""
import argparse
import os
import shutil
import sys
import tempfile

from base import BUILD, Stop
import qemu

ABOUT = """Starts one emulated machine: a hypervisor, dom0, a toolstack and a script in dom0.

Everything that needs a machine goes through here. The exit status is the script's (0 to 123), or
124 time-out, 125 hypervisor or dom0 died or gave no status, 126 wrong use, 127 something is not
built or cannot be downloaded. For a tiny kernel it is success 0, failure 1, skip 77, error 99.
Arguments after a lone -- go to QEMU. BONSAI_TIME_FACTOR stretches the time limit."""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Stop(126, message)


def parser():
    p = Parser(prog='scripts/boot', description=ABOUT, allow_abbrev=False,
               formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--hypervisor', choices=['bonsai', 'xen', 'none'], default='bonsai')
    p.add_argument('--toolstack', choices=['ctl', 'xl', 'none'], default='ctl')
    p.add_argument('--boot', choices=['multiboot', 'pvh', 'iso-bios', 'iso-uefi'],
                   default='multiboot')
    p.add_argument('--root', choices=['small', 'debian'],
                   help='dom0\'s user space; default small, with --toolstack xl debian')
    p.add_argument('--packages', default='', help='more packages for --root debian')
    p.add_argument('--dom0-kernel', metavar='FILE|NAME', help='a bzImage, or a tiny kernel (ELF)')
    p.add_argument('--dom0-cmdline', default='', help='more words for dom0\'s kernel')
    p.add_argument('--cmdline', default='', help='more words for the hypervisor')
    p.add_argument('--module', dest='modules', action='append', default=[], metavar='"FILE ARGS"')
    p.add_argument('--mem', type=int, default=2048, help='the machine\'s memory, MiB')
    p.add_argument('--dom0-mem', default='512', help='MiB, or “default”')
    p.add_argument('--cpus', type=int, default=2)
    p.add_argument('--dom0-vcpus', type=int)
    p.add_argument('--cpu', default='pv', help='a QEMU model or one of: ' + ' '.join(qemu.CPUS))
    p.add_argument('--machine', choices=list(qemu.MACHINES), default='q35')
    p.add_argument('--disk', dest='disks', action='append', default=[], type=qemu.Disk,
                   metavar='FILE[,bus=virtio|ahci|ide][,ro]')
    p.add_argument('--net', default='none', metavar='none|user|listen:PORT|connect:PORT')
    p.add_argument('--dom0-script', nargs='+', metavar=('FILE', 'ARG'))
    p.add_argument('--files', metavar='DIR', help='read-only in dom0 as /files')
    p.add_argument('--out', metavar='DIR', help='writable in dom0 as /out; logs are put here too')
    p.add_argument('--initrd-files', metavar='DIR')
    p.add_argument('--until', metavar='REGEX', help='end with 0 at a console line like this')
    p.add_argument('--timeout', type=float, default=300, help='seconds; 0 is none')
    p.add_argument('--deterministic', action='store_true')
    p.add_argument('--plugin', metavar='SO[,args]')
    p.add_argument('--gdb', type=int, metavar='PORT', help='wait for a debugger at PORT')
    p.add_argument('--interactive', action='store_true')
    p.add_argument('--greet', action='store_true', help=argparse.SUPPRESS)
    p.add_argument('--quiet', action='store_true', help='console to console.log alone')
    p.add_argument('--print', action='store_true', help='show QEMU\'s command line and end')
    return p


def split_arguments(arguments):
    """QEMU's own arguments follow `--`; those of the script may start with a dash."""
    own, rest = arguments, []
    if '--' in arguments:
        at = arguments.index('--')
        own, rest = arguments[:at], arguments[at + 1:]
    options = parser().parse_args(own)
    options.qemu_args = rest
    return options


def check(options):
    if options.files and not os.path.isdir(options.files):
        raise Stop(126, f'--files {options.files}: no such folder')
    if options.dom0_script and not os.path.isfile(options.dom0_script[0]):
        raise Stop(126, f'--dom0-script {options.dom0_script[0]}: no such file')
    if options.interactive and not sys.stdin.isatty():
        raise Stop(126, '--interactive needs a terminal on standard input')
    if options.dom0_mem != 'default' and not options.dom0_mem.isdigit():
        raise Stop(126, f'--dom0-mem {options.dom0_mem}: not a number of MiB, nor “default”')
    options.root = options.root or ('debian' if options.toolstack == 'xl' else 'small')
    if options.toolstack == 'xl' and options.root == 'small':
        raise Stop(126, '--toolstack xl needs --root debian')
    options.out = os.path.abspath(options.out or tempfile.mkdtemp(prefix='out-', dir=_runs()))
    os.makedirs(options.out, exist_ok=True)
    options.files = os.path.abspath(options.files) if options.files else options.out
    for name in ('.status', 'script.log', 'result.json', 'console.log'):
        if os.path.exists(os.path.join(options.out, name)):
            os.unlink(os.path.join(options.out, name))


def _runs():
    folder = os.path.join(BUILD, 'runs')
    os.makedirs(folder, exist_ok=True)
    # Runs without --out are kept for a while, not for ever.
    old = sorted(os.listdir(folder), key=lambda n: os.path.getmtime(os.path.join(folder, n)))[:-20]
    for name in old:
        if name.startswith('out-'):
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
    return folder

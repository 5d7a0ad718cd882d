# SPDX-License-Identifier: MIT
"""One disc image that boots by BIOS and by UEFI: GRUB, the hypervisor (multiboot2), its modules.

grub-mkrescue puts both kinds of GRUB into one hybrid image when grub-pc-bin and
grub-efi-amd64-bin are there. A machine without hypervisor gets dom0's kernel by `linux`.
"""
import os
import shutil
import tempfile

from base import Stop, run, write_atomic

NEEDS = {'grub-mkrescue': 'grub-common', 'xorriso': 'xorriso', 'mformat': 'mtools'}


def _config(plan):
    lines = ['serial --unit=0 --speed=115200', 'terminal_input serial console',
             'terminal_output serial console', 'set timeout=0', 'menuentry "Bonsai" {']
    if plan.hypervisor is None:
        lines += [f'    linux /boot/module0 {plan.modules[0][1]}', '    initrd /boot/module1']
    else:
        lines.append(f'    multiboot2 /boot/hypervisor {plan.command_line}')
        for number, (_, words) in enumerate(plan.modules):
            lines.append(f'    module2 --nounzip /boot/module{number} {words}'.rstrip())
    return '\n'.join(lines + ['}', ''])


def _link(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def make(plan, target):
    for program, package in NEEDS.items():
        if not shutil.which(program):
            raise Stop(127, f'{program} is missing; install the package {package}')
    for folder in ('i386-pc', 'x86_64-efi'):
        if not os.path.isdir(os.path.join('/usr/lib/grub', folder)):
            raise Stop(127, f'no /usr/lib/grub/{folder}; install grub-pc-bin and '
                            'grub-efi-amd64-bin')
    with tempfile.TemporaryDirectory(dir=os.path.dirname(target)) as folder:
        write_atomic(os.path.join(folder, 'boot/grub/grub.cfg'), _config(plan))
        if plan.hypervisor:
            _link(plan.hypervisor, os.path.join(folder, 'boot/hypervisor'))
        for number, (path, _) in enumerate(plan.modules):
            _link(path, os.path.join(folder, f'boot/module{number}'))
        run(['grub-mkrescue', '-o', target, folder], what='grub-mkrescue',
            env=dict(os.environ, LC_ALL='C'))
    return target

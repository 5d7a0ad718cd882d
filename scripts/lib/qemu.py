# SPDX-License-Identifier: MIT
"""QEMU's command line from the options of scripts/boot. All tables of names are here."""
import os
import secrets

from base import BUILD, Stop

# Processor models. QEMU 7.2 lets IRET at CPL 3 pop its stack as supervisor, so a PV kernel faults
# under SMAP, and MWAIT with ECX=1 raises #GP: hence `-smap,-monitor` for PV guests.
CPUS = {
    'pv': 'EPYC,-smap,-monitor',
    'smap': 'EPYC,-monitor',
    'svm': 'EPYC,-rdtscp,-monitor,-xsave,+umip,+vgif,+svme-addr-chk',
    'max': 'max,-monitor',
    'old': 'Opteron_G3,-monitor',
}

# Above this, one thread emulates all processors. QEMU 7.2 with a thread each may hand an access of
# one processor to the wrong device while another one moves a PCI region (it ends in its assertion
# msix_table_mmio_write), the more often the more there are; and past the host's cores it is slower.
THREADED_CPUS = 2

MACHINES = {'q35': 'q35', 'pc': 'pc'}
OVMF_CODE = '/usr/share/OVMF/OVMF_CODE_4M.fd'
OVMF_VARS = '/usr/share/OVMF/OVMF_VARS_4M.fd'


def comma(text):
    """QEMU's option syntax doubles a comma that is meant."""
    return text.replace(',', ',,')


class Disk:
    """One --disk FILE[,bus=virtio|ahci|ide][,ro]"""

    def __init__(self, text):
        words = text.split(',')
        self.file, self.bus, self.readonly = words[0], 'virtio', False
        for word in words[1:]:
            if word.startswith('bus=') and word[4:] in ('virtio', 'ahci', 'ide'):
                self.bus = word[4:]
            elif word == 'ro':
                self.readonly = True
            else:
                raise Stop(126, f'--disk {text}: “{word}” is neither bus=virtio|ahci|ide nor ro')
        if not os.path.exists(self.file):
            raise Stop(126, f'--disk {text}: no such file')

    def arguments(self, number, machine):
        name = f'disk{number}'
        drive = f'if=none,id={name},format=raw,file={comma(self.file)}'
        if self.readonly:
            # An ATA disk cannot be read-only: what is written to it is thrown away instead.
            drive += ',readonly=on' if self.bus == 'virtio' else ',snapshot=on'
        if self.bus == 'virtio':
            device = f'virtio-blk-pci,drive={name}'
        elif self.bus == 'ahci':
            return ['-drive', drive, '-device', f'ahci,id=ahci{number}',
                    '-device', f'ide-hd,drive={name},bus=ahci{number}.0']
        elif machine == 'pc':
            device = f'ide-hd,drive={name}'
        else:
            return ['-drive', drive, '-device', f'piix3-ide,id=ide{number}',
                    '-device', f'ide-hd,drive={name},bus=ide{number}.0']
        return ['-drive', drive, '-device', device]


def _net(text):
    kind, _, port = text.partition(':')
    if kind == 'none':
        return []
    if kind == 'user':
        return ['-netdev', 'user,id=net0', '-device', 'e1000,netdev=net0']
    if kind in ('listen', 'connect') and port.isdigit():
        return ['-netdev', f'socket,id=net0,{kind}=127.0.0.1:{port}',
                '-device', f'virtio-net-pci,netdev=net0,mac=52:54:00:00:00:{kind == "listen":02x}']
    raise Stop(126, f'--net {text}: not none, user, listen:PORT or connect:PORT')


def net_kind(text):
    return text.partition(':')[0]


def _share(tag, folder, writable):
    return ['-fsdev', f'local,id={tag},path={comma(folder)},security_model=none'
            + ('' if writable else ',readonly=on'),
            '-device', f'virtio-9p-pci,fsdev={tag},mount_tag={tag}']


def _loader(options, plan):
    """How the first program gets into memory: QEMU's own loader, or a disc image with GRUB."""
    if options.boot.startswith('iso-'):
        import iso
        image = iso.make(plan, os.path.join(options.out, 'boot.iso'))
        flags = ['-boot', 'd', '-cdrom', image]
        if options.boot == 'iso-uefi':
            if not os.path.exists(OVMF_CODE):
                raise Stop(127, f'no {OVMF_CODE}; install the package ovmf')
            variables = os.path.join(options.out, 'ovmf-vars.fd')
            with open(OVMF_VARS, 'rb') as source, open(variables, 'wb') as target:
                target.write(source.read())
            flags += ['-drive', f'if=pflash,unit=0,format=raw,readonly=on,file={OVMF_CODE}',
                      '-drive', f'if=pflash,unit=1,format=raw,file={comma(variables)}']
        return flags
    if plan.hypervisor is None:
        flags = ['-kernel', plan.modules[0][0], '-append', plan.modules[0][1]]
        return flags + (['-initrd', plan.modules[1][0]] if len(plan.modules) > 1 else [])
    texts = [comma(f'{path} {words}'.strip()) for path, words in plan.modules]
    return ['-kernel', plan.hypervisor, '-append', plan.command_line,
            '-initrd', ','.join(texts)]


def command(options, plan):
    """The whole command line. `options` are those of scripts/boot, `plan` says what is loaded."""
    cpu = CPUS.get(options.cpu, options.cpu)
    thread = 'single' if options.deterministic or options.cpus > THREADED_CPUS else 'multi'
    words = ['qemu-system-x86_64', '-accel', f'tcg,thread={thread}', '-M', options.machine,
             '-cpu', cpu, '-smp', str(options.cpus), '-m', str(options.mem),
             '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot',
             '-chardev', 'stdio,id=com1,signal=off', '-serial', 'chardev:com1',
             '-device', 'isa-debug-exit,iobase=0xf4,iosize=4']
    if options.deterministic:
        words += ['-icount', 'shift=0,sleep=off', '-rtc', 'base=2024-01-01,clock=vm', '-seed', '1']
    words += _loader(options, plan)
    if plan.root_image:
        words += ['-drive', f'if=none,id=root,format=raw,readonly=on,file={comma(plan.root_image)}',
                  '-device', 'virtio-blk-pci,drive=root,serial=bonsai-root']
    for number, disk in enumerate(options.disks):
        words += disk.arguments(number, options.machine)
    words += _net(options.net)
    if plan.shares:
        words += _share('files', options.files, False) + _share('out', options.out, True)
    if options.plugin:
        words += ['-plugin', f'file={options.plugin}']
    if options.gdb:
        words += ['-gdb', f'tcp:127.0.0.1:{options.gdb}', '-S']
    return words + options.qemu_args


def random_word(deterministic):
    return 'w0000000000000000' if deterministic else f'w{secrets.token_hex(8)}'


def tiny_kernel(name):
    """A kernel of test/guest by its name, or a path."""
    for path in (name, os.path.join(BUILD, 'test', 'guest', name, name)):
        if os.path.isfile(path):
            return path
    raise Stop(127, f'--dom0-kernel {name}: no such file, and no such folder built in test/guest')

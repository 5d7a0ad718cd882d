# SPDX-License-Identifier: MIT
"""From the options of scripts/boot to what is loaded: hypervisor, modules, command lines."""
import os
import shlex

from base import BUILD, Stop, read, write_atomic
from cpio import Archive
import image
import modules as kernel_modules
import packages
import qemu

GREETING = """dom0 on Bonsai. Try: ctl list; ctl create /etc/xen/demo.cfg; ctl console demo
Ctrl-C ends the machine; Ctrl-\\ interrupts a command here; Ctrl-] leaves a guest's console.
"""


class Plan:
    def __init__(self):
        self.hypervisor = None      # path of the ELF file, or None: dom0's kernel on the machine
        self.command_line = ''
        self.modules = []           # (path, arguments): dom0's kernel, its initramfs, then others
        self.root_image = None
        self.shares = False
        self.tiny = False
        self.word = ''
        self.versions = {}


def _hypervisor(options):
    if options.hypervisor == 'none':
        return None
    if options.hypervisor == 'xen':
        return packages.xen()
    name = 'bonsai-pvh' if options.boot == 'pvh' else 'bonsai'
    path = os.path.join(BUILD, 'hypervisor', name)
    if not os.path.exists(path):
        raise Stop(127, f'{path} is not built; ./scripts/run builds it, '
                        'or --hypervisor xen takes Debian\'s')
    return path


def _hypervisor_words(options):
    if options.hypervisor == 'none':
        return ''
    words = ['console=com1', 'com1=115200,8n1', 'loglvl=all', 'guest_loglvl=all', 'noreboot']
    if options.dom0_mem != 'default':
        words.append(f'dom0_mem={options.dom0_mem}M,max:{options.dom0_mem}M')
    if options.dom0_vcpus:
        words.append(f'dom0_max_vcpus={options.dom0_vcpus}')
    if options.hypervisor == 'xen':
        words += ['cpuidle=0', 'mwait-idle=0']
    else:
        words.append('panic=exit')
    return ' '.join(words + options.cmdline.split())


def _is_tiny(path):
    return read(path)[:4] == b'\x7fELF'


def _load_now(options, modules):
    """The modules that init loads in this run, as paths, in order."""
    names = list(kernel_modules.SHARES)
    if options.hypervisor != 'none':
        names = kernel_modules.XEN + names
    if options.root == 'debian':
        names += kernel_modules.ROOT
        if options.toolstack != 'none' and options.hypervisor != 'none':
            names += kernel_modules.BACKENDS  # modules are not carried over to that root
    for disk in options.disks:
        names += kernel_modules.DISKS[disk.bus]
    names += kernel_modules.NETS.get(qemu.net_kind(options.net), [])
    prefix = f'usr/lib/modules/{modules.version}/'
    return [modules.inside(name)[len(prefix):] for name in modules.order(names)]


def _run_layer(options, plan, modules):
    """The part of the initramfs that belongs to this run alone: settings and the script.

    They are not on the kernel's command line, for a PV kernel's holds 1024 bytes.
    """
    archive = Archive()
    archive.file('etc/bonsai/modules', '\n'.join(_load_now(options, modules)) + '\n')
    mode = 'shell'
    arguments = ''
    if options.dom0_script:
        mode = 'tty' if options.interactive else 'script'
        arguments = shlex.join(options.dom0_script[1:])
        archive.copy('etc/bonsai/script', options.dom0_script[0], 0o755)
    settings = {'toolstack': options.toolstack, 'word': plan.word, 'mode': mode,
                'arguments': arguments}
    archive.file('etc/bonsai/run.conf', ''.join(f'{name}={shlex.quote(value)}\n'
                                                for name, value in settings.items()))
    if options.greet:
        archive.file('etc/bonsai/motd', GREETING)
    return archive.bytes()


def _initramfs(options, plan, modules):
    if options.toolstack == 'ctl':
        missing = [name for name in image.TOOLS if name not in image.tools()]
        if missing:
            raise Stop(127, f'not built in {BUILD}: {", ".join(missing)}; --toolstack none starts '
                            'dom0 without a toolstack')
    layers = [read(image.base_layer()), read(image.tools_layer(options.toolstack == 'ctl'))]
    if options.initrd_files:
        layers.append(image.folder_layer(options.initrd_files))
    layers.append(_run_layer(options, plan, modules))
    path = os.path.join(options.out, 'dom0.initrd')
    write_atomic(path, b''.join(layers))
    return path


def _dom0_words(options, plan):
    words = ['bonsai.word=' + plan.word, 'bonsai.root=' + options.root, 'panic=-1',
             'no_timer_check', 'net.ifnames=0']
    if options.hypervisor == 'none':
        words = ['console=ttyS0'] + words
        if options.dom0_mem not in ('default', '512'):
            words.append(f'mem={options.dom0_mem}M')
    else:
        words = ['console=hvc0', 'earlyprintk=xen'] + words
    return ' '.join(words + options.dom0_cmdline.split())


def make(options):
    plan = Plan()
    plan.word = qemu.random_word(options.deterministic)
    kernel = qemu.tiny_kernel(options.dom0_kernel) if options.dom0_kernel else None
    plan.tiny = kernel is not None and _is_tiny(kernel)
    if plan.tiny and options.hypervisor == 'none':
        raise Stop(126, 'a tiny kernel needs a hypervisor')
    plan.hypervisor = _hypervisor(options)
    plan.command_line = _hypervisor_words(options)
    if plan.tiny:
        plan.modules = [(kernel, options.dom0_cmdline)]
    else:
        stock, folder, version = packages.kernel()
        plan.versions['linux'] = version
        modules = kernel_modules.Modules(folder)
        plan.shares = True
        plan.modules = [(kernel or stock, _dom0_words(options, plan)),
                        (_initramfs(options, plan, modules), '')]
        if options.root == 'debian':
            plan.root_image = image.debian_image(options.packages.split(),
                                                 options.toolstack == 'xl')
    if options.hypervisor == 'xen':
        plan.versions['xen'] = os.path.basename(packages.unpacked('xen-hypervisor-4.17-amd64'))
    for module in options.modules:
        path, _, words = module.partition(' ')
        plan.modules.append((os.path.abspath(path), words))
    return plan

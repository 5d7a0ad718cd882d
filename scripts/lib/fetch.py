# SPDX-License-Identifier: MIT
"""Downloads what dom0 and guests consist of: fetch.py [--all], or --xen-headers for their path."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from base import Stop, main
import image
import packages


def fetch(arguments):
    try:
        if '--xen-headers' in arguments:
            print(os.path.join(packages.unpacked('libxen-dev'), 'usr', 'include'))
            return 0
        packages.kernel()
        image.busybox()
        packages.unpacked('libxen-dev')
        if '--all' in arguments:
            packages.xen()
            image.debian_image([], True)
    except Stop as stop:
        raise Stop(4, stop.sentence) from stop
    return 0


main(fetch)

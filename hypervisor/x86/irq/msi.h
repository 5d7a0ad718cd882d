/* SPDX-License-Identifier: MIT */
/* Messages of PCI devices: MSI and MSI-X. */
#ifndef X86_MSI_H
#define X86_MSI_H

#include "core/types.h"

/*
 * Make an interrupt of one message of an announced device and write it there, masked if it can
 * be. entry: of the MSI-X table; 0 for MSI. The number of the interrupt, or -ENODEV (device not
 * announced or without that capability), -ENXIO (its memory is not decoded), -EINVAL (no such
 * entry), -EEXIST, -EPERM (its table lies where no device's can), -ENOSPC, -ENOMEM.
 */
int msi_create(uint32_t sbdf, bool msix, unsigned entry, unsigned cpu);
void msi_destroy(unsigned irq); /* nobody is bound to it */
/* Write all messages of a device again, after it lost them: -ENODEV. */
int msi_restore(uint32_t sbdf);

#endif

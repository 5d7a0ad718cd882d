/* SPDX-License-Identifier: MIT */
/* What UEFI left behind, for dom0: answers of XENPF_firmware_info, type XEN_FW_EFI_INFO. */
#ifndef X86_EFI_H
#define X86_EFI_H

#include <public/platform.h>
#include "core/types.h"

/* Copy what is needed while low memory is mapped; only when bootinfo.efi. */
void efi_collect(void);
/* index: XEN_FW_EFI_*; 0, -ENODEV (not booted by UEFI), -EINVAL, -ESRCH, -EFAULT. */
int efi_firmware_info(uint32_t index, union xenpf_efi_info *info);

#endif

/* SPDX-License-Identifier: MIT */
/* The old interrupt controllers. */
#ifndef X86_I8259_H
#define X86_I8259_H

/* Move them off the exception vectors and mask all their lines for good. */
void i8259_mask_all(void);

#endif

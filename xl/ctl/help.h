/* SPDX-License-Identifier: MIT */
/* Pages that are made at build time from the tables of commands and keys; exit status. */
#ifndef HELP_H
#define HELP_H

int help_man(void);
int help_man_cfg(void);
int help_bash(void);
int help_zsh(void);

#endif

/* SPDX-License-Identifier: MIT */
/* The list of all commands, in the order that help shows them. */
#include "cmd.h"

extern const struct cmd cmd_create, cmd_config_update, cmd_config, cmd_list, cmd_vm_list, cmd_domid,
    cmd_domname, cmd_shutdown, cmd_reboot, cmd_destroy, cmd_pause, cmd_unpause, cmd_rename,
    cmd_info, cmd_uptime, cmd_dmesg, cmd_debug_keys, cmd_version, cmd_vcpu_list, cmd_vcpu_pin,
    cmd_vcpu_set, cmd_mem_set, cmd_mem_max, cmd_sched_credit2, cmd_trigger, cmd_sysrq, cmd_console,
    cmd_help;

const struct cmd *const cmd_table[] = {
    &cmd_create, &cmd_config_update, &cmd_config, &cmd_list, &cmd_destroy, &cmd_shutdown,
    &cmd_reboot, &cmd_pause, &cmd_unpause, &cmd_console, &cmd_rename, &cmd_domid, &cmd_domname,
    &cmd_vm_list, &cmd_mem_set, &cmd_mem_max, &cmd_vcpu_list, &cmd_vcpu_pin, &cmd_vcpu_set,
    &cmd_sched_credit2, &cmd_trigger, &cmd_sysrq, &cmd_info, &cmd_uptime, &cmd_dmesg,
    &cmd_debug_keys, &cmd_version, &cmd_help, NULL,
};

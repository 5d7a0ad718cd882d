/* SPDX-License-Identifier: MIT */
/* The list of all commands, in the order that help shows them. */
#include "cmd.h"

#include <stdio.h>
#include <string.h>

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

static bool is_exactly(const struct cmd *cmd, const char *name)
{
    return strcmp(cmd->name, name) == 0 || (cmd->alias != NULL && strcmp(cmd->alias, name) == 0);
}

static bool begins(const struct cmd *cmd, const char *name, size_t n)
{
    return strncmp(cmd->name, name, n) == 0 ||
           (cmd->alias != NULL && strncmp(cmd->alias, name, n) == 0);
}

const struct cmd *cmd_find(struct ctl *c, const char *name, bool say)
{
    const struct cmd *found = NULL;
    char candidates[200] = "";
    unsigned int count = 0;
    size_t n = strlen(name);

    for (size_t i = 0; cmd_table[i] != NULL; i++) {
        if (is_exactly(cmd_table[i], name)) {
            return cmd_table[i];
        }
        if (n > 0 && begins(cmd_table[i], name, n)) {
            size_t used = strlen(candidates);

            found = cmd_table[i];
            snprintf(candidates + used, sizeof(candidates) - used, "%s%s", count++ > 0 ? ", " : "",
                     found->name);
        }
    }
    if (count == 1) {
        return found;
    }
    if (say && count == 0) {
        complain(c, "there is no command '%s'; '%s help' lists them", name, c->program);
    } else if (say) {
        complain(c, "the command '%s' may mean %s", name, candidates);
    }
    return NULL;
}

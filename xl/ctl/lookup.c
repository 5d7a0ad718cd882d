/* SPDX-License-Identifier: MIT */
/* A command by its name, its alias or a prefix that fits no other. */
#include "cmd.h"

#include <stdio.h>
#include <string.h>

static bool is_exactly(const struct cmd *cmd, const char *name)
{
    return strcmp(cmd->name, name) == 0 || (cmd->alias != NULL && strcmp(cmd->alias, name) == 0);
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
        if (n > 0 && strncmp(cmd_table[i]->name, name, n) == 0) {
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

/* SPDX-License-Identifier: MIT */
/*
 * Any text as a config file. What is accepted must survive: written as a file, as JSON and copied,
 * it reads back as the same. Text that begins with a brace is tried as saved JSON instead.
 */
#include "../../libctrl/config/config.h"

#include <stdlib.h>
#include <string.h>

#include <uuid.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the library takes from elsewhere; nothing here reaches a store. */
void ctrl_uuid_format(const ctrl_uuid uuid, char out[37])
{
    uuid_unparse_lower(uuid, out);
}

int ctrl_uuid_parse(const char *text, ctrl_uuid uuid)
{
    return uuid_parse(text, uuid) < 0 ? -1 : 0;
}

void store_close(struct store *s)
{
    (void)s;
}

static char *written(struct ctrl *h, const struct ctrl_config *c)
{
    char *text;

    if (ctrl_config_to_cfg(h, c, &text) < 0) {
        abort();
    }
    return text;
}

/* `text` is a file that was written: reading and writing it changes nothing. */
static void check_again(struct ctrl *h, const struct ctrl_config *c)
{
    struct ctrl_config *again;
    char *first = written(h, c), *second, *json;

    if (ctrl_config_parse_string(h, "again", first, NULL, &again) < 0) {
        abort();
    }
    second = written(h, again);
    if (strcmp(first, second) != 0) {
        abort();
    }
    ctrl_config_free(again);
    free(second);
    if (ctrl_config_to_json(h, c, CTRL_DOMID_NONE, &json) == 0) {
        if (ctrl_config_from_json(h, json, &again) == 0) {
            ctrl_config_free(again);
        }
        free(json);
    }
    free(first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct ctrl_config *c;
    struct ctrl *h;
    int rc;

    if (text == NULL || ctrl_open(&h) < 0) {
        abort();
    }
    memcpy(text, data, size);
    text[size] = '\0';
    rc = text[0] == '{' ? ctrl_config_from_json(h, text, &c)
                        : ctrl_config_parse_string(h, "fuzz", text, NULL, &c);
    if (rc == 0) {
        check_again(h, c);
        ctrl_config_free(c);
    }
    ctrl_close(h);
    free(text);
    return 0;
}

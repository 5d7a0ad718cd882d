/* SPDX-License-Identifier: MIT */
/*
 * Disk and interface specifications: comma-separated words inside of one string. A disk's words are
 * positional (target, format, vdev, access) or key=value or flags, mixed; `target=` takes all the
 * rest. Older spellings put format or backend before the target ("phy:", "file:", "tap:aio:").
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct named {
    const char *name;
    int value;
};

static const struct named formats[] = {
    { "raw", CTRL_DISK_RAW }, { "qcow", CTRL_DISK_QCOW }, { "qcow2", CTRL_DISK_QCOW2 },
    { "vhd", CTRL_DISK_VHD }, { "qed", CTRL_DISK_QED }, { "empty", CTRL_DISK_EMPTY },
    { "aio", CTRL_DISK_RAW }, { NULL, 0 },
};

static const struct named backends[] = {
    { "phy", CTRL_DISK_BACKEND_PHY }, { "tap", CTRL_DISK_BACKEND_TAP },
    { "qdisk", CTRL_DISK_BACKEND_QDISK }, { "standalone", CTRL_DISK_BACKEND_STANDALONE },
    { NULL, 0 },
};

static const struct named accesses[] = {
    { "ro", 0 }, { "r", 0 }, { "rw", 1 }, { "w", 1 }, { "w!", 1 }, { "!", 1 }, { NULL, 0 },
};

static bool lookup(const struct named *table, const char *name, int *value)
{
    for (; table->name != NULL; table++) {
        if (strcmp(table->name, name) == 0) {
            *value = table->value;
            return true;
        }
    }
    return false;
}

struct words {
    struct ctrl *h;
    const struct place *at;
    char *rest; /* NULL: no more words */
    unsigned int positional;
    bool format_known;
};

/* The next word without blanks at its ends; "" where it is empty. */
static char *next_word(struct words *w)
{
    char *word = w->rest, *comma, *end;

    word += strspn(word, " \t\n");
    comma = strchr(word, ',');
    w->rest = comma != NULL ? comma + 1 : NULL;
    end = comma != NULL ? comma : word + strlen(word);
    while (end > word && isspace((unsigned char)end[-1])) {
        end--;
    }
    *end = '\0';
    return word;
}

static int keep(struct words *w, char **slot, const char *text, const char *what)
{
    if (*slot != NULL) {
        return config_fail(w->h, w->at, "expected %s once, found '%.60s' besides '%.60s'", what,
                           text, *slot);
    }
    *slot = strdup(text);
    return *slot == NULL ? ctrl_no_memory(w->h) : 0;
}

static int set_vdev(struct words *w, struct ctrl_disk *d, char *text)
{
    static const char *const prefixes[] = { "xvd", "hd", "sd" };
    char *colon = strchr(text, ':');
    bool good = text[strspn(text, "0123456789")] == '\0' ||
                (text[0] == 'd' && isdigit((unsigned char)text[1])) || strncmp(text, "0x", 2) == 0;

    if (colon != NULL) {
        *colon = '\0';
        if (strcmp(colon + 1, "cdrom") == 0) {
            d->cdrom = d->removable = true;
        } else if (strcmp(colon + 1, "disk") != 0) {
            return config_fail(w->h, w->at, "expected ':cdrom' or ':disk' after the device name,"
                                            " found ':%.40s'", colon + 1);
        }
    }
    for (size_t i = 0; i < 3 && !good; i++) {
        size_t n = strlen(prefixes[i]);

        good = strncmp(text, prefixes[i], n) == 0 && islower((unsigned char)text[n]);
    }
    if (!good || text[0] == '\0') {
        return config_fail(w->h, w->at, "expected a device name such as xvda, found '%.60s'", text);
    }
    return keep(w, &d->vdev, text, "the device name");
}

static int set_named(struct words *w, const struct named *table, const char *text, int *slot,
                     const char *what)
{
    return lookup(table, text, slot) ? 0 : config_fail(w->h, w->at, "expected %s, found '%.60s'",
                                                       what, text);
}

static int set_format(struct words *w, struct ctrl_disk *d, const char *text)
{
    int value = CTRL_DISK_RAW;
    int rc = text[0] == '\0' ? 0 : set_named(w, formats, text, &value,
                                             "a format (raw, qcow, qcow2, vhd, qed)");

    d->format = (enum ctrl_disk_format)value;
    return rc;
}

static int set_access(struct words *w, struct ctrl_disk *d, const char *text)
{
    int value = 1;
    int rc = text[0] == '\0' ? 0 : set_named(w, accesses, text, &value,
                                             "an access (ro, r, rw or w)");

    d->readwrite = value;
    return rc;
}

/* 1: this was a flag. */
static int disk_flag(struct ctrl_disk *d, const char *word)
{
    if (strcmp(word, "cdrom") == 0) {
        d->cdrom = d->removable = true;
    } else if (strcmp(word, "direct-io-safe") == 0) {
        d->direct_io_safe = 1;
    } else if (strcmp(word, "discard") == 0 || strcmp(word, "no-discard") == 0) {
        d->discard = word[0] == 'd';
    } else if (strcmp(word, "trusted") == 0 || strcmp(word, "untrusted") == 0) {
        d->trusted = word[0] == 't';
    } else if (strncmp(word, "colo", 4) == 0) {
        return 1; /* kept in the spec */
    } else {
        return 0;
    }
    return 1;
}

/* 1: this was key=value and is done; 0: it was not. */
static int disk_pair(struct words *w, struct ctrl_disk *d, char *word)
{
    char *equals = strchr(word, '=');
    const char *value = equals != NULL ? equals + 1 : "";
    size_t n = equals != NULL ? (size_t)(equals - word) : 0;
    int number = 0, rc;

#define IS(name) (n == sizeof(name) - 1 && memcmp(word, name, n) == 0)
    if (n == 0 || word[strspn(word, "abcdefghijklmnopqrstuvwxyz-_")] != '=') {
        return 0;
    }
    if (IS("format")) {
        rc = set_format(w, d, value);
        w->format_known = true;
    } else if (IS("vdev")) {
        rc = set_vdev(w, d, equals + 1);
    } else if (IS("access")) {
        rc = set_access(w, d, value);
    } else if (IS("backend")) {
        rc = keep(w, &d->backend, value, "backend");
    } else if (IS("script")) {
        rc = keep(w, &d->script, value, "script");
    } else if (IS("backendtype")) {
        rc = set_named(w, backends, value, &number, "a backend type (phy, qdisk, standalone)");
        d->backendtype = (enum ctrl_disk_backend)number;
    } else if (IS("devtype")) {
        d->cdrom = d->removable = strcmp(value, "cdrom") == 0;
        rc = d->cdrom || strcmp(value, "disk") == 0
                 ? 0 : config_fail(w->h, w->at, "expected devtype=cdrom or disk, found '%.40s'",
                                   value);
    } else if (IS("specification")) {
        d->virtio = strcmp(value, "virtio") == 0;
        rc = d->virtio || strcmp(value, "xen") == 0
                 ? 0 : config_fail(w->h, w->at, "expected specification=xen or virtio, found"
                                                " '%.40s'", value);
    } else if (strncmp(word, "colo", 4) == 0 || IS("active-disk") || IS("hidden-disk") ||
               IS("transport")) {
        rc = 0; /* kept in the spec */
    } else {
        return 0;
    }
#undef IS
    return rc < 0 ? rc : 1;
}

static int disk_positional(struct words *w, struct ctrl_disk *d, char *word)
{
    if (w->positional == 1 && w->format_known) {
        w->positional++;
    }
    switch (w->positional++) {
    case 0:
        return word[0] == '\0' ? 0 : keep(w, &d->target, word, "the target");
    case 1:
        return set_format(w, d, word);
    case 2:
        return set_vdev(w, d, word);
    case 3:
        return set_access(w, d, word);
    default:
        return word[0] == '\0' ? 0 : config_fail(w->h, w->at, "expected a word such as backend=,"
                                                 " script= or cdrom, found '%.60s'", word);
    }
}

/* phy:, file:, tap:aio: and so on: each gives a format or a backend. */
static char *disk_prefixes(struct words *w, struct ctrl_disk *d, char *spec)
{
    for (;;) {
        size_t n = strspn(spec, "abcdefghijklmnopqrstuvwxyz0123456789");
        char name[16];
        int value;

        if (spec[n] != ':' || n >= sizeof(name)) {
            return spec;
        }
        memcpy(name, spec, n);
        name[n] = '\0';
        if (lookup(formats, name, &value)) {
            d->format = (enum ctrl_disk_format)value;
        } else if (strcmp(name, "phy") == 0) {
            d->backendtype = CTRL_DISK_BACKEND_PHY;
        } else if (strcmp(name, "file") != 0 && strcmp(name, "tap") != 0 &&
                   strcmp(name, "tap2") != 0 && strcmp(name, "tapdisk") != 0) {
            return spec;
        }
        w->format_known = true;
        spec += n + 1;
    }
}

int disk_parse(struct ctrl *h, const struct place *at, const char *spec, struct ctrl_disk *disk)
{
    struct words w = { .h = h, .at = at };
    char *copy = strdup(spec);
    int rc = 0;

    *disk = (struct ctrl_disk){
        .spec = strdup(spec), .readwrite = true, .backendtype = CTRL_DISK_BACKEND_UNSET,
        .direct_io_safe = CTRL_UNSET, .discard = CTRL_UNSET, .trusted = CTRL_UNSET,
    };
    if (copy == NULL || disk->spec == NULL) {
        free(copy);
        return ctrl_no_memory(h);
    }
    w.rest = disk_prefixes(&w, disk, copy + strspn(copy, " \t\n"));
    while (rc == 0 && w.rest != NULL) {
        char *word = w.rest + strspn(w.rest, " \t\n");

        if (strncmp(word, "target=", 7) == 0) {
            rc = keep(&w, &disk->target, word + 7, "the target");
            break;
        }
        word = next_word(&w);
        if (!disk_flag(disk, word)) {
            rc = disk_pair(&w, disk, word);
            rc = rc != 0 ? (rc < 0 ? rc : 0) : disk_positional(&w, disk, word);
        }
    }
    free(copy);
    if (rc == 0 && disk->vdev == NULL) {
        rc = config_fail(h, at, "expected a device name such as xvda in the disk '%.80s'", spec);
    }
    if (rc == 0 && disk->target == NULL) {
        disk->format = CTRL_DISK_EMPTY;
    }
    if (rc == 0 && disk->cdrom) {
        disk->readwrite = false;
    }
    return rc;
}

/* ---- interfaces ---- */

static int set_mac(struct words *w, struct ctrl_nic *nic, const char *text)
{
    unsigned int m[6];
    char more;

    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5],
               &more) != 6) {
        return config_fail(w->h, w->at, "expected an address such as 00:16:3e:12:34:56, found"
                                        " '%.40s'", text);
    }
    for (int i = 0; i < 6; i++) {
        nic->mac[i] = (uint8_t)m[i];
    }
    nic->has_mac = true;
    return 0;
}

static int set_int(struct words *w, int *slot, const char *text, const char *what)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (text[0] == '\0' || *end != '\0' || value < 0 || value > INT32_MAX) {
        return config_fail(w->h, w->at, "expected a number after %s=, found '%.40s'", what, text);
    }
    *slot = (int)value;
    return 0;
}

static int nic_word(struct words *w, struct ctrl_nic *nic, char *word)
{
    const struct {
        const char *name;
        char **slot;
    } strings[] = {
        { "bridge", &nic->bridge }, { "gatewaydev", &nic->gatewaydev },
        { "netdev", &nic->gatewaydev }, { "type", &nic->type }, { "model", &nic->model },
        { "vifname", &nic->vifname }, { "script", &nic->script }, { "ip", &nic->ip },
        { "backend", &nic->backend }, { "rate", &nic->rate }, { "accel", &nic->accel },
    };
    char *value = strchr(word, '=');

    if (strcmp(word, "trusted") == 0 || strcmp(word, "untrusted") == 0) {
        nic->trusted = word[0] == 't';
        return 0;
    }
    if (value != NULL) {
        *value++ = '\0';
        if (strcmp(word, "mac") == 0) {
            return set_mac(w, nic, value);
        }
        if (strcmp(word, "devid") == 0 || strcmp(word, "mtu") == 0) {
            return set_int(w, word[0] == 'd' ? &nic->devid : &nic->mtu, value, word);
        }
        for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
            if (strcmp(word, strings[i].name) == 0) {
                return keep(w, strings[i].slot, value, strings[i].name);
            }
        }
    }
    return config_fail(w->h, w->at, "expected a word such as mac=, bridge=, model= or ip=, found"
                                    " '%.60s'", word);
}

int nic_parse(struct ctrl *h, const struct place *at, const char *spec, struct ctrl_nic *nic)
{
    struct words w = { .h = h, .at = at };
    char *copy = strdup(spec);
    int rc = 0;

    *nic = (struct ctrl_nic){
        .spec = strdup(spec), .devid = CTRL_UNSET, .mtu = CTRL_UNSET, .trusted = CTRL_UNSET,
    };
    w.rest = copy;
    if (copy == NULL || nic->spec == NULL) {
        free(copy);
        return ctrl_no_memory(h);
    }
    while (rc == 0 && w.rest != NULL) {
        char *word = next_word(&w);

        rc = word[0] == '\0' ? 0 : nic_word(&w, nic, word);
    }
    free(copy);
    return rc;
}

void disk_free(struct ctrl_disk *disk)
{
    free(disk->spec);
    free(disk->target);
    free(disk->vdev);
    free(disk->script);
    free(disk->backend);
}

void nic_free(struct ctrl_nic *nic)
{
    char *strings[] = {
        nic->spec, nic->bridge, nic->gatewaydev, nic->type, nic->model, nic->vifname, nic->script,
        nic->ip, nic->backend, nic->rate, nic->accel,
    };

    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        free(strings[i]);
    }
}

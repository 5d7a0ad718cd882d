/* SPDX-License-Identifier: MIT */
/* Random steps. Each is made of a generator of its own, so that leaving others out changes none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "replay.h"

#define RUN 14 /* steps that are mostly of one client */

static uint64_t state;

static uint32_t draw(uint32_t below)
{
    uint64_t z = state += 0x9e3779b97f4a7c15ULL;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return (uint32_t)((z ^ z >> 31) >> 16) % below;
}

static void begin(uint64_t seed, uint64_t number)
{
    state = (seed + 1) * 0x2545f4914f6cdd1dULL ^ (number + 1) * 0xd6e8feb86659fd93ULL;
    state = (state ^ state >> 29) * 0xbf58476d1ce4e5b9ULL;
}

static bool chance(uint32_t percent)
{
    return draw(100) < percent;
}

/* --- payloads --------------------------------------------------------------------------------- */

static void add(struct step *s, const void *data, size_t length)
{
    memcpy(s->payload + s->length, data, length);
    s->length += length;
}

static void add_string(struct step *s, const char *text)
{
    add(s, text, strlen(text) + 1);
}

static void add_number(struct step *s, uint32_t value)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", value);
    add_string(s, text);
}

static void odd_path(char *path, bool guest)
{
    static const char *const odd[] = {"",    "/t//a", "/t/",     "//",     "/t/a b", "/t/\xe4",
                                      "t//", "@",     "@nobody", "/@a",    "/t/a.b", "/t/a,b",
                                      "./a", "-",     "/",       "@a/b/c", "/tool/", "\\"};
    static const uint16_t lengths[] = {280, 290, 3080, 4000, 305, 2040, 2060};
    uint32_t which = draw(24);

    if (which < sizeof(odd) / sizeof(odd[0])) {
        strcpy(path, odd[which]);
        return;
    }
    which = lengths[draw(guest ? 7 : 4)]; /* our limit is for guests alone */
    memset(path, 'x', which);
    if (chance(70)) {
        memcpy(path, "/t/pub/", 7);
    }
    path[which] = '\0';
}

static void some_path(char *path, bool guest, bool special)
{
    static const char *const tops[] = {
        "/t",     "/t/pub", "/t/pub",          "/t/pub",          "/t/ro",          "/t/no",
        "/t/mix", "/t/mix", "/local/domain/1", "/local/domain/2", "/local/domain/3"};
    uint32_t parts = draw(4);

    if (chance(3)) {
        odd_path(path, guest);
        return;
    }
    if (special && chance(8)) {
        strcpy(path, chance(50) ? "@introduceDomain" : "@releaseDomain");
        return;
    }
    if (chance(20)) {
        path[0] = (char)('a' + draw(4)), path[1] = '\0'; /* relative */
    } else if (chance(1)) {
        strcpy(path, "/");
        return;
    } else {
        strcpy(path, tops[draw(11)]);
    }
    for (; parts > 0; parts--) {
        char part[3] = {'/', (char)('a' + draw(4)), '\0'};

        strcat(path, part);
    }
}

static void add_path(struct step *s, bool special)
{
    char path[ROOM];

    some_path(path, s->client >= FIRST_GUEST, special);
    add(s, path, strlen(path) + (chance(1) ? 0 : 1));
}

static void add_value(struct step *s)
{
    char value[4096];
    uint32_t length = draw(24);

    if (chance(3) && s->client >= FIRST_GUEST) {
        length = 600 + draw(1500); /* over the limit, whoever counts what */
    }
    for (uint32_t i = 0; i < length; i++) {
        value[i] = (char)draw(256);
    }
    add(s, value, length);
}

static void add_perms(struct step *s)
{
    uint32_t count = chance(4) ? draw(7) : 1 + draw(3);

    for (uint32_t i = 0; i < count; i++) {
        char text[16];

        snprintf(text, sizeof(text), "%c%u", "nrwb"[draw(4)], draw(i == 0 ? 4 : 5));
        if (chance(1)) {
            strcpy(text, chance(50) ? "x1" : chance(50) ? "r" : "r99999");
        }
        add_string(s, text);
    }
}

static void add_token(struct step *s)
{
    static const char *const tokens[] = {"t", "u", "a longer token", ""};

    add_string(s, tokens[chance(90) ? draw(2) : draw(4)]);
}

static void fill(struct step *s)
{
    static const char *const words[] = {"T", "T", "T", "F", "X", ""};
    static const char *const offsets[] = {"0", "0", "0", "2", "4", "1000", "x", ""};
    uint32_t domid = 1 + draw(3);

    switch (s->type) {
    case XS_DIRECTORY:
    case XS_READ:
    case XS_GET_PERMS:
    case XS_MKDIR:
    case XS_RM:
        add_path(s, s->type == XS_GET_PERMS);
        break;
    case XS_DIRECTORY_PART:
        add_path(s, false);
        add_string(s, offsets[draw(8)]);
        break;
    case XS_WRITE:
        add_path(s, false);
        add_value(s);
        break;
    case XS_SET_PERMS:
        add_path(s, chance(10));
        if (s->length == 2 && s->payload[0] == '/') {
            s->payload[0] = 'd'; /* xenstored loses the root with the domain that owns it */
        }
        add_perms(s);
        break;
    case XS_WATCH:
    case XS_UNWATCH:
        add_path(s, true);
        add_token(s);
        break;
    case XS_TRANSACTION_END:
        add_string(s, words[chance(95) ? draw(4) : draw(6)]);
        break;
    case XS_INTRODUCE:
        add_number(s, chance(90) ? domid : 20 + draw(3));
        add_number(s, 100 + domid);
        add_number(s, chance(95) ? 17 : 0);
        break;
    case XS_SET_TARGET:
        domid = 1 + draw(2); /* which lets the target go last */
        add_number(s, domid);
        add_number(s, chance(90) ? domid + 1 : 9);
        break;
    case XS_RELEASE: /* of those that talk is a step of its own */
        add_number(s, 4 + draw(3));
        break;
    case XS_RESUME:
    case XS_IS_DOMAIN_INTRODUCED:
    case XS_GET_DOMAIN_PATH:
        add_number(s, chance(80) ? draw(4) : draw(40000));
        break;
    default:
        add_string(s, "");
        break;
    }
}

/* --- steps ------------------------------------------------------------------------------------ */

static uint32_t some_type(void)
{
    static const struct {
        uint32_t type, weight;
    } mix[] = {
        {XS_WRITE, 210},
        {XS_READ, 140},
        {XS_MKDIR, 60},
        {XS_RM, 70},
        {XS_DIRECTORY, 80},
        {XS_DIRECTORY_PART, 20},
        {XS_GET_PERMS, 60},
        {XS_SET_PERMS, 80},
        {XS_WATCH, 60},
        {XS_UNWATCH, 40},
        {XS_TRANSACTION_END, 70},
        {XS_TRANSACTION_START, 70},
        {XS_INTRODUCE, 4},
        {XS_RELEASE, 4},
        {XS_IS_DOMAIN_INTRODUCED, 4},
        {XS_RESUME, 4},
        {XS_SET_TARGET, 4},
        {XS_GET_DOMAIN_PATH, 4},
        {XS_RESET_WATCHES, 5},
        {XS_CONTROL, 2},
        {20, 1},
        {23, 1},
        {XS_ERROR, 1},
        {XS_WATCH_EVENT, 1},
        {XS_INVALID, 1},
        {0x80000001, 1},
    };
    uint32_t all = 0, at;

    for (size_t i = 0; i < sizeof(mix) / sizeof(mix[0]); i++) {
        all += mix[i].weight;
    }
    at = draw(all);
    for (size_t i = 0;; i++) {
        if (at < mix[i].weight) {
            return mix[i].type;
        }
        at -= mix[i].weight;
    }
}

static int some_slot(const bool *open, uint32_t type)
{
    uint32_t first = draw(SLOTS);
    bool wanted = type == XS_TRANSACTION_END ? !chance(3) : chance(40);
    bool odd = chance(1);

    if (type == XS_TRANSACTION_START) {
        wanted = chance(2);
    }
    if (odd) {
        return SLOTS;
    }
    for (int i = 0; wanted && i < SLOTS; i++) {
        int slot = (int)((first + (uint32_t)i) % SLOTS);

        if (open[slot]) {
            return slot;
        }
    }
    return -1;
}

/* What is no string, no number, nothing. */
static void mutilate(struct step *s)
{
    switch (draw(4)) {
    case 0:
        s->length = 0;
        break;
    case 1:
        s->length -= s->length > 0;
        break;
    case 2:
        s->length = draw(64);
        for (size_t i = 0; i < s->length; i++) {
            s->payload[i] = (char)draw(256);
        }
        break;
    default:
        if (s->length > 0) {
            s->payload[draw((uint32_t)s->length)] = (char)draw(256);
        }
        break;
    }
}

void step_make(uint64_t seed, uint64_t number, const bool open[CLIENTS][SLOTS], struct step *s)
{
    uint32_t kind, usual;

    begin(seed, number / RUN);
    usual = draw(CLIENTS);
    begin(seed, number);
    kind = draw(1000);
    s->client = chance(70) ? usual : draw(CLIENTS);
    memset(s->payload, 0, 256);
    s->length = 0;
    s->slot = -1;
    s->type = some_type();
    if (kind < 4) {
        s->kind = kind < 1 ? STEP_TOO_LONG : kind < 2 ? STEP_DEATH : STEP_RECONNECT;
        s->domid = 1 + draw(CLIENTS - FIRST_GUEST);
        s->type = XS_READ;
        return;
    }
    s->kind = STEP_ASK;
    s->slot = some_slot(open[s->client], s->type);
    fill(s);
    if (s->length > XENSTORE_PAYLOAD_MAX) {
        s->length = XENSTORE_PAYLOAD_MAX;
    }
    if (chance(2) && s->type != XS_TRANSACTION_START) {
        mutilate(s);
    }
}

const char *step_name(const struct step *s)
{
    static const char *const names[] = {
        "CONTROL", "DIRECTORY", "READ",   "GET_PERMS",  "WATCH", "UNWATCH", "START",         "END",
        "INTRO",   "RELEASE",   "PATH",   "WRITE",      "MKDIR", "RM",      "SET_PERMS",     "15",
        "16",      "IS_INTRO",  "RESUME", "SET_TARGET", "20",    "RESET",   "DIRECTORY_PART"};
    static const char *const kinds[] = {"", "TOO LONG", "DEATH", "RECONNECT"};

    return s->kind != STEP_ASK                          ? kinds[s->kind]
           : s->type < sizeof(names) / sizeof(names[0]) ? names[s->type]
                                                        : "UNKNOWN";
}

void step_print(const struct step *s)
{
    struct text shown;

    printf("client %zu %s", s->client, step_name(s));
    if (s->kind == STEP_DEATH) {
        printf(" of %u", s->domid);
    } else if (s->kind == STEP_ASK) {
        if (s->slot >= 0) {
            printf(" in transaction %d", s->slot);
        }
        shown.length = s->length;
        memcpy(shown.data, s->payload, s->length);
        printf(" ");
        text_print(&shown);
    }
    printf("\n");
}

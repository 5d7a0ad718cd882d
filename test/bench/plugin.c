/* SPDX-License-Identifier: MIT */
/*
 * A plugin for QEMU's emulation that counts executed instructions.
 *
 * Each instruction belongs to one space by its address: `early` (low addresses before the first
 * instruction of a guest's kernel), the hypervisor (its slots of the upper half), a guest's kernel
 * (the rest of the upper half) or user space. While QEMU translates an instruction we see its
 * bytes, and add to the code made from it what has to be counted; nothing is called while it runs.
 *
 * A REP string instruction is emulated as one execution for each element. It is counted once (an
 * execution at the same address with no other instruction in between is the same one), and the
 * bytes that it moves are counted apart.
 *
 * A marker is a long no-operation whose displacement holds its number: both hypervisors leave it
 * alone everywhere. At each marker all counters are written to the file of `out=` as one line,
 * likewise at the hypervisor's first instruction (`entry=ADDRESS`) and at the first one of a
 * guest's kernel. With `profile=ROW`, the hypervisor's instructions between the markers 2 ROW and
 * 2 ROW + 1 are counted by address too, and written at the end; with `profile=boot` those between
 * its entry and the guest's kernel.
 *
 * Debian packages no header of QEMU's plugin interface: what is used of it is declared here.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mark.h"

/* --- QEMU's side ------------------------------------------------------------------------------ */

#define EXPORT __attribute__((visibility("default")))
EXPORT extern int qemu_plugin_version;
int qemu_plugin_version = 1;

struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { INLINE_ADD = 0, FLAGS_NONE = 0, MEM_READ = 1, MEM_WRITE = 2 };
typedef void exec_fn(unsigned vcpu, void *data);

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id,
                                           void (*cb)(uint64_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_atexit_cb(uint64_t id, void (*cb)(uint64_t id, void *data), void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_fn *cb, int flags,
                                            void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op, void *ptr,
                                                uint64_t value);
void qemu_plugin_register_vcpu_mem_inline(struct qemu_plugin_insn *insn, int rw, int op, void *ptr,
                                          uint64_t value);

/* --- what is counted -------------------------------------------------------------------------- */

enum space { EARLY, HYPERVISOR, KERNEL, USER, SPACES };
enum kind { INSNS, REP_BYTES, IRET, CR3, MSR, INVLPG, LOCK, VMRUN, PORT, KINDS };

#define HYPERVISOR_FIRST 0xffff800000000000UL
#define HYPERVISOR_LAST  0xffff87ffffffffffUL

static uint64_t counts[SPACES][KINDS];
static uint64_t entry, rep_last, rep_sum;
static bool entry_seen, kernel_seen;
static FILE *out;

/* Profile: a hash table of addresses. */
#define SLOTS (1U << 18)
struct slot {
    uint64_t address, count;
};
static struct slot slots[SLOTS];
enum { BOOT_PROFILE = -1, NO_PROFILE = -2 };
static long profile = NO_PROFILE;
static bool profiling;

static void write_counts(const char *what, unsigned long number)
{
    fprintf(out, "%s %lu", what, number);
    for (unsigned i = 0; i < SPACES * KINDS; i++) {
        fprintf(out, " %" PRIu64, counts[i / KINDS][i % KINDS]);
    }
    fputc('\n', out);
    fflush(out);
}

static void at_entry(unsigned vcpu, void *data)
{
    (void)vcpu, (void)data;
    if (!entry_seen) {
        entry_seen = true;
        profiling = profile == BOOT_PROFILE;
        write_counts("entry", 0);
    }
}

static void at_kernel(unsigned vcpu, void *data)
{
    (void)vcpu, (void)data;
    if (!kernel_seen) {
        kernel_seen = true;
        profiling = false;
        write_counts("kernel", 0);
    }
}

static void at_marker(unsigned vcpu, void *data)
{
    unsigned long number = (unsigned long)(uintptr_t)data;

    (void)vcpu;
    write_counts("mark", number);
    if (profile >= 0 && number / 2 == (unsigned long)profile) {
        profiling = number % 2 == 0;
    }
}

static void at_profiled(unsigned vcpu, void *data)
{
    struct slot *slot = data;

    (void)vcpu;
    slot->count += profiling;
}

struct rep {
    uint64_t address;
    enum space space;
    struct slot *slot;
};

static void at_rep(unsigned vcpu, void *data)
{
    const struct rep *rep = data;
    uint64_t sum = counts[EARLY][INSNS] + counts[HYPERVISOR][INSNS] + counts[KERNEL][INSNS] +
                   counts[USER][INSNS];

    (void)vcpu;
    if (rep->address == rep_last && sum == rep_sum) {
        return;
    }
    counts[rep->space][INSNS]++;
    rep_last = rep->address;
    rep_sum = sum + 1;
    if (rep->slot != NULL) {
        rep->slot->count += profiling;
    }
}

/* --- translation ------------------------------------------------------------------------------ */

struct decoded {
    const uint8_t *op; /* the first byte of the opcode */
    size_t left;
    bool lock, rep, wide, half; /* half: operand-size prefix */
};

static struct decoded decode(const uint8_t *bytes, size_t size)
{
    struct decoded d = {.op = bytes, .left = size};

    for (; d.left > 1; d.op++, d.left--) {
        uint8_t b = *d.op;

        if (b == 0xf0) {
            d.lock = true;
        } else if (b == 0xf2 || b == 0xf3) {
            d.rep = true;
        } else if (b == 0x66) {
            d.half = true;
        } else if ((b & 0xf0) == 0x40) {
            d.wide = (b & 8) != 0;
        } else if (b != 0x67 && (b & 0xe7) != 0x26 && b != 0x64 && b != 0x65) {
            break;
        }
    }
    return d;
}

/* Kinds of instructions that are dear on real processors; INSNS for all others. */
static enum kind kind_of(const struct decoded *d)
{
    uint8_t b = d->op[0], second = d->left > 1 ? d->op[1] : 0, modrm = d->left > 2 ? d->op[2] : 0;

    if (d->lock || ((b == 0x86 || b == 0x87) && second < 0xc0)) {
        return LOCK;
    }
    if (b == 0xcf) {
        return IRET;
    }
    if ((b >= 0xe4 && b <= 0xe7) || (b >= 0xec && b <= 0xef) || (b >= 0x6c && b <= 0x6f)) {
        return PORT;
    }
    if (b != 0x0f || d->left < 2) {
        return INSNS;
    }
    if (second == 0x30) {
        return MSR;
    }
    if (second == 0x22 && (modrm & 0x38) == 0x18) {
        return CR3;
    }
    if (second == 0x01 && modrm == 0xd8) {
        return VMRUN;
    }
    return second == 0x01 && modrm < 0xc0 && (modrm & 0x38) == 0x38 ? INVLPG : INSNS;
}

static bool is_string(uint8_t op)
{
    return (op >= 0xa4 && op <= 0xa7) || (op >= 0xaa && op <= 0xaf) || (op >= 0x6c && op <= 0x6f);
}

static unsigned string_size(const struct decoded *d)
{
    if ((d->op[0] & 1) == 0) {
        return 1;
    }
    return d->wide ? 8 : d->half ? 2 : 4;
}

static struct slot *slot_of(uint64_t address)
{
    size_t i = address * 0x9e3779b97f4a7c15UL >> 46;

    while (slots[i].address != 0 && slots[i].address != address) {
        i = (i + 1) % SLOTS;
    }
    slots[i].address = address;
    return &slots[i];
}

static enum space space_of(uint64_t address)
{
    if (address < HYPERVISOR_FIRST) {
        return kernel_seen ? USER : EARLY;
    }
    return address <= HYPERVISOR_LAST ? HYPERVISOR : KERNEL;
}

static void count_rep(struct qemu_plugin_insn *insn, const struct decoded *d, enum space space,
                      struct slot *slot)
{
    struct rep *rep = malloc(sizeof(*rep));
    bool stores = (d->op[0] >= 0xa4 && d->op[0] <= 0xa5) || (d->op[0] & 0xfe) == 0xaa ||
                  (d->op[0] & 0xfe) == 0x6c;

    if (rep == NULL) {
        abort();
    }
    *rep = (struct rep){.address = qemu_plugin_insn_vaddr(insn), .space = space, .slot = slot};
    qemu_plugin_register_vcpu_insn_exec_cb(insn, at_rep, FLAGS_NONE, rep);
    qemu_plugin_register_vcpu_mem_inline(insn, stores ? MEM_WRITE : MEM_READ, INLINE_ADD,
                                         &counts[space][REP_BYTES], string_size(d));
}

static void count_insn(struct qemu_plugin_insn *insn)
{
    const uint8_t *bytes = qemu_plugin_insn_data(insn);
    size_t size = qemu_plugin_insn_size(insn);
    uint64_t address = qemu_plugin_insn_vaddr(insn);
    enum space space = space_of(address);
    struct decoded d = decode(bytes, size);
    enum kind kind = kind_of(&d);
    struct slot *slot = profile != NO_PROFILE && space == HYPERVISOR ? slot_of(address) : NULL;
    uint32_t marker;

    if (address == entry && !entry_seen) {
        qemu_plugin_register_vcpu_insn_exec_cb(insn, at_entry, FLAGS_NONE, NULL);
    }
    if (space == KERNEL && !kernel_seen) {
        qemu_plugin_register_vcpu_insn_exec_cb(insn, at_kernel, FLAGS_NONE, NULL);
    }
    if (kind != INSNS) {
        qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD, &counts[space][kind], 1);
    }
    if (d.rep && is_string(d.op[0])) {
        count_rep(insn, &d, space, slot);
        return;
    }
    if (size == MARK_SIZE && memcmp(bytes, MARK_BYTES, 4) == 0) {
        memcpy(&marker, bytes + 4, sizeof(marker));
        if ((marker & MARK_MASK) == MARK_MAGIC) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, at_marker, FLAGS_NONE,
                                                   (void *)(uintptr_t)(marker & ~MARK_MASK));
        }
    }
    if (slot != NULL) {
        qemu_plugin_register_vcpu_insn_exec_cb(insn, at_profiled, FLAGS_NONE, slot);
    }
    qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD, &counts[space][INSNS], 1);
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
    size_t n = qemu_plugin_tb_n_insns(tb);

    (void)id;
    for (size_t i = 0; i < n; i++) {
        count_insn(qemu_plugin_tb_get_insn(tb, i));
    }
}

/* --- start and end ---------------------------------------------------------------------------- */

static void at_end(uint64_t id, void *data)
{
    (void)id, (void)data;
    write_counts("end", 0);
    for (size_t i = 0; i < SLOTS; i++) {
        if (slots[i].count != 0) {
            fprintf(out, "address %#" PRIx64 " %" PRIu64 "\n", slots[i].address, slots[i].count);
        }
    }
    fclose(out);
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0) {
            out = fopen(argv[i] + 4, "w");
        } else if (strncmp(argv[i], "entry=", 6) == 0) {
            entry = strtoul(argv[i] + 6, NULL, 0);
        } else if (strncmp(argv[i], "profile=", 8) == 0) {
            bool boot = strcmp(argv[i] + 8, "boot") == 0;

            profile = boot ? BOOT_PROFILE : strtol(argv[i] + 8, NULL, 0);
        } else {
            fprintf(stderr, "the bench's plugin does not know %s\n", argv[i]);
            return -1;
        }
    }
    if (out == NULL) {
        fprintf(stderr, "the bench's plugin needs out=FILE\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, at_end, NULL);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as an instruction, with registers taken from the input too. Found are: reads past the
 * bytes given, lengths that do not fit, accesses outside what an instruction may touch, and loops
 * without end.
 */
#include <stdlib.h>
#include <string.h>

#include "x86/emul/emul.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
    unsigned accesses;
};

static void check(struct memory *m, unsigned bytes)
{
    if ((bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8) || ++m->accesses > 10000) {
        abort();
    }
}

static enum emul_result fuzz_read(void *arg, uint64_t addr, void *data, unsigned bytes)
{
    check(arg, bytes);
    memset(data, (int)addr, bytes);
    return addr % 61 == 0 ? EMUL_FAULT : EMUL_OK;
}

static enum emul_result fuzz_write(void *arg, uint64_t addr, const void *data, unsigned bytes)
{
    uint64_t copy = 0;

    check(arg, bytes);
    memcpy(&copy, data, bytes);
    return addr % 59 == 0 ? EMUL_FAULT : EMUL_OK;
}

static enum emul_result fuzz_cmpxchg(void *arg, uint64_t addr, uint64_t *old, uint64_t value,
                                     unsigned bytes)
{
    check(arg, bytes);
    if ((addr ^ value) % 3 == 0) {
        *old ^= 1;
    }
    return addr % 53 == 0 ? EMUL_FAULT : EMUL_OK;
}

static enum emul_result fuzz_in(void *arg, unsigned port, unsigned bytes, uint32_t *value)
{
    check(arg, bytes);
    *value = port;
    return port > 0xffff || bytes > 4 ? (abort(), EMUL_FAULT) : EMUL_OK;
}

static enum emul_result fuzz_out(void *arg, unsigned port, unsigned bytes, uint32_t value)
{
    (void)value;
    check(arg, bytes);
    return port > 0xffff || bytes > 4 ? (abort(), EMUL_FAULT) : EMUL_OK;
}

static const struct emul_ops ops = {fuzz_read, fuzz_write, fuzz_cmpxchg, fuzz_in, fuzz_out};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory m = {0};
    struct cpu_user_regs regs;
    struct emul e = {.ops = &ops, .arg = &m, .regs = &regs, .max_reps = 1000};
    struct insn i;
    unsigned len = size < 20 ? (unsigned)size : 20;
    uint8_t *exact = malloc(len + 1); /* so that the sanitizer sees the end */

    memset(&regs, 0x5a, sizeof(regs));
    if (size > len) {
        size_t rest = size - len < sizeof(regs) ? size - len : sizeof(regs);

        memcpy(&regs, data + len, rest);
    }
    memcpy(exact, data, len);
    if (insn_decode(&i, exact, len) == 0) {
        uint64_t rip = regs.rip;

        if (i.length == 0 || i.length > INSN_MAX || i.length > len || i.kind == INSN_INVALID) {
            abort();
        }
        if (emul_execute(&e, &i) == EMUL_OK ? regs.rip != rip + i.length : regs.rip != rip) {
            abort();
        }
    }
    free(exact);
    return 0;
}

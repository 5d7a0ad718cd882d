/* SPDX-License-Identifier: MIT */
/*
 * The instruction emulator: decoding of hand-assembled bytes, addresses, string and port forms
 * with fake memory, and each memory instruction against the processor that runs the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "x86/emul/emul.h"

#include <cmocka.h>

static const struct {
    const char *bytes;
    uint8_t len, kind, op_bytes;
} samples[] = {
    {"\xfa", 1, INSN_CLI, 4},
    {"\xfb", 1, INSN_STI, 4},
    {"\xf4", 1, INSN_HLT, 4},
    {"\x0f\x06", 2, INSN_CLTS, 4},
    {"\x0f\x09", 2, INSN_WBINVD, 4},
    {"\x0f\x08", 2, INSN_INVD, 4},
    {"\x0f\x0b", 2, INSN_UD2, 4},
    {"\x0f\x30", 2, INSN_WRMSR, 4},
    {"\x0f\x32", 2, INSN_RDMSR, 4},
    {"\x0f\x31", 2, INSN_RDTSC, 4},
    {"\x0f\x33", 2, INSN_RDPMC, 4},
    {"\x0f\xa2", 2, INSN_CPUID, 4},
    {"\x0f\x01\xf9", 3, INSN_RDTSCP, 4},
    {"\x0f\x01\xd0", 3, INSN_XGETBV, 4},
    {"\x0f\x01\xd1", 3, INSN_XSETBV, 4},
    {"\x0f\x01\xf8", 3, INSN_SWAPGS, 4},
    {"\x0f\x01\xc8", 3, INSN_MONITOR, 4},
    {"\x0f\x01\xc9", 3, INSN_MWAIT, 4},
    {"\x0f\x01\xd9", 3, INSN_VMMCALL, 4},
    {"\x0f\x01\xc1", 3, INSN_VMCALL, 4},
    {"\x0f\x20\xc0", 3, INSN_MOV_FROM_CR, 8},
    {"\x0f\x22\xd8", 3, INSN_MOV_TO_CR, 8},
    {"\x0f\x22\x18", 3, INSN_MOV_TO_CR, 8}, /* mod is ignored */
    {"\x44\x0f\x20\xc0", 4, INSN_MOV_FROM_CR, 8},
    {"\x41\x0f\x22\xe7", 4, INSN_MOV_TO_CR, 8},
    {"\x0f\x21\xf8", 3, INSN_MOV_FROM_DR, 8},
    {"\x0f\x23\xf8", 3, INSN_MOV_TO_DR, 8},
    {"\x0f\x01\xf0", 3, INSN_LMSW, 4},
    {"\x0f\x01\xe0", 3, INSN_SMSW, 4},
    {"\x0f\x01\x20", 3, INSN_SMSW, 4},
    {"\x0f\x01\x38", 3, INSN_INVLPG, 8},
    {"\x0f\x01\x15\x00\x00\x00\x00", 7, INSN_LGDT, 8},
    {"\x0f\x01\x1c\x24", 4, INSN_LIDT, 8},
    {"\x0f\x00\xd8", 3, INSN_LTR, 4},
    {"\x0f\x00\xd0", 3, INSN_LLDT, 4},
    {"\x0f\xc7\x0f", 3, INSN_CMPXCHG16B, 4},
    {"\xe4\x80", 2, INSN_IN, 1},
    {"\x66\xed", 2, INSN_IN, 2},
    {"\x48\xed", 2, INSN_IN, 4}, /* REX.W means nothing here */
    {"\xe7\x80", 2, INSN_OUT, 4},
    {"\xf3\x6c", 2, INSN_INS, 1},
    {"\xf3\x66\x6f", 3, INSN_OUTS, 2},
    {"\x48\x89\x07", 3, INSN_STORE, 8},
    {"\x48\xc7\x07\x78\x56\x34\x12", 7, INSN_STORE, 8},
    {"\x66\xc7\x07\x34\x12", 5, INSN_STORE, 2},
    {"\xa2\x88\x77\x66\x55\x44\x33\x22\x11", 9, INSN_STORE, 1},
    {"\x67\xa3\x44\x33\x22\x11", 6, INSN_STORE, 4},
    {"\x48\x0f\xc3\x07", 4, INSN_STORE, 8},
    {"\xf0\x48\x0f\xb1\x0f", 5, INSN_CMPXCHG, 8},
    {"\x48\x87\x07", 3, INSN_XCHG, 8},
    {"\xf0\x48\x0f\xba\x37\x01", 6, INSN_BIT, 8},
    {"\xf0\x48\x83\x27\xfd", 5, INSN_ALU, 8},
    {"\x48\x89\x84\xd1\x00\x01\x00\x00", 8, INSN_STORE, 8},
    {"\x89\x04\x25\x00\x10\x00\x00", 7, INSN_STORE, 4},
    {"\xf3\x48\xab", 3, INSN_STOS, 8},
    {"\xa4", 1, INSN_MOVS, 1},
};

static void known_instructions_are_recognised(void **state)
{
    struct insn i;

    (void)state;
    for (size_t n = 0; n < sizeof(samples) / sizeof(samples[0]); n++) {
        uint8_t buf[16];

        memset(buf, 0x90, sizeof(buf));
        memcpy(buf, samples[n].bytes, samples[n].len);
        if (insn_decode(&i, buf, 15) != 0 || i.kind != samples[n].kind ||
            i.length != samples[n].len || i.op_bytes != samples[n].op_bytes) {
            fail_msg("sample %zu: kind %u length %u size %u", n, i.kind, i.length, i.op_bytes);
        }
        for (unsigned len = 0; len < samples[n].len; len++) { /* cut off */
            uint8_t *exact = malloc(len + 1);

            memcpy(exact, samples[n].bytes, len);
            assert_int_equal(insn_decode(&i, exact, len), -1);
            free(exact);
        }
    }
}

static void refused(const char *bytes, unsigned len)
{
    struct insn i;
    uint8_t buf[20];

    memset(buf, 0, sizeof(buf));
    memcpy(buf, bytes, len);
    assert_int_equal(insn_decode(&i, buf, 20), -1);
    assert_int_equal(i.kind, INSN_INVALID);
}

static void what_the_processor_refuses_is_refused(void **state)
{
    (void)state;
    refused("\xf0\x48\x89\x07", 4); /* lock mov */
    refused("\xf0\x01\xc8", 3);     /* lock add with a register */
    refused("\xf0\x39\x07", 3);     /* lock cmp */
    refused("\xf0\x03\x07", 3);     /* lock add to a register */
    refused("\xf0\x0f\xa3\x07", 4); /* lock bt */
    refused("\x0f\x22\xc8", 3);     /* cr1 */
    refused("\x44\x0f\x23\xc0", 4); /* dr8 */
    refused("\xc5\xf8\x77", 3);     /* VEX */
    refused("\x0f\x38\xf0\x07", 4); /* movbe */
    refused("\xff\x17", 2);         /* call */
    refused("\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\xf4", 16); /* 16 bytes */
}

static void prefixes_are_kept(void **state)
{
    struct insn i;

    (void)state;
    assert_int_equal(insn_decode(&i, (const uint8_t *)"\x65\xf0\x48\x01\x07", 5), 0);
    assert_true(i.lock && i.seg == SEG_GS && i.rex == 0x48);
    /* REX before another prefix is void */
    assert_int_equal(insn_decode(&i, (const uint8_t *)"\x48\x66\x89\x07", 4), 0);
    assert_int_equal(i.op_bytes, 2);
    assert_int_equal(i.rex, 0);
}

static uint64_t address_of(const char *bytes, unsigned len, const struct cpu_user_regs *r)
{
    struct insn i;

    assert_int_equal(insn_decode(&i, (const uint8_t *)bytes, len), 0);
    return insn_address(&i, r, 0xf5000000000, 0x65000000000);
}

static void addresses_are_computed(void **state)
{
    struct cpu_user_regs r = {.rax = 0x1000,
                              .rcx = 0x20,
                              .rsp = 0x7000,
                              .rbp = 0x8000,
                              .r12 = 0x12000,
                              .r13 = 0x13000,
                              .rip = 0x400000};

    (void)state;
    assert_int_equal(address_of("\x89\x08", 2, &r), 0x1000);
    assert_int_equal(address_of("\x89\x48\xf8", 3, &r), 0xff8);
    assert_int_equal(address_of("\x89\x05\x10\x00\x00\x00", 6, &r), 0x400016);
    assert_int_equal(address_of("\xc7\x05\x10\x00\x00\x00\x01\x00\x00\x00", 10, &r), 0x40001a);
    assert_int_equal(address_of("\x89\x04\x24", 3, &r), 0x7000);
    assert_int_equal(address_of("\x89\x04\xc8", 3, &r), 0x1100);
    assert_int_equal(address_of("\x89\x04\xcd\x00\x01\x00\x00", 7, &r), 0x200);
    assert_int_equal(address_of("\x89\x44\xcd\x00", 4, &r), 0x8100);
    assert_int_equal(address_of("\x41\x89\x04\x24", 4, &r), 0x12000);
    assert_int_equal(address_of("\x41\x89\x45\x00", 4, &r), 0x13000);
    assert_int_equal(address_of("\x42\x89\x04\x60", 4, &r), 0x1000 + 0x12000 * 2);
    assert_true(address_of("\x65\x89\x08", 3, &r) == 0x65000001000);
    assert_true(address_of("\x64\xa2\x08\0\0\0\0\0\0\0", 10, &r) == 0xf5000000008);
    r.rax = 0x1fffffff0;
    assert_true(address_of("\x67\x89\x48\x20", 4, &r) == 0x10);
}

static void byte_registers_depend_on_rex(void **state)
{
    struct cpu_user_regs r = {.rax = 0x1122334455667788, .rsp = 0x99};
    struct insn i = {.rex = 0};

    (void)state;
    assert_int_equal(insn_get_reg(&i, &r, 4, 1), 0x77);
    insn_set_reg(&i, &r, 4, 1, 0xab);
    assert_true(r.rax == 0x112233445566ab88);
    i.rex = 0x40;
    assert_int_equal(insn_get_reg(&i, &r, 4, 1), 0x99);
    insn_set_reg(&i, &r, 0, 2, 0xffff1234);
    assert_true(r.rax == 0x1122334455661234);
    insn_set_reg(&i, &r, 0, 4, 5);
    assert_int_equal(r.rax, 5);
    assert_null(insn_gpr(&r, 16));
}

/* --- fake memory: addresses are host addresses, or fail at `bad` ------------------------------ */
static uint64_t bad;
static unsigned contention, io_count;

static enum emul_result mem_read(void *arg, uint64_t addr, void *data, unsigned bytes)
{
    (void)arg;
    if (addr == bad) {
        return EMUL_FAULT;
    }
    memcpy(data, (void *)addr, bytes);
    return EMUL_OK;
}

static enum emul_result mem_write(void *arg, uint64_t addr, const void *data, unsigned bytes)
{
    (void)arg;
    if (addr == bad) {
        return EMUL_FAULT;
    }
    memcpy((void *)addr, data, bytes);
    return EMUL_OK;
}

static enum emul_result mem_cmpxchg(void *arg, uint64_t addr, uint64_t *old, uint64_t value,
                                    unsigned bytes)
{
    uint64_t now = 0;

    (void)arg;
    if (addr == bad) {
        return EMUL_FAULT;
    }
    if (contention > 0) {
        contention--;
        (*(uint8_t *)addr)++;
    }
    memcpy(&now, (void *)addr, bytes);
    if (now == *old) {
        memcpy((void *)addr, &value, bytes);
    }
    *old = now;
    return EMUL_OK;
}

static enum emul_result port_in(void *arg, unsigned port, unsigned bytes, uint32_t *value)
{
    (void)arg;
    *value = port + bytes * 0x10000 + io_count++;
    return EMUL_OK;
}

static uint32_t last_out;

static enum emul_result port_out(void *arg, unsigned port, unsigned bytes, uint32_t value)
{
    (void)arg;
    (void)bytes;
    last_out = value ^ port << 16;
    io_count++;
    return EMUL_OK;
}

static const struct emul_ops fake = {mem_read, mem_write, mem_cmpxchg, port_in, port_out};

static enum emul_result run(const char *bytes, unsigned len, struct cpu_user_regs *r)
{
    struct emul e = {.ops = &fake, .regs = r, .max_reps = 100};
    struct insn i;

    assert_int_equal(insn_decode(&i, (const uint8_t *)bytes, len), 0);
    return emul_execute(&e, &i);
}

static void ports_are_read_and_written(void **state)
{
    struct cpu_user_regs r = {.rax = 0xffffffffffffffff, .rdx = 0x123, .rip = 10};

    (void)state;
    io_count = 0;
    assert_int_equal(run("\xec", 1, &r), EMUL_OK);
    assert_true(r.rax == 0xffffffffffffff23 && r.rip == 11);
    assert_int_equal(run("\xed", 1, &r), EMUL_OK);
    assert_int_equal(r.rax, 0x40124);
    r.rax = 0xdd0000cc;
    assert_int_equal(run("\xe6\xf0", 2, &r), EMUL_OK);
    assert_int_equal(last_out, 0xcc ^ 0xf0 << 16);
    assert_int_equal(r.rip, 14);
}

static void repeated_strings_go_on_where_they_stopped(void **state)
{
    static uint8_t buf[400];
    struct cpu_user_regs r = {.rcx = 250, .rdi = (uintptr_t)buf, .rdx = 7, .rip = 50};

    (void)state;
    io_count = 0;
    assert_int_equal(run("\xf3\x6c", 2, &r), EMUL_RETRY);
    assert_int_equal(r.rcx, 150);
    assert_int_equal(r.rip, 50);
    bad = (uintptr_t)buf + 230;
    assert_int_equal(run("\xf3\x6c", 2, &r), EMUL_RETRY);
    assert_int_equal(run("\xf3\x6c", 2, &r), EMUL_FAULT);
    assert_int_equal(r.rcx, 20);
    assert_int_equal(r.rdi, bad);
    bad = 0;
    assert_int_equal(run("\xf3\x6c", 2, &r), EMUL_OK);
    assert_int_equal(r.rcx, 0);
    assert_int_equal(r.rip, 52);
    assert_int_equal(io_count, 251); /* one was read twice: before the fault and after */
    r = (struct cpu_user_regs){
        .rsi = (uintptr_t)buf + 8, .rdi = (uintptr_t)buf + 108, .rcx = 3, .rflags = 0x400};
    memset(buf, 0, sizeof(buf));
    memcpy(buf, "abcdefghijkl", 12);
    assert_int_equal(run("\xf3\xa5", 2, &r), EMUL_OK);
    assert_memory_equal(buf + 100, "abcdefghijkl", 12);
    assert_int_equal(r.rsi, (uintptr_t)buf - 4);
    r.rcx = 0;
    assert_int_equal(run("\xf3\x6f", 2, &r), EMUL_OK);
    assert_int_equal(r.rcx, 0);
}

static void contention_is_bounded(void **state)
{
    uint64_t word = 5;
    struct cpu_user_regs r = {.rdi = (uintptr_t)&word, .rcx = 3};

    (void)state;
    contention = 3;
    assert_int_equal(run("\xf0\x48\x01\x0f", 4, &r), EMUL_OK);
    assert_int_equal(word, 5 + 3 + 3);
    contention = 1000;
    assert_int_equal(run("\xf0\x48\x01\x0f", 4, &r), EMUL_RETRY);
    assert_int_equal(r.rip, 4);
    contention = 0;
    assert_int_equal(run("\x0f\x30", 2, &r), EMUL_UNHANDLED);
}

/* --- against the processor ------------------------------------------------------------------- */
struct machine {
    uint64_t rax, rflags, rcx;
};

#define F_ALL   0x8d5u
#define F_LOGIC 0x8c5u /* AF is undefined */
#define F_BIT   0x041u

static const struct {
    const char *op;                       /* before ModRM */
    uint8_t op_len, reg, imm, byte, load; /* imm: 1 byte, or 4: two or four by operand size */
    uint32_t flags;
} real[] = {
    {"\x01", 1, 1, 0, 0, 0, F_ALL},     {"\x00", 1, 1, 0, 1, 0, F_ALL},
    {"\x03", 1, 1, 0, 0, 0, F_ALL},     {"\x02", 1, 1, 0, 1, 0, F_ALL},
    {"\x09", 1, 1, 0, 0, 0, F_LOGIC},   {"\x11", 1, 1, 0, 0, 0, F_ALL},
    {"\x10", 1, 1, 0, 1, 0, F_ALL},     {"\x19", 1, 1, 0, 0, 0, F_ALL},
    {"\x18", 1, 1, 0, 1, 0, F_ALL},     {"\x1b", 1, 1, 0, 0, 0, F_ALL},
    {"\x21", 1, 1, 0, 0, 0, F_LOGIC},   {"\x20", 1, 1, 0, 1, 0, F_LOGIC},
    {"\x29", 1, 1, 0, 0, 0, F_ALL},     {"\x28", 1, 1, 0, 1, 0, F_ALL},
    {"\x2b", 1, 1, 0, 0, 0, F_ALL},     {"\x31", 1, 1, 0, 0, 0, F_LOGIC},
    {"\x39", 1, 1, 0, 0, 0, F_ALL},     {"\x38", 1, 1, 0, 1, 0, F_ALL},
    {"\x3b", 1, 1, 0, 0, 0, F_ALL},     {"\x81", 1, 0, 4, 0, 0, F_ALL},
    {"\x83", 1, 2, 1, 0, 0, F_ALL},     {"\x80", 1, 5, 1, 1, 0, F_ALL},
    {"\x81", 1, 4, 4, 0, 0, F_LOGIC},   {"\x83", 1, 7, 1, 0, 0, F_ALL},
    {"\x85", 1, 1, 0, 0, 0, F_LOGIC},   {"\x84", 1, 1, 0, 1, 0, F_LOGIC},
    {"\x87", 1, 1, 0, 0, 0, F_ALL},     {"\x86", 1, 1, 0, 1, 0, F_ALL},
    {"\x89", 1, 1, 0, 0, 0, F_ALL},     {"\x88", 1, 1, 0, 1, 0, F_ALL},
    {"\x88", 1, 5, 0, 1, 0, F_ALL},     {"\x8b", 1, 1, 0, 0, 0, F_ALL},
    {"\x8a", 1, 1, 0, 1, 0, F_ALL},     {"\xc7", 1, 0, 4, 0, 0, F_ALL},
    {"\xc6", 1, 0, 1, 1, 0, F_ALL},     {"\xf7", 1, 0, 4, 0, 0, F_LOGIC},
    {"\xf7", 1, 2, 0, 0, 0, F_ALL},     {"\xf7", 1, 3, 0, 0, 0, F_ALL},
    {"\xf6", 1, 3, 0, 1, 0, F_ALL},     {"\xff", 1, 0, 0, 0, 0, F_ALL},
    {"\xff", 1, 1, 0, 0, 0, F_ALL},     {"\xfe", 1, 1, 0, 1, 0, F_ALL},
    {"\x0f\xa3", 2, 1, 0, 0, 0, F_BIT}, {"\x0f\xab", 2, 1, 0, 0, 0, F_BIT},
    {"\x0f\xb3", 2, 1, 0, 0, 0, F_BIT}, {"\x0f\xbb", 2, 1, 0, 0, 0, F_BIT},
    {"\x0f\xba", 2, 4, 1, 0, 0, F_BIT}, {"\x0f\xba", 2, 5, 1, 0, 0, F_BIT},
    {"\x0f\xba", 2, 6, 1, 0, 0, F_BIT}, {"\x0f\xba", 2, 7, 1, 0, 0, F_BIT},
    {"\x0f\xb1", 2, 1, 0, 0, 0, F_ALL}, {"\x0f\xb0", 2, 1, 0, 1, 0, F_ALL},
    {"\x0f\xc1", 2, 1, 0, 0, 0, F_ALL}, {"\x0f\xc0", 2, 1, 0, 1, 0, F_ALL},
    {"\x0f\xb6", 2, 1, 0, 0, 1, F_ALL}, {"\x0f\xb7", 2, 1, 0, 0, 1, F_ALL},
    {"\x0f\xbe", 2, 1, 0, 0, 1, F_ALL}, {"\x0f\xbf", 2, 1, 0, 0, 1, F_ALL},
    {"\x63", 1, 1, 0, 0, 1, F_ALL},
};

/* The instruction number n of the table on [rdi] and rcx; size 0 word, 1 dword, 2 qword. */
static unsigned assemble(uint8_t *code, size_t n, unsigned size, uint32_t imm)
{
    unsigned len = 0, imm_len = real[n].imm == 4 && size == 0 && !real[n].byte ? 2 : real[n].imm;

    if (!real[n].byte && size != 1) {
        code[len++] = size == 0 ? 0x66 : 0x48;
    }
    memcpy(code + len, real[n].op, real[n].op_len);
    len += real[n].op_len;
    code[len++] = (uint8_t)(real[n].reg << 3 | 7);
    memcpy(code + len, &imm, imm_len);
    return len + imm_len;
}

/* Load the machine's registers from rsi, run the code, store them again. */
static void run_real(uint8_t *page, const uint8_t *code, unsigned len, uint64_t *mem,
                     struct machine *m)
{
    static const char before[] = "\x48\x8b\x06"      /* mov rax, [rsi] */
                                 "\xff\x76\x08"      /* push [rsi+8] */
                                 "\x9d"              /* popfq */
                                 "\x48\x8b\x4e\x10"; /* mov rcx, [rsi+16] */
    static const char after[] = "\x9c"               /* pushfq */
                                "\x8f\x46\x08"       /* pop [rsi+8] */
                                "\x48\x89\x06"       /* mov [rsi], rax */
                                "\x48\x89\x4e\x10"   /* mov [rsi+16], rcx */
                                "\xc3";
    void (*f)(uint64_t *, struct machine *);

    memcpy(page, before, sizeof(before) - 1);
    memcpy(page + sizeof(before) - 1, code, len);
    memcpy(page + sizeof(before) - 1 + len, after, sizeof(after) - 1);
    memcpy(&f, &page, sizeof(f));
    f(mem, m);
}

static uint64_t random_word(void)
{
    static const uint64_t special[] = {0,      1,          ~0ULL,      0x80,       0x7f,
                                       0x8000, 0x80000000, 0x7fffffff, 1ULL << 63, ~0ULL >> 1};

    if (rand() % 3 == 0) {
        return special[rand() % 10];
    }
    return (uint64_t)rand() << 42 ^ (uint64_t)rand() << 20 ^ (uint64_t)rand();
}

static void memory_instructions_equal_the_processors(void **state)
{
    uint8_t *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_true(page != MAP_FAILED);
    for (int round = 0; round < 600 * 56; round++) {
        size_t n = (size_t)round % (sizeof(real) / sizeof(real[0]));
        uint64_t a[32], b[32];
        struct machine m = {random_word(), (unsigned)rand() & F_ALL, random_word()};
        struct cpu_user_regs r = {.rax = m.rax, .rcx = m.rcx, .rflags = m.rflags};
        uint8_t code[16];
        unsigned size = (unsigned)rand() % 3;
        unsigned len = assemble(code, n, size, (uint32_t)random_word());

        if (real[n].flags == F_BIT) { /* stay inside the buffer */
            m.rcx = r.rcx = (uint64_t)(rand() % 1024 - 512);
        }
        for (unsigned k = 0; k < 32; k++) {
            a[k] = rand() % 2 ? m.rax : random_word();
        }
        memcpy(b, a, sizeof(b));
        r.rdi = (uintptr_t)&b[16];
        run_real(page, code, len, &a[16], &m);
        assert_int_equal(run((const char *)code, len, &r), EMUL_OK);
        if (memcmp(a, b, sizeof(a)) != 0 || m.rax != r.rax || m.rcx != r.rcx ||
            ((m.rflags ^ r.rflags) & real[n].flags) != 0 || r.rip != len) {
            fail_msg("row %zu size %u: rax %lx %lx rcx %lx %lx flags %lx %lx", n, size, m.rax,
                     r.rax, m.rcx, r.rcx, m.rflags, r.rflags);
        }
    }
    munmap(page, 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_instructions_are_recognised),
        cmocka_unit_test(what_the_processor_refuses_is_refused),
        cmocka_unit_test(prefixes_are_kept),
        cmocka_unit_test(addresses_are_computed),
        cmocka_unit_test(byte_registers_depend_on_rex),
        cmocka_unit_test(ports_are_read_and_written),
        cmocka_unit_test(repeated_strings_go_on_where_they_stopped),
        cmocka_unit_test(contention_is_bounded),
        cmocka_unit_test(memory_instructions_equal_the_processors),
    };

    return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}

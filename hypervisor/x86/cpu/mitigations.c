/* SPDX-License-Identifier: MIT */
/*
 * One table: flaw, which processors have it, what is done, and the option that turns it off.
 *
 *   flaw        test                                  action                              off by
 *   Meltdown    Intel without RDCL_NO                 PV guests refused: the split        xpti=no
 *                                                     tables that they need are not there
 *   L1TF        Intel without RDCL_NO                 a not-present entry that names RAM pv-l1tf=no
 *                                                     is refused
 *   Spectre v2  all with IBPB                         IBPB when another domain runs       ibpb=no
 *
 * Spectre v1 is met in the code, by clamped indices (core/nospec.h); stale registers by clearing
 * them on entry and switching extended state eagerly. The bits: Intel SDM vol. 2, CPUID leaf 7,
 * and vol. 4, IA32_ARCH_CAPABILITIES; AMD's Software Techniques for Managing Speculation.
 */
#include "x86/cpu/mitigations.h"
#include "core/arch.h"
#include "core/printk.h"
#include "lib/cmdline.h"
#include "lib/lib.h"
#include "x86/cpu/cpu.h"
#include "x86/pv/page_type.h"

#define MSR_PRED_CMD          0x49
#define PRED_CMD_IBPB         1
#define MSR_ARCH_CAPABILITIES 0x10a
#define ARCH_CAPS_RDCL_NO     1

static bool ibpb_on_switch;

static bool reads_past_faults(void)
{
    uint64_t caps = 0;

    if (!cpu_features.intel) {
        return false;
    }
    return !(cpu_features.l7[3] & (1u << 29)) || rdmsr_safe(MSR_ARCH_CAPABILITIES, &caps) != 0 ||
           !(caps & ARCH_CAPS_RDCL_NO);
}

static bool has_ibpb(void)
{
    uint32_t r[4] = {0};

    if (cpu_features.l7[3] & (1u << 26)) {
        return true;
    }
    if (cpu_features.max_ext_leaf >= 0x80000008) {
        cpuid_raw(0x80000008, 0, r);
    }
    return (r[1] & (1u << 12)) != 0;
}

static void act_meltdown(void)
{
    panic("this processor is prone to Meltdown, and the split page tables that PV guests need on "
          "it are not built: start with xpti=no to run without protection");
}

static void act_l1tf(void)
{
    pt_l1tf_check = true;
}

static void act_ibpb(void)
{
    ibpb_on_switch = true;
}

static const struct mitigation {
    const char *flaw, *option;
    bool (*affected)(void);
    void (*act)(void);
    const char *action;
} table[] = {
    {"Meltdown", "xpti", reads_past_faults, act_meltdown, "PV guests refused"},
    {"L1TF", "pv-l1tf", reads_past_faults, act_l1tf, "not-present entries are checked"},
    {"Spectre v2", "ibpb", has_ibpb, act_ibpb, "IBPB between domains"},
};

void mitigations_init(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
        const struct mitigation *m = &table[i];

        if (!m->affected()) {
            continue;
        }
        if (!cmdline_bool(hv_cmdline, m->option, true)) {
            printk(LOG_WARNING, "%s: %s is off (%s=no)\n", m->flaw, m->action, m->option);
            continue;
        }
        m->act();
        printk(LOG_INFO, "%s: %s\n", m->flaw, m->action);
    }
}

void mitigations_switch_domain(void)
{
    if (ibpb_on_switch) {
        wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
    }
}

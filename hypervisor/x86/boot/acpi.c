/* SPDX-License-Identifier: MIT */
/*
 * The firmware's tables (ACPI 6.4, chapter 5): root pointer -> XSDT or RSDT -> tables by their
 * signature. Each is mapped, measured, summed and then read with every length checked. Pure but
 * for acpi_info: memory is reached through struct acpi_memory, so tests bring their own.
 */
#include "x86/boot/acpi.h"
#include "core/types.h"
#include "lib/lib.h"

#define TABLE_MAX (1u << 20)

struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
    uint8_t ext_checksum;
    uint8_t reserved[3];
} __attribute__((packed));

struct header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

struct madt {
    struct header h;
    uint32_t lapic_base, flags;
    uint8_t entries[];
} __attribute__((packed));

struct fadt { /* offsets of the specification's table 5-9 */
    struct header h;
    uint32_t facs, dsdt;
    uint8_t model, profile;
    uint16_t sci_irq;
    uint32_t smi_cmd;
    uint8_t acpi_enable, acpi_disable, s4bios, pstate;
    uint32_t pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm2_cnt, pm_timer, gpe0, gpe1;
    uint8_t pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_timer_len, gpe0_len, gpe1_len, gpe1_base;
    uint8_t cst;
    uint16_t c2_latency, c3_latency, flush_size, flush_stride;
    uint8_t duty_offset, duty_width, day_alarm, month_alarm, century;
    uint16_t boot_arch;
    uint8_t reserved;
    uint32_t flags;
    struct acpi_address reset; /* from here: since ACPI 2.0 */
    uint8_t reset_value;
    uint8_t arm_boot[2], minor;
    uint64_t x_facs, x_dsdt;
    struct acpi_address x_pm1a_evt, x_pm1b_evt, x_pm1a_cnt, x_pm1b_cnt, x_pm2_cnt, x_pm_timer;
    struct acpi_address x_gpe0, x_gpe1, sleep_control, sleep_status;
} __attribute__((packed));

struct hpet {
    struct header h;
    uint32_t block_id;
    struct acpi_address base;
    uint8_t number;
    uint16_t min_tick;
    uint8_t flags;
} __attribute__((packed));

struct mcfg {
    struct header h;
    uint8_t reserved[8];
    struct {
        uint64_t base;
        uint16_t segment;
        uint8_t bus_start, bus_end;
        uint32_t reserved;
    } __attribute__((packed)) area[];
} __attribute__((packed));

#define FADT_RESET_SUPPORTED (1u << 10)
#define FADT_TIMER_32BIT     (1u << 8)
#define FADT_HARDWARE_REDUCED (1u << 20)

struct acpi_info acpi_info;

static bool sums_to_zero(const void *p, size_t len)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < len; i++) {
        sum += ((const uint8_t *)p)[i];
    }
    return sum == 0;
}

bool acpi_rsdp_valid(const void *va)
{
    const struct rsdp *r = va;

    if (memcmp(r->signature, "RSD PTR ", 8) != 0 || !sums_to_zero(r, 20)) {
        return false;
    }
    return r->revision < 2 || (r->length >= sizeof(*r) && sums_to_zero(r, sizeof(*r)));
}

/* Does `table` reach as far as the field? */
#define REACHES(table, field)                                                                      \
    ((table)->h.length >= offsetof(__typeof__(*(table)), field) + sizeof((table)->field))

static void madt_cpu(struct acpi_info *info, uint32_t apic_id, uint32_t acpi_id, uint32_t flags)
{
    /* bit 0: usable; bit 1: may be plugged in later */
    if (!(flags & 3) || info->nr_cpus == ACPI_MAX_CPUS || apic_id == 0xffffffff) {
        return;
    }
    for (unsigned i = 0; i < info->nr_cpus; i++) {
        if (info->cpu[i].apic_id == apic_id) {
            return;
        }
    }
    info->cpu[info->nr_cpus++] = (struct acpi_cpu){apic_id, acpi_id, (flags & 1) != 0};
}

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static void madt_entry(struct acpi_info *info, const uint8_t *e, unsigned len)
{
    uint64_t wide;

    if (e[0] == 0 && len >= 8 && e[3] != 0xff) {
        madt_cpu(info, e[3], e[2], get32(e + 4));
    } else if (e[0] == 9 && len >= 16) {
        madt_cpu(info, get32(e + 4), get32(e + 12), get32(e + 8));
    } else if (e[0] == 1 && len >= 12 && info->nr_ioapics < ACPI_MAX_IOAPICS) {
        info->ioapic[info->nr_ioapics++] =
            (struct acpi_ioapic){e[2], get32(e + 4), get32(e + 8)};
    } else if (e[0] == 2 && len >= 10 && e[2] == 0 && e[3] < 16 &&
               info->nr_overrides < ACPI_MAX_OVERRIDES) {
        info->override[info->nr_overrides++] =
            (struct acpi_override){e[3], get32(e + 4), e[8] | e[9] << 8};
    } else if (e[0] == 5 && len >= 12) {
        memcpy(&wide, e + 4, sizeof(wide));
        info->lapic_base = wide;
    }
}

static void read_madt(struct acpi_info *info, const void *table)
{
    const struct madt *m = table;
    size_t off = sizeof(*m);

    if (m->h.length < sizeof(*m)) {
        return;
    }
    info->have_madt = true;
    info->lapic_base = m->lapic_base;
    info->have_8259 = m->flags & 1;
    while (off + 2 <= m->h.length) {
        const uint8_t *e = (const uint8_t *)m + off;

        if (e[1] < 2 || e[1] > m->h.length - off) {
            break;
        }
        madt_entry(info, e, e[1]);
        off += e[1];
    }
}

/* The wide form of a register block if the table has it, else the 32-bit port. */
static struct acpi_address block(bool reaches, const struct acpi_address *wide, uint32_t port,
                                 uint8_t len)
{
    if (reaches && wide->address != 0) {
        return *wide;
    }
    return (struct acpi_address){ACPI_SPACE_IO, len * 8, 0, 0, port};
}

static void read_fadt(struct acpi_info *info, const void *table)
{
    const struct fadt *f = table;

    if (!REACHES(f, flags)) {
        return;
    }
    info->have_fadt = true;
    info->fadt_flags = f->flags;
    info->sci_irq = f->sci_irq;
    info->boot_arch = f->boot_arch;
    info->century = f->century;
    if (!(f->flags & FADT_HARDWARE_REDUCED)) {
        info->pm1a_cnt = block(REACHES(f, x_pm1a_cnt), &f->x_pm1a_cnt, f->pm1a_cnt,
                               f->pm1_cnt_len);
        info->pm1b_cnt = block(REACHES(f, x_pm1b_cnt), &f->x_pm1b_cnt, f->pm1b_cnt,
                               f->pm1_cnt_len);
        info->pm1a_evt = block(REACHES(f, x_pm1a_evt), &f->x_pm1a_evt, f->pm1a_evt,
                               f->pm1_evt_len);
        info->pm1b_evt = block(REACHES(f, x_pm1b_evt), &f->x_pm1b_evt, f->pm1b_evt,
                               f->pm1_evt_len);
        if (f->pm_timer_len == 4) {
            struct acpi_address t = block(REACHES(f, x_pm_timer), &f->x_pm_timer, f->pm_timer, 4);

            info->pm_timer_port = t.space == ACPI_SPACE_IO && t.address < 0xfffd ? t.address : 0;
        }
        info->pm_timer_32bit = f->flags & FADT_TIMER_32BIT;
    }
    if (REACHES(f, reset_value) && (f->flags & FADT_RESET_SUPPORTED)) {
        info->have_reset = true;
        info->reset = f->reset;
        info->reset_value = f->reset_value;
    }
    if (REACHES(f, sleep_status)) {
        info->sleep_control = f->sleep_control;
        info->sleep_status = f->sleep_status;
    }
}

static void read_hpet(struct acpi_info *info, const void *table)
{
    const struct hpet *h = table;

    if (h->h.length >= sizeof(*h) && h->base.space == ACPI_SPACE_MEMORY) {
        info->hpet_base = h->base.address;
    }
}

static void read_mcfg(struct acpi_info *info, const void *table)
{
    const struct mcfg *m = table;
    size_t n = m->h.length < sizeof(*m) ? 0 : (m->h.length - sizeof(*m)) / sizeof(m->area[0]);

    for (size_t i = 0; i < n && info->nr_mcfg < ACPI_MAX_MCFG; i++) {
        if (m->area[i].bus_start <= m->area[i].bus_end && m->area[i].base != 0) {
            info->mcfg[info->nr_mcfg++] =
                (struct acpi_mcfg_area){m->area[i].base, m->area[i].segment,
                                        m->area[i].bus_start, m->area[i].bus_end};
        }
    }
}

static const struct {
    char signature[5];
    void (*read)(struct acpi_info *info, const void *table);
} readers[] = {
    {"APIC", read_madt},
    {"FACP", read_fadt},
    {"HPET", read_hpet},
    {"MCFG", read_mcfg},
};

/* A whole table, its sum checked; NULL if it is not one. */
static const struct header *map_table(const struct acpi_memory *mem, paddr_t p)
{
    const struct header *h = p != 0 ? mem->map(p, sizeof(*h)) : NULL;
    uint32_t length;

    if (h == NULL) {
        return NULL;
    }
    length = h->length;
    mem->unmap(h);
    if (length < sizeof(*h) || length > TABLE_MAX) {
        return NULL;
    }
    h = mem->map(p, length);
    if (h != NULL && (h->length != length || !sums_to_zero(h, length))) {
        mem->unmap(h);
        return NULL;
    }
    return h;
}

static void read_one(struct acpi_info *info, const struct acpi_memory *mem, paddr_t p)
{
    const struct header *h = p != 0 ? mem->map(p, sizeof(*h)) : NULL;
    char signature[4];

    if (h == NULL) {
        return;
    }
    memcpy(signature, h->signature, sizeof(signature));
    mem->unmap(h);
    for (unsigned i = 0; i < ARRAY_SIZE(readers); i++) {
        if (memcmp(signature, readers[i].signature, sizeof(signature)) == 0) {
            h = map_table(mem, p);
            if (h != NULL) {
                readers[i].read(info, h);
                mem->unmap(h);
            }
            return;
        }
    }
}

bool acpi_parse(struct acpi_info *info, paddr_t rsdp, const struct acpi_memory *mem)
{
    const struct rsdp *mapped = rsdp != 0 ? mem->map(rsdp, sizeof(*mapped)) : NULL;
    const struct header *root;
    unsigned width = 8;
    struct rsdp r;

    memset(info, 0, sizeof(*info));
    if (mapped == NULL) {
        return false;
    }
    memcpy(&r, mapped, sizeof(r));
    mem->unmap(mapped);
    if (!acpi_rsdp_valid(&r)) {
        return false;
    }
    root = r.revision >= 2 ? map_table(mem, r.xsdt) : NULL;
    if (root == NULL || memcmp(root->signature, "XSDT", 4) != 0) {
        if (root != NULL) {
            mem->unmap(root);
        }
        width = 4;
        root = map_table(mem, r.rsdt);
        if (root == NULL || memcmp(root->signature, "RSDT", 4) != 0) {
            if (root != NULL) {
                mem->unmap(root);
            }
            return false;
        }
    }
    info->rsdp = rsdp;
    for (size_t off = sizeof(*root); off + width <= root->length; off += width) {
        uint64_t p = 0;

        memcpy(&p, (const uint8_t *)root + off, width);
        read_one(info, mem, p);
    }
    mem->unmap(root);
    return true;
}

uint32_t acpi_isa_to_gsi(unsigned irq, uint16_t *flags)
{
    for (unsigned i = 0; i < acpi_info.nr_overrides; i++) {
        if (acpi_info.override[i].irq == irq) {
            *flags = acpi_info.override[i].flags;
            return acpi_info.override[i].gsi;
        }
    }
    *flags = 0;
    return irq;
}

/* SPDX-License-Identifier: MIT */
/*
 * Multiboot 1 and 2 to struct bootinfo. Everything is copied, for what the loader left may lie in
 * memory that we are about to use. QEMU and old loaders put the file's name before the arguments,
 * GRUB 2 does not; where a name is expected, the first word goes.
 *
 * Multiboot 1: flags say which fields of a fixed struct are valid. Multiboot 2: a list of tags,
 * each with type and length, 8-byte aligned, tag 0 last.
 */
#include "x86/boot/boot.h"
#include "lib/lib.h"
#include "x86/boot/image.h"
#include "x86/mm/layout.h"

#define MB1_CMDLINE     (1u << 2)
#define MB1_MODULES     (1u << 3)
#define MB1_MEMORY_MAP  (1u << 6)
#define MB1_LOADER_NAME (1u << 9)
#define MB1_MEMORY      (1u << 0)

struct mb1_info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
    uint32_t mods_count, mods_addr;
    uint32_t syms[4];
    uint32_t mmap_length, mmap_addr;
    uint32_t drives_length, drives_addr, config_table, loader_name;
} __attribute__((packed));

struct mb1_module {
    uint32_t start, end, string, reserved;
};

struct mb1_mmap {
    uint32_t size; /* of what follows */
    uint64_t addr, len;
    uint32_t type;
} __attribute__((packed));

enum mb2_tag_type {
    MB2_END,
    MB2_CMDLINE,
    MB2_LOADER_NAME,
    MB2_MODULE,
    MB2_MEMORY_MAP = 6,
    MB2_FRAMEBUFFER = 8,
    MB2_EFI64 = 12,
    MB2_RSDP_OLD = 14,
    MB2_RSDP_NEW = 15,
    MB2_EFI_MMAP = 17,
};

struct mb2_tag {
    uint32_t type, size;
    uint8_t data[];
};

struct mb2_module {
    uint32_t start, end;
    char cmdline[];
};

struct mb2_mmap {
    uint32_t entry_size, entry_version;
};

struct mb2_mmap_entry {
    uint64_t addr, len;
    uint32_t type, reserved;
};

struct mb2_framebuffer {
    uint64_t addr;
    uint32_t pitch, width, height;
    uint8_t bpp, type;
    uint16_t reserved;
    uint8_t red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
} __attribute__((packed));

struct mb2_efi_mmap {
    uint32_t desc_size, desc_version;
    uint8_t map[];
};

static bool names_first(const char *loader)
{
    return strncmp(loader, "GRUB", 4) != 0;
}

static void mb1_memory_map(const struct mb1_info *info)
{
    uint32_t off = 0;

    while (off + sizeof(struct mb1_mmap) <= info->mmap_length) {
        const struct mb1_mmap *m = early_phys(info->mmap_addr + off, sizeof(*m));

        boot_add_e820(m->addr, m->len, m->type);
        if (m->size < sizeof(*m) - sizeof(m->size) || m->size > info->mmap_length) {
            break;
        }
        off += m->size + sizeof(m->size);
    }
}

void multiboot1_collect(paddr_t paddr)
{
    const struct mb1_info *info = early_phys(paddr, sizeof(*info));
    const char *loader = "", *s;

    bootinfo.loader = "multiboot";
    if (info->flags & MB1_LOADER_NAME) {
        loader = early_phys(info->loader_name, 64);
    }
    if (info->flags & MB1_CMDLINE) {
        s = early_phys(info->cmdline, sizeof(bootinfo.cmdline));
        str_copy(bootinfo.cmdline, names_first(loader) ? boot_skip_word(s) : s,
                 sizeof(bootinfo.cmdline));
    }
    if (info->flags & MB1_MODULES) {
        for (uint32_t i = 0; i < info->mods_count; i++) {
            const struct mb1_module *m =
                early_phys(info->mods_addr + i * sizeof(*m), sizeof(*m));

            s = m->string ? early_phys(m->string, sizeof(bootinfo.module[0].cmdline)) : "";
            if (m->end > m->start) {
                boot_add_module(m->start, m->end - m->start,
                                names_first(loader) ? boot_skip_word(s) : s);
            }
        }
    }
    if (info->flags & MB1_MEMORY_MAP) {
        mb1_memory_map(info);
    } else if (info->flags & MB1_MEMORY) {
        boot_add_e820(0, info->mem_lower * 1024ULL, E820_RAM);
        boot_add_e820(0x100000, info->mem_upper * 1024ULL, E820_RAM);
    }
}

static void mb2_memory_map(const struct mb2_tag *tag)
{
    const struct mb2_mmap *map = (const void *)tag->data;
    uint32_t off = sizeof(*tag) + sizeof(*map);

    if (tag->size < off || map->entry_size < sizeof(struct mb2_mmap_entry)) {
        return;
    }
    for (; off + map->entry_size <= tag->size; off += map->entry_size) {
        const struct mb2_mmap_entry *e = (const void *)((const uint8_t *)tag + off);

        boot_add_e820(e->addr, e->len, e->type);
    }
}

static void mb2_framebuffer(const struct mb2_framebuffer *fb)
{
    dom0_vga_console_info_t *vga = &bootinfo.vga;

    if (fb->type != 1) { /* not direct colours; setup.c looks for a text screen */
        return;
    }
    bootinfo.have_vga = true;
    vga->video_type = bootinfo.efi ? XEN_VGATYPE_EFI_LFB : XEN_VGATYPE_VESA_LFB;
    vga->u.vesa_lfb.width = fb->width;
    vga->u.vesa_lfb.height = fb->height;
    vga->u.vesa_lfb.bytes_per_line = fb->pitch;
    vga->u.vesa_lfb.bits_per_pixel = fb->bpp;
    vga->u.vesa_lfb.lfb_base = (uint32_t)fb->addr;
    vga->u.vesa_lfb.ext_lfb_base = (uint32_t)(fb->addr >> 32);
    vga->u.vesa_lfb.lfb_size = ((uint64_t)fb->pitch * fb->height + 0xffff) >> 16;
    vga->u.vesa_lfb.red_pos = fb->red_pos;
    vga->u.vesa_lfb.red_size = fb->red_size;
    vga->u.vesa_lfb.green_pos = fb->green_pos;
    vga->u.vesa_lfb.green_size = fb->green_size;
    vga->u.vesa_lfb.blue_pos = fb->blue_pos;
    vga->u.vesa_lfb.blue_size = fb->blue_size;
}

static void mb2_module(const struct mb2_tag *tag, bool skip_name)
{
    const struct mb2_module *m = (const void *)tag->data;

    if (tag->size >= sizeof(*tag) + sizeof(*m) && m->end > m->start) {
        boot_add_module(m->start, m->end - m->start,
                        skip_name ? boot_skip_word(m->cmdline) : m->cmdline);
    }
}

static void mb2_efi_mmap(const struct mb2_tag *tag)
{
    const struct mb2_efi_mmap *m = (const void *)tag->data;

    if (tag->size > sizeof(*tag) + sizeof(*m)) {
        efi_keep_memory_map(m->map, tag->size - sizeof(*tag) - sizeof(*m), m->desc_size,
                            m->desc_version);
    }
}

/* The tag holds a copy of the root pointer; dom0 and we read the copy's own copy. */
static void mb2_rsdp(const struct mb2_tag *tag)
{
    static uint8_t rsdp[36] __attribute__((aligned(16)));
    size_t len = tag->size - sizeof(*tag);

    if (bootinfo.rsdp != 0 && tag->type == MB2_RSDP_OLD) {
        return;
    }
    memset(rsdp, 0, sizeof(rsdp));
    memcpy(rsdp, tag->data, MIN(len, sizeof(rsdp)));
    bootinfo.rsdp = (paddr_t)rsdp - IMAGE_START + IMAGE_PADDR;
}

static void mb2_tag(const struct mb2_tag *tag, bool *skip_name)
{
    switch (tag->type) {
    case MB2_LOADER_NAME:
        *skip_name = names_first((const char *)tag->data);
        break;
    case MB2_CMDLINE:
        str_copy(bootinfo.cmdline, (const char *)tag->data, sizeof(bootinfo.cmdline));
        break;
    case MB2_MODULE:
        mb2_module(tag, *skip_name);
        break;
    case MB2_MEMORY_MAP:
        mb2_memory_map(tag);
        break;
    case MB2_FRAMEBUFFER:
        mb2_framebuffer((const void *)tag->data);
        break;
    case MB2_EFI64:
        bootinfo.efi = true;
        memcpy(&bootinfo.efi_system_table, tag->data, 8);
        break;
    case MB2_RSDP_OLD:
    case MB2_RSDP_NEW:
        mb2_rsdp(tag);
        break;
    case MB2_EFI_MMAP:
        mb2_efi_mmap(tag);
        break;
    default:
        break;
    }
}

static bool mb2_find(paddr_t paddr, uint32_t total, uint32_t type)
{
    for (uint32_t off = 8; off + sizeof(struct mb2_tag) <= total;) {
        const struct mb2_tag *tag = early_phys(paddr + off, sizeof(*tag));

        if (tag->type == type) {
            return true;
        }
        if (tag->type == MB2_END || tag->size < sizeof(*tag)) {
            return false;
        }
        off += ROUND_UP(tag->size, 8u);
    }
    return false;
}

void multiboot2_collect(paddr_t paddr)
{
    const uint32_t *head = early_phys(paddr, 8);
    uint32_t total = head[0];
    bool skip_name = false;

    bootinfo.loader = "multiboot2";
    bootinfo.efi = mb2_find(paddr, total, MB2_EFI64);
    early_phys(paddr, total);
    for (uint32_t off = 8; off + sizeof(struct mb2_tag) <= total;) {
        const struct mb2_tag *tag = early_phys(paddr + off, sizeof(*tag));

        if (tag->type == MB2_END || tag->size < sizeof(*tag) || tag->size > total - off) {
            break;
        }
        mb2_tag(tag, &skip_name);
        off += ROUND_UP(tag->size, 8u);
    }
}

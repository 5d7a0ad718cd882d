/* SPDX-License-Identifier: MIT */
/*
 * Kernel files. A bzImage is a boot sector with a packed ELF file behind it (Documentation/x86/
 * boot of Linux: setup_sects at 0x1f1, "HdrS" at 0x202, payload offset and length at 0x248); a
 * packed ELF file or a plain one will do as well. A plain ELF file is never read whole: its
 * segments go from the file straight into the guest. What had to be unpacked is kept in the
 * cache, and is a plain ELF file the next time.
 *
 * Every number of the file is checked against its size before it is used.
 */
#include "image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../internal.h"
#include "cache.h"

#define HEAD_SIZE 1024u
#define BZ_SETUP_SECTS 0x1f1
#define BZ_BOOT_FLAG 0x1fe
#define BZ_MAGIC 0x202
#define BZ_VERSION 0x206
#define BZ_PAYLOAD_OFFSET 0x248
#define BZ_PAYLOAD_LENGTH 0x24c

struct span {
    uint64_t offset, size;
    bool sized; /* four bytes with the unpacked size at its end */
};

int image_read(const struct image *image, uint64_t offset, void *to, size_t size)
{
    uint8_t *p = to;

    if (offset > image->size || size > image->size - offset) {
        return -ENODATA;
    }
    if (image->fd < 0) {
        memcpy(to, image->memory.data + offset, size);
        return 0;
    }
    while (size > 0) {
        ssize_t n = pread(image->fd, p, size, (off_t)(image->base + offset));

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? -errno : -ENODATA;
        }
        p += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return 0;
}

static uint64_t skip_zeroes(const struct image *image, uint64_t at, uint64_t *limit)
{
    for (unsigned int i = 0; i < image->nr_zeroes; i++) {
        const struct image_zeroes *z = &image->zeroes[i];

        if (at >= z->start && at < z->end) {
            return z->end;
        }
        if (z->start > at && z->start < *limit) {
            *limit = z->start;
        }
    }
    return at;
}

bool image_next_data(const struct image *image, uint64_t *start, uint64_t end, uint64_t *data_end)
{
    uint64_t at = *start, limit = end;

    while (at < end) {
        uint64_t next = skip_zeroes(image, at, &limit);

        if (next == at && image->fd >= 0) {
            off_t data = lseek(image->fd, (off_t)(image->base + at), SEEK_DATA);

            next = data >= 0 ? (uint64_t)data - image->base : errno == ENXIO ? end : at;
        }
        if (next == at) {
            break;
        }
        at = next;
        limit = end;
    }
    if (at >= end) {
        return false;
    }
    if (image->fd >= 0) {
        off_t hole = lseek(image->fd, (off_t)(image->base + at), SEEK_HOLE);

        if (hole >= 0 && (uint64_t)hole - image->base < limit) {
            limit = (uint64_t)hole - image->base;
        }
    }
    *start = at;
    *data_end = limit;
    return true;
}

static uint32_t get(const uint8_t *p, unsigned int bytes)
{
    uint32_t v = 0;

    memcpy(&v, p, bytes);
    return v;
}

/* ---- the ELF file ---- */

static int truncated(struct ctrl *h, const char *name)
{
    return ctrl_fail(h, -ENOEXEC, "%s is truncated: its parts reach beyond its end", name);
}

static int check_header(struct ctrl *h, const char *name, const Elf64_Ehdr *e)
{
    if (memcmp(e->e_ident, ELFMAG, SELFMAG) != 0) {
        return ctrl_fail(h, -ENOEXEC, "%s is not a kernel: what it unpacks to is no ELF file",
                         name);
    }
    if (e->e_ident[EI_CLASS] != ELFCLASS64 || e->e_machine != EM_X86_64 ||
        e->e_ident[EI_DATA] != ELFDATA2LSB) {
        return ctrl_fail(h, -ENOEXEC, "%s is not a kernel for x86-64", name);
    }
    if (e->e_type != ET_EXEC && e->e_type != ET_DYN) {
        return ctrl_fail(h, -ENOEXEC, "%s is not a kernel: this ELF file is not executable", name);
    }
    if (e->e_phentsize != sizeof(Elf64_Phdr) || e->e_phnum == 0 || e->e_phnum > 64) {
        return ctrl_fail(h, -ENOEXEC, "%s is not a kernel: it has no usable program headers",
                         name);
    }
    return 0;
}

static int add_segment(struct ctrl *h, const char *name, struct image *image,
                       const Elf64_Phdr *p)
{
    if (p->p_memsz == 0) {
        return 0;
    }
    if (p->p_filesz > p->p_memsz || p->p_memsz > UINT64_MAX - p->p_vaddr ||
        p->p_memsz > UNPACK_LIMIT) {
        return ctrl_fail(h, -ENOEXEC, "%s is damaged: a segment has impossible sizes", name);
    }
    if (p->p_offset > image->size || p->p_filesz > image->size - p->p_offset) {
        return truncated(h, name);
    }
    if (image->nr_segments == IMAGE_MAX_SEGMENTS) {
        return ctrl_fail(h, -ENOEXEC, "%s has more than %d loadable segments", name,
                         IMAGE_MAX_SEGMENTS);
    }
    image->segments[image->nr_segments++] = (struct image_segment){
        .offset = p->p_offset,
        .vaddr = p->p_vaddr,
        .paddr = p->p_paddr,
        .file_size = p->p_filesz,
        .mem_size = p->p_memsz,
    };
    return 0;
}

/* Remember where sections without contents lie inside of the bytes of a segment. */
static void find_zeroes(struct image *image, const Elf64_Ehdr *e)
{
    if (e->e_shentsize != sizeof(Elf64_Shdr) || e->e_shoff > image->size) {
        return;
    }
    for (unsigned int i = 0; i < e->e_shnum && image->nr_zeroes < IMAGE_MAX_ZEROES; i++) {
        Elf64_Shdr s;

        if (image_read(image, e->e_shoff + i * sizeof(s), &s, sizeof(s)) < 0) {
            return;
        }
        if (s.sh_type != SHT_NOBITS || (s.sh_flags & SHF_TLS) != 0 || s.sh_size < CTRL_PAGE_SIZE) {
            continue;
        }
        for (unsigned int j = 0; j < image->nr_segments; j++) {
            const struct image_segment *p = &image->segments[j];
            uint64_t start = s.sh_addr - p->vaddr;

            if (s.sh_addr >= p->vaddr && start < p->file_size &&
                s.sh_size <= p->file_size - start) {
                image->zeroes[image->nr_zeroes++] = (struct image_zeroes){
                    p->offset + start, p->offset + start + s.sh_size,
                };
                break;
            }
        }
    }
}

/* Turn ELF physical addresses into guest-physical and virtual ones, as the notes say. */
static int place_segments(struct ctrl *h, const char *name, struct image *image)
{
    uint64_t low = UINT64_MAX, high = 0;

    if (!image->has_paddr_offset) {
        image->paddr_offset = image->has_notes ? 0 : image->virt_base;
    }
    for (unsigned int i = 0; i < image->nr_segments; i++) {
        struct image_segment *s = &image->segments[i];

        s->paddr -= image->paddr_offset;
        s->vaddr = s->paddr + image->virt_base;
        if (s->paddr > UNPACK_LIMIT || s->mem_size > UNPACK_LIMIT ||
            s->vaddr + s->mem_size < s->vaddr) {
            return ctrl_fail(h, -ENOEXEC, "%s does not fit into a guest: a segment lies at 0x%llx",
                             name, (unsigned long long)s->paddr);
        }
        low = s->vaddr < low ? s->vaddr : low;
        high = s->vaddr + s->mem_size > high ? s->vaddr + s->mem_size : high;
    }
    if (image->nr_segments == 0) {
        return ctrl_fail(h, -ENOEXEC, "%s is not a kernel: it has nothing to load", name);
    }
    image->virt_start = low & ~(uint64_t)(CTRL_PAGE_SIZE - 1);
    image->virt_end = (high + CTRL_PAGE_SIZE - 1) & ~(uint64_t)(CTRL_PAGE_SIZE - 1);
    return 0;
}

static int parse_elf(struct ctrl *h, const char *name, struct image *image)
{
    struct image_table programs, sections;
    Elf64_Phdr headers[64];
    Elf64_Ehdr e;
    int rc;

    if (image_read(image, 0, &e, sizeof(e)) < 0) {
        return truncated(h, name);
    }
    rc = check_header(h, name, &e);
    if (rc < 0) {
        return rc;
    }
    if (image_read(image, e.e_phoff, headers, e.e_phnum * sizeof(headers[0])) < 0) {
        return truncated(h, name);
    }
    for (unsigned int i = 0; i < e.e_phnum && rc == 0; i++) {
        if (headers[i].p_type == PT_LOAD) {
            rc = add_segment(h, name, image, &headers[i]);
        }
    }
    if (rc < 0) {
        return rc;
    }
    find_zeroes(image, &e);
    image->entry = e.e_entry;
    programs = (struct image_table){ e.e_phoff, sizeof(Elf64_Phdr), e.e_phnum };
    sections = (struct image_table){ e.e_shoff, e.e_shentsize, e.e_shnum };
    rc = image_notes(h, name, image, &programs, &sections, e.e_shstrndx);
    return rc < 0 ? rc : place_segments(h, name, image);
}

/* ---- from the file to the ELF file ---- */

static int find_payload(struct ctrl *h, const char *name, const uint8_t *head, struct image *image,
                        struct span *out)
{
    uint64_t start;

    *out = (struct span){ 0, image->file_size, false };
    if (memcmp(head, ELFMAG, SELFMAG) == 0) {
        strcpy(image->format, "ELF");
        return 0;
    }
    if (memcmp(head + BZ_MAGIC, "HdrS", 4) != 0 || get(head + BZ_BOOT_FLAG, 2) != 0xaa55) {
        if (unpack_format(head, HEAD_SIZE) != NULL) {
            strcpy(image->format, "ELF");
            return 0;
        }
        return ctrl_fail(h, -ENOEXEC, "%s is not a kernel: neither an ELF file nor a bzImage",
                         name);
    }
    if (get(head + BZ_VERSION, 2) < 0x208) {
        return ctrl_fail(h, -ENOEXEC, "%s is a Linux kernel from before 2.6.24: too old", name);
    }
    strcpy(image->format, "bzImage");
    start = (head[BZ_SETUP_SECTS] == 0 ? 4u : head[BZ_SETUP_SECTS]) + 1;
    start = start * 512 + get(head + BZ_PAYLOAD_OFFSET, 4);
    *out = (struct span){ start, get(head + BZ_PAYLOAD_LENGTH, 4), true };
    if (start > image->file_size || out->size > image->file_size - start || out->size < 16) {
        return truncated(h, name);
    }
    return 0;
}

static int unpack_error(struct ctrl *h, const char *name, const char *format, int rc)
{
    switch (rc) {
    case -ENODATA:
        return ctrl_fail(h, -ENOEXEC, "%s is truncated: its %s data ends early", name, format);
    case -EBADMSG:
        return ctrl_fail(h, -ENOEXEC, "%s is damaged: its %s data cannot be unpacked", name,
                         format);
    case -EFBIG:
        return ctrl_fail(h, -ENOEXEC, "%s unpacks to more than %zu MiB: too large for a kernel",
                         name, UNPACK_LIMIT >> 20);
    case -ENOSYS:
        return ctrl_fail(h, -ENOEXEC, "%s is packed with %s, which is not supported", name,
                         format);
    case -ELIBACC:
        return ctrl_fail(h, -ELIBACC, "%s is packed with %s, and that library is not installed",
                         name, format);
    default:
        return ctrl_fail(h, rc, "cannot unpack %s: %s", name, strerror(-rc));
    }
}

static int unpack_span(struct ctrl *h, const char *name, int fd, const struct span *span,
                       const char *format, struct image *image)
{
    uint8_t *packed = malloc(span->size);
    struct image raw = { .fd = fd, .size = image->file_size };
    int rc;

    if (packed == NULL) {
        return ctrl_no_memory(h);
    }
    rc = image_read(&raw, span->offset, packed, span->size);
    if (rc == 0) {
        rc = unpack(packed, span->size, span->sized, &image->memory);
    }
    free(packed);
    if (rc < 0) {
        return unpack_error(h, name, format, rc);
    }
    image->fd = -1;
    image->size = image->memory.size;
    return 0;
}

/* The packed kernel of a file: from the cache when it was seen before. */
static int open_packed(struct ctrl *h, const char *path, int fd, const struct span *span,
                       const char *format, struct image *image)
{
    char name[CACHE_NAME_SIZE];
    bool cached = cache_name(fd, (off_t)span->offset, span->size, name) == 0;
    struct stat st;
    int found, rc;

    if (cached) {
        found = cache_find(name);
        if (found >= 0 && fstat(found, &st) == 0) {
            image->fd = found;
            image->size = (uint64_t)st.st_size;
            return 0;
        }
    }
    ctrl_log(h, CTRL_LOG_DEBUG, "unpacking %s", path);
    rc = unpack_span(h, path, fd, span, format, image);
    if (rc == 0 && cached) {
        cache_keep(name, image->memory.data, image->memory.size);
    }
    return rc;
}

static int open_fd(struct ctrl *h, const char *path, int *fd, struct image *image)
{
    uint8_t head[HEAD_SIZE] = { 0 }, start[8] = { 0 };
    struct image raw = { .fd = *fd, .size = image->file_size };
    const char *format;
    struct span span;
    int rc;

    rc = image_read(&raw, 0, head, image->file_size < HEAD_SIZE ? image->file_size : HEAD_SIZE);
    if (rc < 0) {
        return ctrl_fail(h, rc, "cannot read %s: %s", path, strerror(-rc));
    }
    rc = find_payload(h, path, head, image, &span);
    if (rc < 0) {
        return rc;
    }
    rc = image_read(&raw, span.offset, start, span.size < 8 ? span.size : 8);
    if (rc < 0) {
        return truncated(h, path);
    }
    format = unpack_format(start, sizeof(start));
    if (format == NULL && memcmp(start, ELFMAG, SELFMAG) != 0) {
        return ctrl_fail(h, -ENOEXEC, "%s is a kernel packed in a way that is not known", path);
    }
    strcpy(image->compression, format != NULL ? format : "none");
    if (format != NULL) {
        return open_packed(h, path, *fd, &span, format, image);
    }
    image->fd = *fd;
    image->base = span.offset;
    image->size = span.size;
    *fd = -1;
    return 0;
}

int image_open(struct ctrl *h, const char *path, struct image *image)
{
    struct stat st;
    int fd, rc;

    *image = (struct image){ .fd = -1 };
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return ctrl_fail(h, -errno, "cannot open the kernel %s: %s", path, strerror(errno));
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return ctrl_fail(h, -ENOEXEC, "the kernel %s is not a regular file", path);
    }
    image->file_size = (uint64_t)st.st_size;
    rc = open_fd(h, path, &fd, image);
    if (fd >= 0) {
        close(fd);
    }
    if (rc == 0) {
        rc = parse_elf(h, path, image);
    }
    if (rc < 0) {
        image_close(image);
    }
    return rc;
}

int image_open_memory(struct ctrl *h, const char *name, const void *data, size_t size,
                      struct image *image)
{
    uint8_t head[HEAD_SIZE] = { 0 };
    const uint8_t *bytes = data;
    const char *format;
    struct span span;
    int rc;

    *image = (struct image){ .fd = -1, .file_size = size };
    memcpy(head, bytes, size < HEAD_SIZE ? size : HEAD_SIZE);
    rc = find_payload(h, name, head, image, &span);
    if (rc < 0) {
        return rc;
    }
    format = unpack_format(bytes + span.offset, span.size);
    if (format != NULL) {
        rc = unpack(bytes + span.offset, span.size, span.sized, &image->memory);
        rc = rc < 0 ? unpack_error(h, name, format, rc) : 0;
    } else {
        /* room 0: the bytes are not ours to release */
        image->memory.data = (uint8_t *)bytes + span.offset;
        image->memory.size = span.size;
    }
    image->size = image->memory.size;
    if (rc == 0) {
        rc = parse_elf(h, name, image);
    }
    if (rc < 0) {
        image_close(image);
    }
    return rc;
}

void image_close(struct image *image)
{
    if (image->fd >= 0) {
        close(image->fd);
    }
    if (image->memory.room > 0) {
        unpack_free(&image->memory);
    }
    image->fd = -1;
    image->memory = (struct unpacked){ 0 };
}

int ctrl_image_inspect(struct ctrl *h, const char *path, struct ctrl_image_info *info)
{
    struct image image;
    int rc = image_open(h, path, &image);

    if (rc < 0) {
        return rc;
    }
    memset(info, 0, sizeof(*info));
    strcpy(info->format, image.format);
    strcpy(info->compression, image.compression);
    info->file_bytes = image.file_size;
    info->unpacked_bytes = image.size;
    info->entry = image.entry;
    info->virt_base = image.virt_base;
    info->virt_start = image.virt_start;
    info->virt_end = image.virt_end;
    info->pv = image.has_notes;
    info->pvh = image.pvh;
    strcpy(info->guest_os, image.guest_os);
    strcpy(info->guest_version, image.guest_version);
    strcpy(info->loader, image.loader);
    strcpy(info->features, image.features);
    image_close(&image);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Small objects. Each size class takes single pages and cuts them into equal objects; what a page
 * needs to remember (class, objects in use, first free object) is packed into its struct page, so
 * a page is all objects. A free object's first two bytes hold the index of the next free one.
 * Larger requests get whole pages. A page without objects in use goes back at once, save one for
 * each class.
 */
#include "core/page.h"
#include "core/arch.h"
#include "core/printk.h"
#include "core/spinlock.h"
#include "lib/lib.h"

static const uint16_t class_size[] = {16,  32,  48,  64,  96,   128,  192,
                                      256, 384, 512, 768, 1024, 1360, 2048};
#define CLASSES  ARRAY_SIZE(class_size)
#define NO_INDEX 0xffffu
#define LARGE    0x80u /* class field of a page that is not cut up: LARGE | order */

/* The packed word, in page.free_order. */
struct slab {
    uint16_t first; /* free object, NO_INDEX: full */
    uint16_t used;
    uint16_t class_or_order;
    uint16_t magic;
};
_Static_assert(sizeof(struct slab) == 8, "fits one word of struct page");
#define SLAB_MAGIC 0x51abu

static struct spinlock heap_lock = SPINLOCK(RANK_SMALL_HEAP);
static struct {
    struct list_node partial; /* pages with a free object */
    unsigned nr_empty;
    bool ready;
} classes[CLASSES];

static struct slab slab_load(const struct page *pg)
{
    struct slab s;

    memcpy(&s, &pg->free_order, sizeof(s));
    return s;
}

static void slab_store(struct page *pg, struct slab s)
{
    memcpy(&pg->free_order, &s, sizeof(s));
}

static unsigned class_of(size_t size)
{
    unsigned c = 0;

    while (class_size[c] < size) {
        c++;
    }
    return c;
}

static unsigned objects_per_page(unsigned c)
{
    return (unsigned)(PAGE_SIZE / class_size[c]);
}

/* A new page of objects, all free and linked in order. */
static struct page *slab_new(unsigned c)
{
    struct page *pg = page_alloc(0, NODE_ANY, WIDTH_ANY, PAGE_ALLOC_NO_SCRUB);
    unsigned n = objects_per_page(c);
    char *va;

    if (pg == NULL) {
        return NULL;
    }
    va = arch_page_virt(pg);
    for (unsigned i = 0; i < n; i++) {
        *(uint16_t *)(va + (size_t)i * class_size[c]) = (uint16_t)(i + 1 < n ? i + 1 : NO_INDEX);
    }
    slab_store(pg, (struct slab){.first = 0, .class_or_order = (uint16_t)c, .magic = SLAB_MAGIC});
    return pg;
}

static void *slab_take(unsigned c)
{
    struct page *pg = list_first_entry(&classes[c].partial, struct page, list);
    struct slab s = slab_load(pg);
    char *obj = (char *)arch_page_virt(pg) + (size_t)s.first * class_size[c];

    if (s.used == 0) {
        classes[c].nr_empty--;
    }
    s.first = *(uint16_t *)obj;
    s.used++;
    slab_store(pg, s);
    if (s.first == NO_INDEX) {
        list_del(&pg->list);
    }
    return obj;
}

static void *heap_alloc_large(size_t size)
{
    unsigned order = 0;
    struct page *pg;

    while ((PAGE_SIZE << order) < size) {
        order++;
    }
    pg = page_alloc(order, NODE_ANY, WIDTH_ANY, 0);
    if (pg == NULL) {
        return NULL;
    }
    slab_store(pg, (struct slab){.class_or_order = (uint16_t)(LARGE | order), .magic = SLAB_MAGIC});
    return arch_page_virt(pg);
}

void *heap_alloc(size_t size)
{
    unsigned long flags;
    unsigned c;
    void *obj;

    if (size > class_size[CLASSES - 1]) {
        return size > (PAGE_SIZE << MAX_ORDER) ? NULL : heap_alloc_large(size);
    }
    c = class_of(size);
    flags = spin_lock_irqsave(&heap_lock);
    if (!classes[c].ready) {
        list_init(&classes[c].partial);
        classes[c].ready = true;
    }
    while (list_empty(&classes[c].partial)) {
        struct page *pg;

        spin_unlock_irqrestore(&heap_lock, flags);
        pg = slab_new(c);
        if (pg == NULL) {
            return NULL;
        }
        flags = spin_lock_irqsave(&heap_lock);
        list_add(&classes[c].partial, &pg->list);
        classes[c].nr_empty++;
    }
    obj = slab_take(c);
    spin_unlock_irqrestore(&heap_lock, flags);
    return memset(obj, 0, class_size[c]);
}

/* Give one object back; the page to free, or NULL. */
static struct page *slab_give(struct page *pg, struct slab s, void *p)
{
    unsigned c = s.class_or_order;
    size_t offset = (uintptr_t)p & (PAGE_SIZE - 1);

    BUG_ON(c >= CLASSES || offset % class_size[c] != 0 || s.used == 0);
    *(uint16_t *)p = s.first;
    if (s.first == NO_INDEX) {
        list_add(&classes[c].partial, &pg->list);
    }
    s.first = (uint16_t)(offset / class_size[c]);
    s.used--;
    slab_store(pg, s);
    if (s.used == 0) {
        if (classes[c].nr_empty > 0) {
            list_del(&pg->list);
            pg->free_order = 0;
            return pg;
        }
        classes[c].nr_empty++;
    }
    return NULL;
}

void heap_free(void *p)
{
    unsigned long flags;
    struct page *pg;
    struct slab s;

    if (p == NULL) {
        return;
    }
    pg = arch_virt_to_page(p);
    flags = spin_lock_irqsave(&heap_lock);
    s = slab_load(pg);
    BUG_ON(s.magic != SLAB_MAGIC);
    if (s.class_or_order & LARGE) {
        spin_unlock_irqrestore(&heap_lock, flags);
        pg->free_order = 0;
        page_free(pg, s.class_or_order & ~LARGE);
        return;
    }
    pg = slab_give(pg, s, p);
    spin_unlock_irqrestore(&heap_lock, flags);
    if (pg != NULL) {
        page_free(pg, 0);
    }
}

void *heap_alloc_pages(unsigned order)
{
    struct page *pg = page_alloc(order, NODE_ANY, WIDTH_ANY, 0);

    return pg == NULL ? NULL : arch_page_virt(pg);
}

void heap_free_pages(void *p, unsigned order)
{
    if (p != NULL) {
        page_free(arch_virt_to_page(p), order);
    }
}

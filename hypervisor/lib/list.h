/* SPDX-License-Identifier: MIT */
/*
 * Intrusive doubly linked ring. A list is a node that belongs to no element; an element carries
 * a node and is found from it by list_entry(). A node that is in no list may be initialised to
 * point to itself, and then list_empty() tells so.
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
    struct list_node *next, *prev;
};

#define LIST_INIT(name) {&(name), &(name)}
#define LIST_HEAD(name) struct list_node name = LIST_INIT(name)

static inline void list_init(struct list_node *l)
{
    l->next = l;
    l->prev = l;
}

static inline bool list_empty(const struct list_node *l)
{
    return l->next == l;
}

static inline void list_insert_between(struct list_node *n, struct list_node *prev,
                                       struct list_node *next)
{
    n->prev = prev;
    n->next = next;
    prev->next = n;
    next->prev = n;
}

/* At the front: after the head, or after any other node. */
static inline void list_add(struct list_node *l, struct list_node *n)
{
    list_insert_between(n, l, l->next);
}

/* At the end: before the head, or before any other node. */
static inline void list_add_tail(struct list_node *l, struct list_node *n)
{
    list_insert_between(n, l->prev, l);
}

/* Take out; the node then points to itself, so that a second removal does no harm. */
static inline void list_del(struct list_node *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}

static inline void list_move_tail(struct list_node *l, struct list_node *n)
{
    list_del(n);
    list_add_tail(l, n);
}

/* All of `from` goes to the end of `to`; `from` is empty afterwards. */
static inline void list_splice_tail(struct list_node *to, struct list_node *from)
{
    if (!list_empty(from)) {
        from->next->prev = to->prev;
        to->prev->next = from->next;
        from->prev->next = to;
        to->prev = from->prev;
        list_init(from);
    }
}

/* First or last node, NULL when the list is empty. */
static inline struct list_node *list_first(const struct list_node *l)
{
    return list_empty(l) ? NULL : l->next;
}

static inline struct list_node *list_last(const struct list_node *l)
{
    return list_empty(l) ? NULL : l->prev;
}

#define list_entry(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

#define list_first_entry(l, type, member) list_entry((l)->next, type, member)
#define list_last_entry(l, type, member)  list_entry((l)->prev, type, member)

#define list_for_each(n, l) for ((n) = (l)->next; (n) != (l); (n) = (n)->next)

#define list_for_each_entry(e, l, member)                                                          \
    for ((e) = list_entry((l)->next, __typeof__(*(e)), member); &(e)->member != (l);               \
         (e) = list_entry((e)->member.next, __typeof__(*(e)), member))

/* The body may take e out of the list or free it; t is the one after it. */
#define list_for_each_entry_safe(e, t, l, member)                                                  \
    for ((e) = list_entry((l)->next, __typeof__(*(e)), member),                                    \
        (t) = list_entry((e)->member.next, __typeof__(*(e)), member);                              \
         &(e)->member != (l);                                                                      \
         (e) = (t), (t) = list_entry((t)->member.next, __typeof__(*(e)), member))

#endif

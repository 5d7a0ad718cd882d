/* SPDX-License-Identifier: MIT */
/*
 * The small library: strings, formatted text, and a few helpers. It knows nothing of the
 * hypervisor and is compiled for the host by its tests. The other parts have headers of their
 * own: list.h, bitmap.h, rbtree.h, rangeset.h, cmdline.h, elf.h, decompress.h.
 */
#ifndef LIB_LIB_H
#define LIB_LIB_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)        (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)            ((a) < (b) ? (a) : (b))
#define MAX(a, b)            ((a) > (b) ? (a) : (b))
#define ROUND_UP(n, align)   (((n) + (align)-1) & ~((align)-1)) /* align: a power of two */
#define ROUND_DOWN(n, align) ((n) & ~((align)-1))
#define DIV_ROUND_UP(n, d)   (((n) + (d)-1) / (d))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* string.c, as in the C library */
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *what);

/* format.c: copies at most size - 1 bytes and always ends with NUL; returns strlen(src) */
size_t str_copy(char *dst, const char *src, size_t size);

/*
 * format.c: flags "-0+ #", width, precision, lengths hh h l ll z t j, conversions d i u x X o c s
 * p %. %p prints 16 hexadecimal digits; %pS adds the symbol if format_symbol_hook is set. They
 * write at most size bytes with the NUL and return the length that the whole text would have.
 */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
int snprintf(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* As snprintf, but returns what was really written, without the NUL. */
int scnprintf(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Name and offset of the function that holds addr, or NULL. Set once at boot. */
extern const char *(*format_symbol_hook)(uint64_t addr, uint64_t *offset);

/*
 * Number in the given base (0: by prefix 0x or 0). *end is set to the first character that is not
 * part of it, which equals s when there is none. Saturates at UINT64_MAX.
 */
uint64_t str_to_u64(const char *s, const char **end, unsigned base);

#endif

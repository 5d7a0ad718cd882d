/* SPDX-License-Identifier: MIT */
/*
 * printf without floating point. A conversion is parsed into struct spec; numbers are written
 * backwards into a small buffer and then padded. Output past the end of the buffer is counted
 * but not stored.
 */
#include "lib.h"

const char *(*format_symbol_hook)(uint64_t addr, uint64_t *offset);

struct out {
    char *buf;
    size_t size, len;
};

struct spec {
    bool left, zero, plus, space, alt;
    bool has_precision;
    int width, precision;
    char length; /* 'H' for hh, 'h', 'l' for 64 bits, 0 for int */
};

static void put(struct out *o, char c)
{
    if (o->len + 1 < o->size) {
        o->buf[o->len] = c;
    }
    o->len++;
}

static void pad(struct out *o, int count, char c)
{
    for (; count > 0; count--) {
        put(o, c);
    }
}

static void put_text(struct out *o, const struct spec *s, const char *text)
{
    size_t max = s->has_precision ? (size_t)s->precision : SIZE_MAX, len = 0;

    if (!text) {
        text = "(null)";
    }
    while (len < max && text[len] != '\0') {
        len++;
    }
    if (!s->left) {
        pad(o, s->width - (int)len, ' ');
    }
    for (size_t i = 0; i < len; i++) {
        put(o, text[i]);
    }
    if (s->left) {
        pad(o, s->width - (int)len, ' ');
    }
}

/* sign: 0 or the character before the digits */
static void put_number(struct out *o, const struct spec *s, uint64_t n, char conv, char sign)
{
    const char *digits = conv == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    unsigned base = conv == 'x' || conv == 'X' ? 16 : conv == 'o' ? 8 : 10;
    const char *prefix = s->alt && n != 0 && base == 16 ? (conv == 'X' ? "0X" : "0x") : "";
    char tmp[24];
    int len = 0, zeros, total;

    for (; n != 0; n /= base) {
        tmp[len++] = digits[n % base];
    }
    if (len == 0 && !(s->has_precision && s->precision == 0)) {
        tmp[len++] = '0';
    }
    zeros = s->has_precision ? s->precision - len : 0;
    zeros = MAX(zeros, 0);
    total = len + zeros + (sign != 0) + (*prefix ? 2 : 0);
    if (s->zero && !s->left && !s->has_precision && s->width > total) {
        zeros = s->width - total;
        total = s->width;
    }
    if (!s->left) {
        pad(o, s->width - total, ' ');
    }
    if (sign) {
        put(o, sign);
    }
    while (*prefix) {
        put(o, *prefix++);
    }
    pad(o, zeros, '0');
    while (len > 0) {
        put(o, tmp[--len]);
    }
    if (s->left) {
        pad(o, s->width - total, ' ');
    }
}

static void put_signed(struct out *o, const struct spec *s, int64_t n)
{
    char sign = n < 0 ? '-' : s->plus ? '+' : s->space ? ' ' : 0;

    put_number(o, s, n < 0 ? 0 - (uint64_t)n : (uint64_t)n, 'd', sign);
}

/* %p, or %pS with name+offset behind it; returns how many characters of fmt that took */
static int put_pointer(struct out *o, const struct spec *s, uint64_t addr, const char *fmt)
{
    const struct spec hex = {.precision = 16, .has_precision = true};
    const struct spec text = {.width = 0};
    const struct spec small = {.alt = true};
    const char *name;
    uint64_t offset = 0;

    (void)s;
    put_number(o, &hex, addr, 'x', 0);
    if (*fmt != 'S') {
        return 0;
    }
    name = format_symbol_hook ? format_symbol_hook(addr, &offset) : NULL;
    if (name) {
        put(o, ' ');
        put_text(o, &text, name);
        put(o, '+');
        put_number(o, &small, offset, 'x', 0);
    }
    return 1;
}

static const char *parse_number(const char *fmt, int *n, va_list *ap)
{
    *n = 0;
    if (*fmt == '*') {
        *n = va_arg(*ap, int);
        return fmt + 1;
    }
    while (*fmt >= '0' && *fmt <= '9' && *n < 100000) {
        *n = *n * 10 + (*fmt++ - '0');
    }
    return fmt;
}

static const char *parse_spec(const char *fmt, struct spec *s, va_list *ap)
{
    for (;; fmt++) {
        if (*fmt == '-') {
            s->left = true;
        } else if (*fmt == '0') {
            s->zero = true;
        } else if (*fmt == '+') {
            s->plus = true;
        } else if (*fmt == ' ') {
            s->space = true;
        } else if (*fmt == '#') {
            s->alt = true;
        } else {
            break;
        }
    }
    fmt = parse_number(fmt, &s->width, ap);
    if (s->width < 0) {
        s->left = true;
        s->width = -s->width;
    }
    if (*fmt == '.') {
        fmt = parse_number(fmt + 1, &s->precision, ap);
        s->has_precision = s->precision >= 0;
    }
    if (fmt[0] == 'h' && fmt[1] == 'h') {
        s->length = 'H';
        return fmt + 2;
    }
    if (*fmt == 'h') {
        s->length = 'h';
        return fmt + 1;
    }
    while (*fmt == 'l' || *fmt == 'z' || *fmt == 't' || *fmt == 'j') {
        s->length = 'l';
        fmt++;
    }
    return fmt;
}

static int64_t get_signed(const struct spec *s, va_list *ap)
{
    int n;

    if (s->length == 'l') {
        return va_arg(*ap, int64_t);
    }
    n = va_arg(*ap, int);
    return s->length == 'H' ? (signed char)n : s->length == 'h' ? (short)n : n;
}

static uint64_t get_unsigned(const struct spec *s, va_list *ap)
{
    unsigned n;

    if (s->length == 'l') {
        return va_arg(*ap, uint64_t);
    }
    n = va_arg(*ap, unsigned);
    return s->length == 'H' ? (unsigned char)n : s->length == 'h' ? (unsigned short)n : n;
}

/* One conversion; fmt stands behind the '%'. Returns what follows it. */
static const char *convert(struct out *o, const char *fmt, va_list *ap)
{
    struct spec s = {.width = 0};
    char one[2] = {0, 0};

    fmt = parse_spec(fmt, &s, ap);
    switch (*fmt) {
    case 'd':
    case 'i':
        put_signed(o, &s, get_signed(&s, ap));
        break;
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        put_number(o, &s, get_unsigned(&s, ap), *fmt, 0);
        break;
    case 'p':
        return fmt + 1 + put_pointer(o, &s, (uintptr_t)va_arg(*ap, void *), fmt + 1);
    case 's':
        put_text(o, &s, va_arg(*ap, const char *));
        break;
    case 'c':
        one[0] = (char)va_arg(*ap, int);
        put_text(o, &s, one);
        break;
    case '\0':
        return fmt;
    default: /* "%%", and what we do not know is shown as it stands */
        put(o, *fmt);
        break;
    }
    return fmt + 1;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct out o = {buf, size, 0};
    va_list args;

    va_copy(args, ap);
    while (*fmt != '\0') {
        if (*fmt == '%') {
            fmt = convert(&o, fmt + 1, &args);
        } else {
            put(&o, *fmt++);
        }
    }
    va_end(args);
    if (size > 0) {
        buf[MIN(o.len, size - 1)] = '\0';
    }
    return (int)o.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    if (size == 0) {
        return 0;
    }
    return (size_t)n < size ? n : (int)size - 1;
}

size_t str_copy(char *dst, const char *src, size_t size)
{
    size_t len = strlen(src);

    if (size > 0) {
        size_t n = MIN(len, size - 1);

        memcpy(dst, src, n);
        dst[n] = '\0';
    }
    return len;
}

static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    c |= 0x20;
    return c >= 'a' && c <= 'z' ? (unsigned)(c - 'a') + 10 : 99;
}

uint64_t str_to_u64(const char *s, const char **end, unsigned base)
{
    bool prefixed = s[0] == '0' && (s[1] | 0x20) == 'x' && digit_value(s[2]) < 16;
    uint64_t n = 0;
    bool overflow = false;

    if (prefixed && (base == 0 || base == 16)) {
        s += 2;
        base = 16;
    } else if (base == 0) {
        base = s[0] == '0' ? 8 : 10;
    }
    for (; digit_value(*s) < base; s++) {
        overflow |= __builtin_mul_overflow(n, base, &n);
        overflow |= __builtin_add_overflow(n, digit_value(*s), &n);
    }
    if (end) {
        *end = s;
    }
    return overflow ? UINT64_MAX : n;
}

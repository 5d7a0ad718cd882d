/* SPDX-License-Identifier: MIT */
/* Our memory and string functions (renamed hv_*) against those of the host, with random input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void *hv_memcpy(void *dst, const void *src, size_t n);
void *hv_memmove(void *dst, const void *src, size_t n);
void *hv_memset(void *dst, int c, size_t n);
int hv_memcmp(const void *a, const void *b, size_t n);
void *hv_memchr(const void *s, int c, size_t n);
size_t hv_strlen(const char *s);
size_t hv_strnlen(const char *s, size_t max);
int hv_strcmp(const char *a, const char *b);
int hv_strncmp(const char *a, const char *b, size_t n);
char *hv_strchr(const char *s, int c);
char *hv_strrchr(const char *s, int c);
char *hv_strstr(const char *s, const char *what);

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static void fill(char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        b[i] = (char)('a' + rand() % 3);
    }
    b[n - 1] = '\0';
}

static void memory_functions_equal_the_hosts(void **state)
{
    char a[100], b[100];

    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t from = (size_t)rand() % 40, to = (size_t)rand() % 40, n = (size_t)rand() % 60;

        fill(a, sizeof(a));
        memcpy(b, a, sizeof(b));
        assert_ptr_equal(hv_memmove(a + to, a + from, n), a + to);
        memmove(b + to, b + from, n);
        assert_memory_equal(a, b, sizeof(a));
        hv_memset(a + from, 'x', n);
        memset(b + from, 'x', n);
        assert_memory_equal(a, b, sizeof(a));
        fill(b, sizeof(b));
        assert_int_equal(sign(hv_memcmp(a, b + to, n)), sign(memcmp(a, b + to, n)));
        assert_ptr_equal(hv_memchr(b, 'b', n), memchr(b, 'b', n));
        hv_memcpy(a + 60, b, to);
        assert_memory_equal(a + 60, b, to);
    }
}

static void string_functions_equal_the_hosts(void **state)
{
    char a[16], b[4];

    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t n = (size_t)rand() % sizeof(a);

        fill(a, 1 + (size_t)rand() % sizeof(a));
        fill(b, 1 + (size_t)rand() % sizeof(b));
        assert_int_equal(hv_strlen(a), strlen(a));
        assert_int_equal(hv_strnlen(a, n), strnlen(a, n));
        assert_int_equal(sign(hv_strcmp(a, b)), sign(strcmp(a, b)));
        assert_int_equal(sign(hv_strncmp(a, b, n)), sign(strncmp(a, b, n)));
        assert_ptr_equal(hv_strchr(a, 'b'), strchr(a, 'b'));
        assert_ptr_equal(hv_strchr(a, 0), strchr(a, 0));
        assert_ptr_equal(hv_strrchr(a, 'b'), strrchr(a, 'b'));
        assert_ptr_equal(hv_strstr(a, b), strstr(a, b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_functions_equal_the_hosts),
        cmocka_unit_test(string_functions_equal_the_hosts),
    };

    return cmocka_run_group_tests_name("string", tests, NULL, NULL);
}

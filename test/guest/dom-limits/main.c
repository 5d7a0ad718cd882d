/* SPDX-License-Identifier: MIT */
/*
 * dom-limits: as many domains and vcpus as the README promises, and one more.
 *
 * Why: a limit that is not tested is a crash that waits for the first big host.
 * Right outcome: 64 vcpus, and 4,096 domains with a vcpu and a page each, dom0 among them; one
 * vcpu more is -EINVAL, one domain more -ENOMEM, a number in use -EEXIST; all go again, and the
 * machine's free memory is what it was.
 * Boot: --mem 4096 --timeout 240
 * Xen: skip its limits are others: 32,752 domains, 8,192 vcpus
 * Environments: pv
 */
#include "child.h"

#define MOST_DOMAINS 4096
#define MOST_VCPUS   64

static domid_t ids[MOST_DOMAINS + 1];

static void test_vcpus(void)
{
    domid_t id = 0;

    CHECK_EQ(domain_create(&id, MOST_VCPUS + 1), E_INVAL);
    CHECK_EQ(domain_create(&id, 0), E_INVAL);
    CHECK_EQ(domain_create(&id, MOST_VCPUS), 0);
    CHECK_EQ(domain_vcpus(id, MOST_VCPUS), 0);
    CHECK_EQ(domain_vcpus(id, MOST_VCPUS + 1), E_INVAL);
    CHECK_EQ(domain_create(&id, 1), E_EXIST);
    CHECK_EQ(domain_destroy(id), 0);
}

static void test_domains(void)
{
    uint64_t start = now(), made, gone;
    unsigned n = 0, max;
    uint64_t mfn;
    domid_t extra = 0;
    long rc = 0;

    for (; n < ARRAY_SIZE(ids); n++) {
        ids[n] = 0;
        rc = domain_create(&ids[n], 1);
        if (rc != 0) {
            break;
        }
        CHECK_EQ(domain_vcpus(ids[n], 1), 0);
        CHECK_EQ(domain_max_kib(ids[n], 64), 0);
        CHECK_EQ(domain_populate(ids[n], 0, 1, &mfn), 0);
    }
    made = now();
    print("%u domains in %lu ms, then %ld\n", n, (made - start) / 1000000, rc);
    CHECK_EQ(rc, E_NOMEM);
    CHECK_EQ(domain_count(), MOST_DOMAINS);
    CHECK_EQ(n, MOST_DOMAINS - 1);
    CHECK_EQ(domain_create(&extra, 1), E_NOMEM);
    max = n;
    for (n = 0; n < max; n++) {
        CHECK_EQ(domain_simple(XEN_DOMCTL_destroydomain, ids[n]), 0);
    }
    for (n = 0; domain_count() != 1 && n < 1000; n++) {
        sleep_ms(5);
    }
    gone = now();
    CHECK_EQ(domain_count(), 1);
    print("destroyed in %lu ms\n", (gone - made) / 1000000);
}

enum verdict guest_main(void)
{
    uint64_t before;

    test_vcpus();
    before = free_pages();
    test_domains();
    CHECK(free_pages_reach(before - 8 * HEAP_SLACK)); /* the heap keeps some */
    test_domains();
    CHECK(free_pages_reach(before - 8 * HEAP_SLACK));
    return SUCCESS;
}

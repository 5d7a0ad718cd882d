/* SPDX-License-Identifier: MIT */
/*
 * The life of a guest in one screen: lifecycle CONFIG creates it, lists all domains, asks it to
 * shut down, waits and removes it.
 *
 *   cc lifecycle.c $(pkg-config --cflags --libs libctrl) -o lifecycle
 */
#include <ctrl.h>

#include <stdio.h>
#include <stdlib.h>

static int list(struct ctrl *h)
{
    struct ctrl_domain_info *domains;
    size_t count;
    int rc = ctrl_domain_list(h, &domains, &count);

    if (rc < 0) {
        return rc;
    }
    for (size_t i = 0; i < count; i++) {
        char *name = NULL;

        if (ctrl_domain_name(h, domains[i].domid, &name) < 0) {
            name = NULL;
        }
        printf("%5u %-20s %6llu MiB %.1f s\n", domains[i].domid, name != NULL ? name : "-",
               (unsigned long long)domains[i].tot_pages >> 8,
               (double)domains[i].cpu_time_ns / 1e9);
        free(name);
    }
    free(domains);
    return 0;
}

static int live(struct ctrl *h, const char *path)
{
    struct ctrl_domain_info info;
    struct ctrl_config *config;
    uint32_t domid;
    int rc = ctrl_config_parse_file(h, path, NULL, &config);

    if (rc < 0) {
        return rc;
    }
    rc = ctrl_create(h, config, NULL, &domid);
    ctrl_config_free(config);
    if (rc < 0) {
        return rc;
    }
    printf("created domain %u\n", domid);
    rc = list(h);
    if (rc == 0) {
        rc = ctrl_domain_shutdown(h, domid);
    }
    if (rc == 0 && ctrl_domain_wait(h, domid, 60000, &info) == 0) {
        printf("domain %u has shut down, reason %u\n", domid, info.shutdown_reason);
    }
    if (ctrl_domain_destroy(h, domid) == 0) {
        printf("destroyed domain %u\n", domid);
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct ctrl *h;
    int rc;

    if (argc != 2) {
        fprintf(stderr, "usage: %s CONFIG\n", argv[0]);
        return 2;
    }
    if (ctrl_open(&h) < 0) {
        fprintf(stderr, "out of memory\n");
        return 1;
    }
    rc = live(h, argv[1]);
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", argv[0], ctrl_error(h));
    }
    ctrl_close(h);
    return rc < 0 ? 1 : 0;
}

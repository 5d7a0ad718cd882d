/* SPDX-License-Identifier: MIT */
/*
 * The store's daemon against input of the store's wire. The input is a list of messages, each with
 * a sender (dom0, two guests), a type, a transaction and a payload; one kind of message is raw
 * bytes. In the end all accounts must be back to nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "store/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct peer *peers[3];

/* Replies and events are of no interest: they only must not fill the room. */
static void forget_output(void)
{
    for (int i = 0; i < 3; i++) {
        peers[i]->from_start = peers[i]->from_end = 0;
    }
}

static size_t step(const uint8_t *data, size_t size)
{
    struct peer *p = peers[data[0] % 3];
    size_t length = data[3] < size - 4 ? data[3] : size - 4;

    if (!p->conn) {
        return size; /* it broke the protocol */
    }
    if (data[0] & 0x80) {
        peer_send(p, data + 4, length);
    } else {
        peer_request(p, data[1] % 25, data[2] % 8, data + 4, length);
    }
    p->room = data[0] & 0x40 ? 0 : SIZE_MAX;
    run();
    forget_output();
    return 4 + length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool quiet;

    if (!quiet) {
        quiet = log_open("/dev/null", true);
    }
    store_setup(NULL);
    for (uint32_t i = 0; i < 3; i++) {
        peers[i] = peer_new(i);
    }
    put(peers[0], 0, "/local/domain/1/x", "1");
    put(peers[0], 0, "/local/domain/2/x", "1");
    chmod_node(peers[0], "/local/domain/1", "b1", "r2");
    chmod_node(peers[0], "/local/domain/2", "b2", "r1");
    while (size >= 4) {
        size_t used = step(data, size);

        data += used;
        size -= used;
    }
    if (store_teardown(NULL) != 0) {
        abort();
    }
    return 0;
}

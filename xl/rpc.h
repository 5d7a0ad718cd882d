/* SPDX-License-Identifier: MIT */
/*
 * What ctl and ctld say to each other. A request is one line of JSON, an answer another:
 *
 *   {"call": "status"}                                  {"ok": true, "pid": ..., "domains": [...]}
 *   {"call": "console", "domid": N, "from": OFFSET}     {"ok": true, "at": OFFSET}
 *   {"call": "console", "domid": N, "last": BYTES}
 *   {"call": "history", "domain": "NAME or N"}          {"ok": true, "at": OFFSET}
 *   anything that fails                                 {"ok": false, "error": "..."}
 *
 * After the answer to `console` the connection carries the console itself, raw in both directions,
 * until the guest has ended; after `history` it carries what is kept, and ends. OFFSET counts the
 * bytes that the guest has written since it was made, so that a client which was cut off (ctld was
 * restarted) goes on where it was.
 */
#ifndef XL_RPC_H
#define XL_RPC_H

#define RPC_SOCKET "/run/bonsai/ctld.sock"
#define RPC_LINE_LIMIT 4096

#endif

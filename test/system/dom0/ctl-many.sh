# SPDX-License-Identifier: MIT
# Arguments: how often with a tiny kernel, how often with Debian's.
. /files/helpers
tiny t >/tmp/t.cfg
config d >/tmp/d.cfg

descriptors() {
    ls /proc/$(pidof ctld)/fd | wc -l
}

# often COUNT CONFIG NAME
often() {
    count=$1
    while [ $count -gt 0 ]; do
        count=$((count - 1))
        ctl create -p -q $2 || { bad "create $3, $count to go"; return; }
        ctl destroy $3 || { bad "destroy $3, $count to go"; return; }
    done
}

start=$(cut -d. -f1 /proc/uptime)
took() {
    echo "$1: $(($(cut -d. -f1 /proc/uptime) - start)) s; free $(free_mib) MiB, $(nodes) nodes," \
        "$(descriptors) descriptors"
}

# Once each first: a cache is filled, a history is made.
often 1 /tmp/t.cfg t
often 1 /tmp/d.cfg d
soon 10 gone t
soon 10 gone d
sleep 3
whole
before=$(descriptors)
as_it_was() { as_before && [ "$(descriptors)" = "$before" ]; }
took before
often "$1" /tmp/t.cfg t
soon 15 as_it_was
took "$1 times a tiny kernel"
often "$2" /tmp/d.cfg d
soon 15 as_it_was
took "$2 times Debian's kernel"
finish

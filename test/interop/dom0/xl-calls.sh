#!/bin/sh
# SPDX-License-Identifier: MIT
# One script of calls of Debian's Xen tools; test/interop/xl compares what they answer on two
# hypervisors. Each call prints a line `### NAME`, its output and its errors, and `=> STATUS`.
# What only waits, or prepares, prints nothing.
PATH=$PATH:/usr/lib/xen-4.17/bin
config=/root/calls.cfg

say() {
    echo "### $*"
}

# call COMMAND…: the command, its output, then its errors, then its status.
call() {
    say "$*"
    timeout 90 "$@" >/tmp/stdout 2>/tmp/stderr </dev/null
    status=$?
    cat /tmp/stdout /tmp/stderr
    echo "=> $status"
}

# size COMMAND…: output that is the hypervisor's own words: only that there is some, and the status.
size() {
    say "$*"
    timeout 90 "$@" >/tmp/stdout 2>/tmp/stderr </dev/null
    status=$?
    cat /tmp/stderr
    [ -s /tmp/stdout ] && echo "some output" || echo "no output"
    echo "=> $status"
}

# within SECONDS COMMAND…: wait until it succeeds.
within() {
    tries=$(($1 * 5))
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || { echo "waited in vain for: $*"; return 1; }
        sleep 0.2
    done
}

# The guest's console: what it says is kept. xl reads keys from a terminal alone, so they are typed
# into the pseudo terminal whose name the daemon puts into the store.
console_open() {
    : >/tmp/console
    xl console calls </dev/null >/tmp/console 2>&1 &
}

seen() {
    grep -qa "$1" /tmp/console
}

gone() {
    ! xl domid calls
}

state() {
    xl list calls | tail -n 1 | awk '{ print $5 }' | grep -q "$1"
}

# in_guest WORD COMMAND: type a command that prints WORD-42, without that being what is typed.
in_guest() {
    tty=$(xenstore-read "/local/domain/$(xl domid calls)/console/tty")
    printf '%s && echo %s-$((40+2))\n' "$2" "$1" >"$tty"
    within 60 seen "^$1-42" && echo "guest: $1"
}

write_config() {
    cat >$config <<END
name = "calls"
uuid = "5c3d8a42-0000-4000-8000-000000000001"
type = "pv"
kernel = "/usr/share/bonsai/vmlinuz"
ramdisk = "/usr/share/bonsai/initrd"
extra = "console=hvc0 hello word=calls shell"
memory = 128
maxmem = 160
vcpus = 2
END
}

part_host() {
    call xl info
    call xl info -n
    call xl info xen_major
    call xl info no_such_key
    call xl list
    call xl list -v
    call xl list -l
    call xl list -n
    call xl list nobody
    call xl vcpu-list
    call xl vcpu-list 0
    call xl vcpu-pin 0 0 all
    call xl vcpu-pin 0 0 1
    call xl vcpu-list 0
    call xl vcpu-pin 0 0 all all
    call xl vcpu-pin 0 9 0
    call xl vcpu-pin 0 0 99
    call xl vcpu-set 0 1
    sleep 1
    call xl vcpu-set 0 2
    call xl mem-max 0 512
    call xl sched-credit2
    call xl sched-credit2 -d 0
    call xl sched-credit2 -d 0 -w 512
    call xl sched-credit2 -d 0
    call xl sched-credit2 -d 0 -c 50
    call xl sched-credit2 -d 0 -w 256 -c 0
    call xl sched-credit2 -s
    call xl sched-credit2 -s -r 2000
    call xl sched-credit2 -s -r 1
    call xl sched-credit2 -d 0 -w 0
    call xl sched-credit -d 0
    call xl sched-rtds
    call xl cpupool-list
    call xl cpupool-list -c
    call xl cpupool-list no-pool
    call xl cpupool-migrate 0 Pool-0
    call xl cpupool-rename Pool-0 Other
    call xl cpupool-rename Other Pool-0
    call xl cpupool-destroy Pool-0
    call xl uptime
    call xl uptime -s
    call xl claims
    call xl vm-list
    call xl sharing
    call xl domid Domain-0
    call xl domid nobody
    call xl domname 0
    call xl domname 77
    size xl dmesg
    size xl debug-keys h
    call xl debug-keys hqrt
    size xl dmesg -c
    size xl dmesg
    call xl debug-keys ''
    call xl getenforce
    call xl psr-hwinfo
    call xl pci-assignable-list
    call xl shutdown 0
    call xl destroy 0
    call xl pause nobody
    call xl save nobody /tmp/save
    call xl console nobody
    call xentop -b -i 1
    call xen-cpuid
    call lsevtchn 0
    call lsevtchn 99
    call xenpm get-cpu-topology
    call xen-hptool cpu-online 1
    call xen-hptool cpu-offline 0
    call xen-hptool cpu-offline 99
    call xen-diag gnttab_query_size 0
    call xenlockprof
    call xenperf
    call xen-detect
}

part_store() {
    call xenstore-write /calls/one first /calls/two second
    call xenstore-read /calls/one
    call xenstore-read -p /calls/one /calls/two
    call xenstore-list /calls
    call xenstore-list -p /calls
    call xenstore-ls /calls
    call xenstore-ls -fp /calls
    call xenstore-exists /calls/one
    call xenstore-exists /calls/three
    call xenstore-chmod /calls/one n0 r1
    call xenstore-ls -p /calls
    call xenstore-read /calls/three
    call xenstore-rm /calls/one
    call xenstore-rm -t /calls
    call xenstore-list /
    call xenstore-watch -n 1 /calls
    call xenstore-ls -f /local/domain/0
    call xenstore-control check
}

part_fail() {
    write_config
    call xl create -q $config "type='pvh'"
    call xl create -q $config "type='hvm'"
    call xl create -q $config "kernel='/no/such/kernel'"
    call xl create -q $config "kernel='/etc/passwd'"
    call xl create -q $config "ramdisk='/no/such/ramdisk'"
    call xl create -q $config "memory=100000"
    call xl create -q $config "pool='none'"
    call xl create /no/such/config
    call xl create -n -q $config
    call xl list
}

part_life() {
    write_config
    call xl create -p $config
    call xl list calls
    call xl list -l calls
    call xl vcpu-list calls
    call xl create -q $config
    call xl unpause calls
    console_open
    within 90 seen '^word calls'
    echo "guest: $(grep -a '^word' /tmp/console)"
    call xl list calls
    call xl uptime calls
    in_guest uname "uname -s"
    call xl pause calls
    call xl list calls
    call xl pause calls
    call xl unpause calls
    call xl unpause calls
    call xl rename calls other
    call xl list other
    call xl rename other calls
    call xl vcpu-list calls
    call xl vcpu-pin calls all 0
    call xl vcpu-pin calls 1 1 all
    call xl vcpu-list calls
    call xl vcpu-pin calls all all all
    call xl vcpu-set calls 1
    in_guest onecpu 'sleep 2; [ $(nproc) = 1 ]'
    call xl vcpu-list calls
    call xl vcpu-set calls 2
    in_guest twocpus 'sleep 2; echo 1 >/sys/devices/system/cpu/cpu1/online; [ $(nproc) = 2 ]'
    call xl vcpu-list calls
    call xl vcpu-set calls 5
    call xl mem-set calls 100
    within 60 sh -c "xl list calls | grep -q ' 100 '"
    call xl list calls
    call xl mem-set calls 128
    within 60 sh -c "xl list calls | grep -q ' 128 '"
    call xl mem-set calls 300
    call xl mem-max calls 10
    call xl mem-max calls 160
    call xl sched-credit2 -d calls
    call xl sched-credit2 -d calls -w 300 -c 80
    call xl sched-credit2
    call xl sched-credit2 -d calls -c 0
    call xl cpupool-list
    call xl cpupool-migrate calls Pool-0
    call xentop -b -i 1
    call lsevtchn 1
    call xenstore-ls -f /local/domain/1
    call xl trigger calls nmi 0
    in_guest nmi true
    call xl trigger calls nmi 9
    call xl trigger calls power
    call xl trigger calls reset
    call xl trigger calls init
    call xl trigger calls s3resume
    call xl debug-keys q
    call xl block-list calls
    call xl network-list calls
    call xl dump-core calls /tmp/core
    say core
    ls -l /tmp/core | awk '{ print ($5 > 120000000), ($5 < 180000000) }'
    od -A n -N 20 -t x1 /tmp/core
    echo "=> 0"
    rm -f /tmp/core
    call xl list calls
    old=$(xl domid calls)
    call xl reboot calls
    within 90 sh -c "[ \$(xl domid calls) -gt $old ]"
    console_open
    within 90 seen '^word calls'
    echo "guest: $(grep -a '^word' /tmp/console | tail -n 1)"
    call xl list calls
    call xl shutdown -w calls
    within 30 gone
    call xl list
    call xl create -q $config "extra='console=hvc0 crash'" "on_crash='preserve'"
    within 90 state c
    call xl list calls
    call xl destroy calls
    call xl list
    call xenstore-list /local/domain
}

list_devices() {
    call xl block-list calls
    call xl network-list calls
}

part_devices() {
    for n in 1 2; do
        dd if=/dev/zero of=/tmp/disk$n.img bs=1M count=8 2>/dev/null
    done
    ip link add xenbr0 type bridge
    ip addr add 10.9.0.1/24 dev xenbr0
    ip link set xenbr0 up
    write_config
    cat >>$config <<END
disk = [ 'file:/tmp/disk1.img,xvda,w' ]
vif = [ 'mac=00:16:3e:00:00:01,bridge=xenbr0' ]
extra = "console=hvc0 fsync=xvda addr=10.9.0.2/24 ping=10.9.0.1 word=calls shell"
END
    call xl create $config
    console_open
    within 120 seen '^word calls'
    say "guest's devices"
    grep -aE '^(fsync|ping|word) ' /tmp/console
    echo "=> 0"
    list_devices
    call xl list -l calls
    call xl block-attach calls file:/tmp/disk2.img,xvdb,w
    in_guest attached 'sleep 2; [ "$(cat /sys/block/xvdb/size)" = 16384 ]'
    call xl block-attach calls file:/tmp/disk2.img,xvdb,w
    call xl block-attach calls file:/no/such/file,xvdc,w
    call xl network-attach calls mac=00:16:3e:00:00:02 bridge=xenbr0
    in_guest second 'sleep 2; [ -e /sys/class/net/eth1 ]'
    call xl network-attach calls mac=nonsense
    list_devices
    call xentop -b -i 1 -n
    call xl block-detach calls xvdb
    in_guest detached 'sleep 1; [ ! -e /sys/block/xvdb ]'
    call xl block-detach calls xvdz
    call xl network-detach calls 1
    in_guest first 'sleep 1; [ ! -e /sys/class/net/eth1 ]'
    call xl network-detach calls 7
    list_devices
    call xl save calls /tmp/saved
    within 30 gone
    say saved
    head -c 16 /tmp/saved
    echo
    echo "=> 0"
    call xl list
    call xl restore /no/such/file
    call xl restore /etc/passwd
    call xl restore /tmp/saved
    rm -f /tmp/saved
    console_open
    in_guest restored 'dd if=/dev/xvda of=/dev/null bs=64k count=16 2>/dev/null'
    in_guest network 'ping -c 2 10.9.0.1 >/dev/null'
    call xl list calls
    call xl vcpu-list calls
    list_devices
    call xl save -c calls /tmp/saved
    rm -f /tmp/saved
    in_guest resumed 'ping -c 2 10.9.0.1 >/dev/null'
    call xl list calls
    call xl migrate calls localhost
    call xl destroy calls
    within 30 gone
    call xl list
    call losetup -a
    say ports
    ls /sys/class/net/xenbr0/brif
    echo "=> 0"
    call xenstore-list /local/domain/0/backend/vbd
}

for part in "$@"; do
    "part_$part"
done
cp /tmp/console /out/guest.txt 2>/dev/null
exit 0

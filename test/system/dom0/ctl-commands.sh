# SPDX-License-Identifier: MIT
# Every command of ctl, once with what it is for and once with what it must refuse.
. /files/helpers

# Before any guest: the table's bytes, info, usage.
want 0 ctl list
has "^Name                                        ID   Mem VCPUs${T}State${T}Time\(s\)\$"
has '^Domain-0 {37}0 +[0-9]+ +[0-9]+     [-rb]{2}----  +[0-9]+\.[0-9]$'
is "$(echo "$text" | sed 1d | awk '{print NF}')" 6 "fields of a row"
for key in total_memory free_memory nr_cpus xen_major xen_minor; do
    want 0 ctl info $key
    has '^[0-9]+$'
done
want 0 ctl info
has '^host                   : dom0$'
has '^xen_version            : 4\.17'
want 0 ctl info --json
has '"nr_cpus": 2'
want 1 ctl info nothing_like_that
want 0 ctl version
want 0 ctl help
has ' create '
want 0 ctl help create
has 'paused'
want 0 ctl help memory
want 1 ctl no-such-command
has 'no command'
want 2 ctl create --no-such-option
want 2 ctl domid
has 'an argument is missing'
want 2 ctl pause a b c
has 'too many arguments'

# A paused guest of two vcpus.
config one 'vcpus = 2' 'maxvcpus = 2' 'extra = "console=hvc0 hello word=one shell"' >/tmp/one.cfg
want 0 ctl create -n -q /tmp/one.cfg
has '"name": "one"'
hasnt 'Parsing'
want 0 ctl create -p /tmp/one.cfg
has '^Parsing config from /tmp/one.cfg$'
want 0 ctl list one
has '^one +[0-9]+ +12[0-9] +1     --p---  +0\.0$'
want 1 ctl list nobody
has "^Error: Domain 'nobody' does not exist\.$"
is "$(ls /var/cache/bonsai/*.elf | wc -l)" 1 "unpacked kernels that are kept"
id=$(ctl domid one)
want 0 ctl domname "$id"
is "$text" one domname
want 1 ctl domid nobody
has 'nobody is an invalid domain identifier \(rc=-6\)'
want 1 ctl domname 77
want 0 ctl list --json
has '"name": "one"'
has '"state": "--p---"'
want 0 ctl list -l one
has '"domid": [0-9]+'
has '"name": "one"'
want 0 ctl list -v
has ' [0-9a-f]{8}-[0-9a-f]{4}-'
want 0 ctl vm-list
has "^UUID +ID    name"
has "^[0-9a-f-]{36}  $id    one +\$"
want 0 ctl list-vm --json
has '"name": "one"'

# Follow the console from its first line, with closed input.
ctl console one </dev/null >/out/one.txt 2>/dev/null &
reader=$!
want 0 ctl unpause one
soon 90 said /out/one.txt 'hello from Linux .* 2 processors'
soon 30 said /out/one.txt 'word one'
soon 10 in_state one '^[-rb][-rb]----$'
want 0 ctl pause one
soon 5 in_state one p
want 0 ctl unp one
soon 5 in_state one '^[-rb][-rb]----$'

# vcpus.
want 0 ctl vcpu-list one
has '^Name +ID +VCPU +CPU State +Time\(s\) Affinity \(Hard / Soft\)$'
is "$(echo "$text" | sed 1d | wc -l)" 2 "rows of vcpu-list"
has '^one +[0-9]+ +0 +[01] +[-r][-b]- +[0-9]+\.[0-9]  all / all$'
want 0 ctl vcpu-pin one 1 1
want 0 ctl vcpu-list one
has '^one +[0-9]+ +1 +1 +[-r][-b]- +[0-9.]+  1 / all$'
want 0 ctl vcpu-pin one all 0 1
want 0 ctl vcpu-list one --json
has '"hard_affinity": "0"'
has '"soft_affinity": "1"'
want 0 ctl vcpu-pin one all all all
want 2 ctl vcpu-pin one 7 0
want 1 ctl vcpu-pin one 0 nonsense
offline() { ctl vcpu-list one | grep -Eq '^one +[0-9]+ +1 +- +--p '; }
online() { ! offline; }
want 0 ctl vcpu-set one 1
soon 40 offline
# Linux only offers a vcpu that is back; to use it is a decision of the guest's user space.
want 0 ctl vcpu-set one 2
offered() {
    type_in one 'echo 1 >/sys/devices/system/cpu/cpu1/online'
    online
}
soon 20 offered
want 2 ctl vcpu-set one 3

# Memory: the guest's balloon follows, to within a MiB.
mem_is() { m=$(ctl list one | awk 'NR == 2 { print $3 }'); [ "$m" -ge "$1" ] && [ "$m" -le "$2" ]; }
want 0 ctl mem-set one 100
soon 40 mem_is 98 101
want 0 ctl mem-set one 131072k
soon 40 mem_is 126 129
want 2 ctl mem-set one plenty
want 0 ctl mem-max one 128
want 1 ctl mem-set one 4096

# Scheduling.
want 0 ctl sched-credit2 -d one -w 512 -c 50
want 0 ctl sched-credit2 -d one
has '^Name +ID +Weight +Cap$'
has '^one +[0-9]+ +512 +50$'
want 0 ctl sched-credit2
has '^Cpupool Pool-0: ratelimit=[0-9]+us$'
has '^Domain-0 +0 +256 +0$'
want 0 ctl sched-credit2 -d one -w 256 -c 0
want 2 ctl sched-credit2 -d one -w 0

# The hypervisor's log, keys, uptime.
want 0 ctl dmesg
has .
want 0 ctl debug-keys h
want 0 ctl dmesg
has "'h'|key"
want 0 ctl uptime
has '^Name +ID Uptime$'
has '^one +[0-9]+  [0-9]:[0-9]{2}:[0-9]{2}$'
want 0 ctl uptime -s one
has 'up  ?[0-9]+:[0-9]{2}, one \([0-9]+\)$'

# Signals to the guest.
want 0 ctl sysrq one h
soon 30 said /out/one.txt 'sysrq'
want 2 ctl sysrq one help
want 0 ctl trigger one nmi
soon 30 said /out/one.txt 'NMI'
want 2 ctl trigger one nonsense

# Names.
want 0 ctl rename one uno
want 0 ctl domid uno
is "$text" "$id" "the number after rename"
want 1 ctl domid one
want 1 ctl rename uno Domain-0
want 0 ctl rename uno one

# Called as xl; prefixes.
[ -x "$(command -v xl)" ] || { mkdir -p /tmp/bin; ln -s "$(command -v ctl)" /tmp/bin/xl; }
xl=$(command -v xl || echo /tmp/bin/xl)
cut_time() { "$@" | sed 's/[0-9.]*$//; s/     [-rb]*---- /     /'; }
is "$(cut_time $xl list)" "$(cut_time ctl list)" "list as xl"
want 0 $xl vcpu-l one
want 1 ctl vcpu one
has 'may mean'
want 0 ctl vm

# The config: what is kept makes the same guest again.
want 0 ctl config one
echo "$text" >/tmp/kept.cfg
has '^name = "one"$'
has '^vcpus = 2$'
ctl create -nq /tmp/kept.cfg >/tmp/kept.json || bad "the printed config does not parse"
ctl config one --json >/tmp/one.json
is "$(cat /tmp/kept.json)" "$(cat /tmp/one.json)" "config round trip"
want 0 ctl config-update one /tmp/one.cfg 'on_crash="preserve"'
want 0 ctl config one
has '^on_crash = "preserve"$'
has '^name = "one"$'

# reboot gives it a new number; shutdown -w ends it, and with it the console that was followed.
other_id() { now=$(ctl domid one) && [ "$now" != "$id" ]; }
want 0 ctl reboot one
has "^Rebooting domain $id\$"
soon 60 other_id
soon 20 in_state one '^[-rb][-rb]----$'
kill $reader 2>/dev/null
ctl console one </dev/null >/out/two.txt 2>/dev/null &
reader=$!
soon 90 said /out/two.txt 'word one'
id=$(ctl domid one)
want 0 ctl shutdown -w one
has "^Shutting down domain $id\$"
want 1 ctl domid one
ended() { ! kill -0 $reader; }
soon 15 ended
want 0 ctl console --history one
has 'word one'

# destroy.
want 0 ctl create -q -p /tmp/one.cfg
want 0 ctl destroy one
soon 10 gone one
want 1 ctl destroy one
want 1 ctl destroy 0
finish

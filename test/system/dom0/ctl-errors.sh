# SPDX-License-Identifier: MIT
# Creations that cannot be, and daemons that are not there.
. /files/helpers

# refused REGEX COMMAND…: not done, for a reason like that, and nothing is left behind.
refused() {
    reason=$1
    shift
    want 1 "$@"
    has "$reason"
    unchanged "$*"
}

tiny t >/tmp/t.cfg
want 0 ctl create -p -q /tmp/t.cfg
want 0 ctl destroy t
soon 10 gone t
whole

refused '/tmp/none.cfg: .*[Nn]o such file' ctl create /tmp/none.cfg
printf 'name = "t"\nmemory = = 5\n' >/tmp/bad.cfg
refused '/tmp/bad.cfg:2:10: .*expected' ctl create /tmp/bad.cfg
printf 'name = "t"\nvcpus = [ 1,\n' >/tmp/bad.cfg
refused '/tmp/bad.cfg:[0-9]+:[0-9]+: ' ctl create /tmp/bad.cfg
printf 'name = "t"\nkernel = "/tmp/none"\n' >/tmp/bad.cfg
refused 'kernel /tmp/none' ctl create /tmp/bad.cfg
printf 'name = "t"\n' >/tmp/bad.cfg
refused 'names no kernel' ctl create /tmp/bad.cfg
dd if=/dev/urandom of=/tmp/noise bs=64k count=4 2>/dev/null
refused '/tmp/noise.*kernel' ctl create /tmp/t.cfg 'kernel="/tmp/noise"'
: >/tmp/empty
refused '/tmp/empty' ctl create /tmp/t.cfg 'kernel="/tmp/empty"'
for bytes in 100 1000 20000 3000000; do
    head -c $bytes /usr/share/bonsai/vmlinuz >/tmp/short
    refused '/tmp/short' ctl create /tmp/t.cfg 'kernel="/tmp/short"'
done
head -c 5000 /files/tiny >/tmp/short
refused '/tmp/short' ctl create /tmp/t.cfg 'kernel="/tmp/short"'
refused '/tmp/none' ctl create /tmp/t.cfg 'ramdisk="/tmp/none"'
refused 'too little memory: [0-9]+ MiB are needed.* are missing \(Domain-0 has [0-9]+' \
    ctl create /tmp/t.cfg memory=100000
refused 'maxmem' ctl create /tmp/t.cfg maxmem=8
refused 'vcpus' ctl create /tmp/t.cfg vcpus=2 maxvcpus=1
refused 'name' ctl create /tmp/t.cfg 'name="a/b"'
refused 'pvh' ctl create /tmp/t.cfg 'type="pvh"'
refused 'hvm' ctl create /tmp/t.cfg 'type="hvm"'
refused 'disk' ctl create /tmp/t.cfg 'disk=["phy:/dev/sda,xvda,w"]'
refused 'vif' ctl create /tmp/t.cfg 'vif=["bridge=br0"]'
want 0 ctl create -n -q /tmp/t.cfg 'disk=[]' 'vif=[]'

want 0 ctl create -p -q /tmp/t.cfg
whole
refused "'t'" ctl create /tmp/t.cfg
want 0 ctl destroy t
soon 10 gone t
whole

printf 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' >/etc/passwd
as_nobody() { su nobody -s /bin/sh -c "exec $*"; }
refused 'only root|as root' as_nobody /usr/sbin/ctl create /tmp/t.cfg
want 1 as_nobody /usr/sbin/ctl list
has 'only root|as root'

kill $(pidof ctld)
no_ctld() { [ -z "$(pidof ctld)" ]; }
soon 10 no_ctld
refused 'ctld is not running' ctl create /tmp/t.cfg
want 0 ctld
want 0 ctl create -p -q /tmp/t.cfg
want 0 ctl destroy t
soon 10 gone t

kill $(pidof stored)
no_stored() { [ -z "$(pidof stored)" ]; }
soon 10 no_stored
want 1 ctl create /tmp/t.cfg
has 'stored'
want 1 ctl list
has 'stored'
no_records || bad "a record is left though stored was not there"
want 0 ctl info free_memory
is "$text" "$before_free" "free memory without stored"
finish

# SPDX-License-Identifier: MIT
# The example of libctrl, with a guest of Debian's kernel, and with a config that cannot work.
. /files/helpers
whole
config life 'on_poweroff = "preserve"' >/tmp/life.cfg
want 0 /files/lifecycle /tmp/life.cfg
echo "$text"
id=$(echo "$text" | sed -n 's/^created domain \([0-9]*\)$/\1/p')
has "^ *$id life +12[0-9] MiB"
has "^domain $id has shut down, reason 0\$"
has "^destroyed domain $id\$"
unchanged lifecycle
want 1 /files/lifecycle /tmp/none.cfg
has '[Nn]o such file'
want 2 /files/lifecycle
finish

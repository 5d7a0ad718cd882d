# SPDX-License-Identifier: MIT
# Turns `nm -n` of the first link into the table that x86/cpu/symbols.h describes. Only functions:
# data moves when the table is added, text does not.
BEGIN {
    count = 0
    offset = 0
    print "/* SPDX-License-Identifier: MIT */"
    print "/* Made by symbols.awk. */"
    print ".section .symbols, \"a\""
}
($2 == "t" || $2 == "T") && $3 !~ /^(\.L|__image_start|__text_start|__text_end)/ {
    at[count] = "0x" substr($1, 9)
    name[count] = $3
    count++
}
END {
    print ".balign 4\n.globl hv_symbol_count\nhv_symbol_count: .long " count
    print ".globl hv_symbol_offsets\nhv_symbol_offsets:"
    for (i = 0; i < count; i++)
        print ".long " at[i]
    print ".globl hv_symbol_name_offsets\nhv_symbol_name_offsets:"
    for (i = 0; i < count; i++) {
        print ".long " offset
        offset += length(name[i]) + 1
    }
    print ".globl hv_symbol_names\nhv_symbol_names:"
    for (i = 0; i < count; i++)
        print ".asciz \"" name[i] "\""
    print ".section .note.GNU-stack, \"\", @progbits"
}

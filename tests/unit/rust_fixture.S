/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DWARF as rustc writes it, by hand: name spaces, an enum of variants, types of one name, a static. For test_rust_types.c. */
	.section .note.GNU-stack,"",%progbits

	.data
	.globl _RNvC6kernel5COUNT
	.type _RNvC6kernel5COUNT,%object
	.size _RNvC6kernel5COUNT,4
_RNvC6kernel5COUNT:
	.4byte 7

	.macro abbrev code, tag, children, attributes:vararg
	.uleb128 \code, \tag
	.byte \children
	.byte \attributes, 0, 0
	.endm

	/* attributes: name 3, byte_size 0xb, language 0x13, discr 0x15, discr_value 0x16, const_value 0x1c, location 2 and 0x38, encoding 0x3e,
	   type 0x49; forms: data2 5, string 8, data1 0xb, sdata 0xd, ref4 0x13, exprloc 0x18 */
	.section .debug_abbrev,"",%progbits
abbrevs:
	abbrev 1, 0x11, 1, 0x13, 5, 3, 8
	abbrev 2, 0x39, 1, 3, 8
	abbrev 3, 0x13, 1, 3, 8, 0xb, 0xb
	abbrev 4, 0x0d, 0, 3, 8, 0x49, 0x13, 0x38, 0xb
	abbrev 5, 0x24, 0, 3, 8, 0x3e, 0xb, 0xb, 0xb
	abbrev 6, 0x33, 1, 0x15, 0x13
	abbrev 7, 0x0d, 0, 0x49, 0x13, 0x38, 0xb
	abbrev 8, 0x19, 1, 0x16, 0xb
	abbrev 9, 0x04, 1, 3, 8, 0x49, 0x13, 0xb, 0xb
	abbrev 10, 0x28, 0, 3, 8, 0x1c, 0xd
	abbrev 11, 0x34, 0, 3, 8, 0x49, 0x13, 2, 0x18
	.byte 0

	.macro ref label
	.4byte \label - unit
	.endm
	.macro named code, name:vararg
	.uleb128 \code
	.asciz \name
	.endm

	.section .debug_info,"",%progbits
unit:
	.4byte unit_end - unit_start
unit_start:
	.2byte 4
	.4byte abbrevs
	.byte 8
	.uleb128 1
	.2byte 0x1c		/* DW_LANG_Rust */
	.asciz "rust/kernel/lib.rs/@/kernel.0-cgu.0"
u32:	named 5, "u32"
	.byte 7, 4
i8:	named 5, "i8"
	.byte 5, 1
	named 2, "core"
	named 2, "option"
option:	named 3, "Option<u32>"
	.byte 8
	.uleb128 6
	ref discr
discr:	.uleb128 7
	ref u32
	.byte 0
	.uleb128 8
	.byte 0
	named 4, "None"
	ref none
	.byte 0, 0
	.uleb128 8
	.byte 1
	named 4, "Some"
	ref some
	.byte 0, 0, 0
none:	named 3, "None"
	.byte 8, 0
some:	named 3, "Some"
	.byte 8
	named 4, "__0"
	ref u32
	.byte 4, 0, 0, 0
	named 2, "cmp"
	named 9, "Ordering"
	ref i8
	.byte 1
	named 10, "Less"
	.sleb128 -1
	named 10, "Equal"
	.sleb128 0
	named 10, "Greater"
	.sleb128 1
	.byte 0, 0, 0
	named 2, "kernel"
	named 3, "Ordering"
	.byte 12
	named 4, "maybe"
	ref option
	.byte 0
	named 4, "count"
	ref u32
	.byte 8, 0
	named 11, "COUNT"
	ref u32
	.uleb128 9
	.byte 3
	.8byte _RNvC6kernel5COUNT
	.byte 0, 0
unit_end:

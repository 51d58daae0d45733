/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of RFC 2603, of rustc's own tests and of kernels; hostile ones end. */
#include <kanalyze/rust.h>
#include "check.h"

CHECK_MAIN
{
	struct ka_arena *a = ka_arena_new();
	char bomb[2048] = "_R";
	static const struct { const char *mangled, *want; } names[] = {
		{ "_RNvC6_123foo3bar", "123foo::bar" },
		{ "_RNvCs1234_7mycrate3foo", "mycrate::foo" },
		{ "_RNvMs_CsgqG5_10rust_panicNtB4_10HelloPanic8step_two", "<rust_panic::HelloPanic>::step_two" },
		{ "_RNCNvC4core4main0", "core::main::{closure#0}" },
		{ "_RNCNvC4core4mains_0", "core::main::{closure#1}" },
		{ "_RINvC3std3memhE", "std::mem::<u8>" },
		{ "_RINvC3foo3barRShE", "foo::bar::<&[u8]>" },
		{ "_RINvC3foo3barAhj4_E", "foo::bar::<[u8; 4]>" },
		{ "_RINvC3foo3barTlmEE", "foo::bar::<(i32, u32)>" },
		{ "_RINvC3foo3barTlEE", "foo::bar::<(i32,)>" },
		{ "_RINvC3foo3barFUKCPhEuE", "foo::bar::<unsafe extern \"C\" fn(*const u8)>" },
		{ "_RINvC3foo3barFRhEbE", "foo::bar::<fn(&u8) -> bool>" },
		{ "_RINvC3foo3barDNtC3std4IterEL_E", "foo::bar::<dyn std::Iter>" },
		{ "_RINvC3foo3barDNtC3std4Iterp4ItemhEL_E", "foo::bar::<dyn std::Iter<Item = u8>>" },
		{ "_RINvC3foo3barKj1f_E", "foo::bar::<31>" },
		{ "_RINvC3foo3barKb1_Kc61_Kan80_E", "foo::bar::<true, 'a', -128>" },
		{ "_RNvXCsgqG5_1aNtB2_1SNtC4core5Clone5clone", "<a::S as core::Clone>::clone" },
		{ "_RNvYhNtC4core5Clone5clone", "<u8 as core::Clone>::clone" },
		{ "_RNvC3foo3bar.llvm.1234", "foo::bar" },
		{ "_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", "core::fmt::Write::write_fmt" },
		{ "_ZN34_$LT$a..Vec$u20$as$u20$b..Drop$GT$4drop17h0123456789abcdefE", "<a::Vec as b::Drop>::drop" },
		{ "__pfx__RNvC6_123foo3bar", "__pfx_123foo::bar" },
		{ "_ZN3foo3barE", NULL },	/* C++ */
		{ "_R", NULL }, { "_RN", NULL }, { "_RNvC", NULL }, { "_RB_", NULL }, { "_RNvB_3foo", NULL }, { "_Rfoo", NULL },
		{ "_RNvC99999999999999999999a", NULL }, { "_RIC1aLzzzzzzzzzzzzzzzzzzzzzz_E", NULL }, { "printk", NULL }, { "", NULL },
	};

	for (size_t i = 0; i < KA_COUNT(names); i++) {
		const char *is = ka_rust_demangle(a, names[i].mangled);

		if (names[i].want)
			CHECK_STR(is, names[i].want);
		else
			CHECK(!is);
	}
	CHECK_STR(ka_rust_demangle_text(a, "  ? _RNvC6_123foo3bar+0x10/0x20 [x]"), "  ? 123foo::bar+0x10/0x20 [x]");
	CHECK_STR(ka_rust_demangle_text(a, "no _Rust here"), "no _Rust here");
	/* Types within types, and references that double the text each time */
	for (size_t i = 2; i < sizeof(bomb) - 1; i++)
		bomb[i] = 'M';
	CHECK(!ka_rust_demangle(a, bomb));
	CHECK(!ka_rust_demangle(a, "_RIC1aTTTTTTTTTTTTTTTTTTTTTTTTTTTThBi_EBh_EBg_EBf_EBe_EBd_EBc_EBb_EBa_EB9_EB8_EB7_EB6_EB5_EB4_EB3_"));
	ka_arena_free(a);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names that rustc mangled, both ways it does: v0 (_R...) and legacy (_ZN...17h0123456789abcdefE). */
#ifndef KANALYZE_RUST_H
#define KANALYZE_RUST_H

#include <kanalyze/base.h>

/* The readable name, in the arena; crate hashes are left out. NULL when it is no Rust symbol. */
const char *ka_rust_demangle(struct ka_arena *a, const char *symbol);
/* Text with the Rust symbols in it made readable; the same text when there are none. */
const char *ka_rust_demangle_text(struct ka_arena *a, const char *text);

#endif

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two manglings of rustc. */
#ifndef KA_MODEL_RUST_H
#define KA_MODEL_RUST_H

#include <kanalyze/rust.h>

const char *ka_rust_v0(struct ka_arena *a, const char *symbol);

#endif

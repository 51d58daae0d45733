/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Code that the kernel made while it ran: no module's, and in no file. Private to the model. */
#ifndef KA_MODEL_MADE_TEXT_H
#define KA_MODEL_MADE_TEXT_H

#include "kernel.h"

enum ka_made_kind { KA_MADE_BPF, KA_MADE_FTRACE, KA_MADE_KPROBE, KA_MADE_OPTPROBE };

struct ka_made_text {
	ka_addr start, end;
	enum ka_made_kind kind;
	const char *name;	/* "bpf_prog_6deef7357e7b4530_egress" */
};

/* What holds the address; NULL: none does. Found once a session. */
const struct ka_made_text *ka_made_text_at(struct ka_kernel *k, ka_addr addr);

/* Hooks of struct ka_target_hooks: the modules, and behind them what was made as if it were modules, with the names that kallsyms has for those. */
bool ka_made_symbols_hook(struct ka_kernel *k, size_t i, struct ka_module_symbols *ret);
bool ka_made_index_hook(struct ka_kernel *k, ka_addr addr, size_t *ret);
bool ka_made_is_text_hook(struct ka_kernel *k, ka_addr addr);

#endif

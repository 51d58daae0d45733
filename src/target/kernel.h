/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* struct ka_kernel: joins image, debuginfo and architecture. Private to target; model uses the functions below. */
#ifndef KA_TARGET_KERNEL_H
#define KA_TARGET_KERNEL_H

#include <pthread.h>
#include <kanalyze/kernel.h>
#include <kanalyze/symbol.h>
#include <kanalyze/system.h>
#include <kanalyze/type.h>
#include <kanalyze/unwind.h>
#include <kanalyze/view.h>
#include <kanalyze/walk.h>
#include "arch.h"
#include "debuginfo.h"
#include "module_names.h"
#include "image.h"

#define KA_TLB_SIZE 1024
#define KA_BOUND_SLOTS 512			/* of bound views: the program has some 60 */

/* One remembered translation. Lock-free: key is stored XORed with phys, so that a torn pair does not match. */
struct ka_tlb_entry {
	_Atomic uint64_t key_xor_phys, phys;
};

struct ka_state_entry {
	const void *key;
	void *state;
	void (*drop)(void *);
	bool is_making;
	pthread_t maker;
};

/* Symbols of one module, or of text that comes and goes (BPF): made by the model. Sorted by address. */
struct ka_module_symbols {
	const char *name;
	const struct ka_symbol *at;
	size_t n;
	void *strings;		/* the model's: what the names lie in */
};

/*
 * What target needs of the model without knowing it: set once by ka_model_attach() when the session is opened.
 * All of these may be NULL.
 */
struct ka_target_hooks {
	/* Symbols of the i-th module; false past the end. Made on first need. */
	bool (*module_symbols)(struct ka_kernel *k, size_t i, struct ka_module_symbols *ret);
	/* Index of the module that holds the address; false: none. */
	bool (*module_at)(struct ka_kernel *k, ka_addr addr, size_t *ret);
	/* Is it text of that module (not data)? */
	bool (*is_module_text)(struct ka_kernel *k, ka_addr addr);
	/* Module's debuginfo object when one is loaded: object, and address -> link-time place in it. */
	bool (*module_object)(struct ka_kernel *k, ka_addr addr, struct ka_object **ret, uint64_t *ret_addr, uint32_t *ret_section);
	/* Types of the i-th module: split BTF, or DWARF of its debug file, which is looked for once. NULL: none. */
	struct ka_types *(*module_types)(struct ka_kernel *k, size_t i, bool is_dwarf);
	/* ORC tables in the dump's memory of the module at addr, opened once and kept; NULL: it has none. */
	struct ka_orc *(*module_orc)(struct ka_kernel *k, ka_addr addr);
};

struct ka_expr_env;
struct ka_kernel {
	struct ka_image *image;
	struct ka_object *object;	/* vmlinux; NULL: none */
	const struct ka_symtab *symtab;	/* of vmlinux, on first need */
	struct ka_symtab *own_symtab;	/* the same without vmlinux, of VMCOREINFO: run-time addresses, sizes unknown */
	const struct ka_arch *arch;
	struct ka_arch_env env;
	struct ka_layout layout;
	struct ka_open_options options;	/* paths not kept */
	struct ka_target_hooks hooks;
	char **dump_paths;		/* NULL-terminated */
	char *warning;
	bool is_big_endian;
	unsigned long_size;
	bool is_layout_ready;		/* phase 1 of the layout done */

	pthread_mutex_t lock;		/* guards the lazily made below */
	pthread_mutex_t types_lock;	/* of its own: opening types reads memory and symbols */
	struct ka_types *types;		/* BTF or DWARF */
	struct ka_error *types_error;	/* why there are none */
	struct ka_types *dwarf;		/* beside BTF: of variables; on first need */
	const struct ka_expr_env *expr_env;	/* the shell's: registers, convenience variables; NULL none */
	bool has_tried_types, has_tried_dwarf, has_tried_symtab;
	struct ka_error *symtab_error;
	struct ka_module_names module_names;
	pthread_mutex_t orc_lock;
	struct ka_orc *orc;
	bool has_tried_orc;
	bool is_orc_runtime;		/* its addresses are run-time ones: it came from memory */
	struct ka_arena *arena;		/* what lives as long as the session; only under lock */
	struct { KA_VEC(struct ka_state_entry *); } states;
	pthread_cond_t state_made;
	_Atomic(struct ka_bound_view *) *bound;	/* hash of views, see view.c */
	struct ka_tlb_entry *tlb;
	_Atomic bool has_lost_structs;	/* a struct of the kernel lay on a page that makedumpfile left out */
	char *vmcoreinfo;		/* our copy of the text, cut into strings */
	struct ka_map vmcoreinfo_index;
};

/*
 * State of the model, made once per kernel and key (the address of any static object), thread-safe.
 * make may call ka_kernel_state with other keys. What make returns is kept until the kernel is closed.
 */
void *ka_kernel_state(struct ka_kernel *k, const void *key, void *(*make)(struct ka_kernel *k), void (*drop)(void *));
/* Where the kernel keeps its BTF in memory. False: nowhere. */
bool ka_btf_place(struct ka_kernel *k, ka_addr *ret, uint64_t *ret_size);
/* Strings and objects that live as long as the kernel. Thread-safe. */
void *ka_kernel_alloc(struct ka_kernel *k, size_t size);
const char *ka_kernel_strdup(struct ka_kernel *k, const char *s);

/* Types of the kernel, opened on first need; error says why there are none. */
struct ka_error *ka_kernel_types(struct ka_kernel *k, struct ka_types **ret) KA_MUST_CHECK;
/* DWARF of vmlinux, beside BTF or instead; NULL: none. */
struct ka_types *ka_kernel_dwarf(struct ka_kernel *k);
/* type_dims.c: members of a struct (stripped) of BTF get DWARF's type where that tells several dimensions. */
void ka_type_dimensions(struct ka_kernel *k, const struct ka_type *owner, const struct ka_type_info *info, struct ka_type_field *fields, size_t n);
/* Symbol table of vmlinux, built on first need. */
struct ka_error *ka_kernel_symtab(struct ka_kernel *k, const struct ka_symtab **ret) KA_MUST_CHECK;
/* ORC of the kernel: from vmlinux's sections (link-time addresses), else from memory (k->is_orc_runtime). NULL: none. */
struct ka_orc *ka_kernel_orc(struct ka_kernel *k);
/* Run-time = link-time + this, for addresses in the kernel image. */
uint64_t ka_kernel_kaslr(struct ka_kernel *k);

/* Translation through the tables of another address space; pgd is the kernel virtual address of mm->pgd. */
struct ka_error *ka_translate_in(struct ka_kernel *k, ka_addr pgd, uint64_t at, ka_phys *ret, uint64_t *ret_page_size) KA_MUST_CHECK;
/* mapped.c: bytes that an entry of a level (0: the top one) stands for; 0: more than can be said. */
uint64_t ka_level_span(const struct ka_kernel *k, unsigned level);
/* Level by level, for vtop. pgd 0: the kernel's own. */
struct ka_error *ka_translate_walk(struct ka_kernel *k, ka_addr pgd, uint64_t at, struct ka_pt_walk *ret) KA_MUST_CHECK;

/* minimal.c: what VMCOREINFO tells, without a vmlinux. The symbol table is made with k->lock held. */
struct ka_error *ka_minimal_symtab(struct ka_kernel *k, struct ka_symtab **ret) KA_MUST_CHECK;
/* The symbol table that the dump itself holds, made on first need; NULL: none, or not to be read yet. */
const struct ka_symtab *ka_kallsyms(struct ka_kernel *k);
struct ka_error *ka_minimal_types(struct ka_kernel *k, struct ka_types **ret) KA_MUST_CHECK;

/*
 * locate.c: without VMCOREINFO. Searches memory for its text and for the kernel's banner, and sets k->image's VMCOREINFO (and
 * machine). Without vmlinux it is no error to find nothing: the release of a banner is told then, in the image's info.
 */
struct ka_error *ka_locate(struct ka_kernel *k) KA_MUST_CHECK;

/* For env.c and open.c */
void ka_env_init(struct ka_kernel *k);
struct ka_error *ka_layout_init(struct ka_kernel *k) KA_MUST_CHECK;
void ka_views_free(struct ka_kernel *k);
void ka_states_free(struct ka_kernel *k);

#endif

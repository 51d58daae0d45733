/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the build says: ELF files with symbols, BTF, DWARF, CFI and ORC. Knows nothing of dumps. */
#ifndef KA_DEBUGINFO_H
#define KA_DEBUGINFO_H

#include <elf.h>
#include <kanalyze/base.h>
#include <kanalyze/type.h>

/* ---- object.c, content.c, dwarf.c: an ELF object: vmlinux or a module; plain, or as a whole gz/xz/zst (then unpacked into memory) ---- */

struct ka_section {
	const char *name;
	uint64_t addr, offset, size, flags;	/* size: unpacked */
	uint32_t type, link, info, index;
};

struct ka_object {
	char *path;
	int fd;
	const uint8_t *data;	/* the whole file (mapped or unpacked) */
	uint64_t size;
	bool is_mapped;
	bool is_64bit, is_big_endian;
	bool has_no_cache;	/* set by who opened it: the index of its names is neither read from a file nor kept in one */
	uint16_t e_type, e_machine;
	uint8_t build_id[64];
	size_t build_id_size;	/* 0: none */
	struct ka_section *sections;
	size_t section_count;
	void *priv;		/* Elf *, Dwarf *, section contents already unpacked; guarded by a lock inside */
};

/* Opens and checks headers only (no section content is read but names and the build-id note). Hostile sizes are bounded. */
struct ka_error *ka_object_open(const char *path, struct ka_object **ret) KA_MUST_CHECK;
void ka_object_close(struct ka_object *o);
/* Is it an ELF object with code (ET_EXEC/ET_DYN/ET_REL; perhaps packed)? Reads only the start. */
bool ka_object_sniff(const char *path);
const struct ka_section *ka_object_section(const struct ka_object *o, const char *name);
/* Content of a section, unpacked (SHF_COMPRESSED zlib, zstd when built in; .zdebug_*). Kept until close; thread-safe. */
struct ka_error *ka_object_content(struct ka_object *o, const struct ka_section *s, const uint8_t **ret, size_t *ret_size) KA_MUST_CHECK;
void ka_build_id_text(const uint8_t *id, size_t size, char ret[129]);
/*
 * ET_REL (modules) has no addresses: its sections are laid out one after another, and this is where one starts. DWARF
 * and CFI of a module are asked at ka_object_base(o, section) + offset. 0 in ET_EXEC and ET_DYN: there addresses are as linked.
 */
uint64_t ka_object_base(struct ka_object *o, uint32_t section);
/* The string "Linux version ..." of a vmlinux, from its linux_banner symbol or .rodata; NULL when not found. In the object's memory. */
const char *ka_object_banner(struct ka_object *o);

/* ---- symtab.c ---- */

struct ka_elf_symbol {
	uint64_t addr;		/* as linked (modules ET_REL: offset in section) */
	uint32_t size;		/* capped to 4 GB - 1; 0 unknown */
	uint32_t name;		/* offset in strings */
	uint16_t section;	/* st_shndx */
	char type;		/* nm letter: lower case local */
	uint8_t info;		/* st_info */
};

struct ka_symtab {
	struct ka_elf_symbol *at;	/* sorted by address; files, sections and empty names left out */
	size_t n;
	const char *strings;
	size_t strings_size;
	uint64_t *by_name;		/* hash of indices, made on the first look-up by name */
	size_t by_name_cap;
	char *own_strings;	/* copy, when the file's are not terminated */
	void *lock;
};
/* Built once an object; belongs to it. Reads .symtab only. */
struct ka_error *ka_object_symtab(struct ka_object *o, const struct ka_symtab **ret) KA_MUST_CHECK;
/* The table of .dynsym, which a stripped program still has; ka_symtab_free() is the caller's, before the object is closed. */
struct ka_error *ka_object_dynsym(struct ka_object *o, struct ka_symtab **ret) KA_MUST_CHECK;
/* A table of symbols found elsewhere: takes both (from ka_xalloc), sorts by address. Names must lie within strings. */
struct ka_symtab *ka_symtab_new(struct ka_elf_symbol *at, size_t n, char *strings, size_t strings_size);
void ka_symtab_free(struct ka_symtab *t);
/* Index by exact name (the first global one, else the first); false when absent. */
bool ka_symtab_find(const struct ka_symtab *t, const char *name, size_t *ret);
/* Index of the symbol that best covers addr (last at or below; among equals: global function or object before others). */
bool ka_symtab_at(const struct ka_symtab *t, uint64_t addr, size_t *ret);

/* ---- find.c: the right file by build-id, release and path ---- */

struct ka_find_request {
	const uint8_t *build_id;	/* of the kernel in the dump; size 0 unknown */
	size_t build_id_size;
	const char *release;		/* OSRELEASE; NULL unknown */
	const char *dump_dir;		/* directory of the dump */
	const char *const *debug_dirs;	/* --debug-dir, NULL-terminated; NULL none */
};
/* The first file that fits (build-ids equal when both are known), or NOT_FOUND whose message lists what was tried, and why each did not fit. */
struct ka_error *ka_find_vmlinux(const struct ka_find_request *r, struct ka_object **ret) KA_MUST_CHECK;
/* Where the debuginfo package of a release would be found: "Debian: linux-image-REL-dbg; Fedora: kernel-debuginfo-REL; ..." by the release's own shape. */
const char *ka_find_hint(const char *release, struct ka_arena *a);
/* A module's object with debuginfo: under /usr/lib/debug/.build-id, any place below DIR/lib/modules/REL, beside vmlinux ... by build-id, else by name. */
struct ka_error *ka_find_module(const struct ka_find_request *r, const char *vmlinux_path, const char *name,
				const uint8_t *build_id, size_t build_id_size, struct ka_object **ret) KA_MUST_CHECK;

/* ---- types.c: one face over BTF and DWARF ---- */

struct ka_types;
struct ka_type_brief {
	enum ka_type_kind kind;
	uint64_t size;
	bool is_signed;
	const char *name;		/* after typedefs: tag */
	const char *typedef_name;	/* the outermost typedef, NULL none */
	uint32_t target;		/* pointer: pointee; array: element */
	uint64_t count;			/* array: elements; 0: flexible. BTF has lost all but one dimension (pahole multiplies them):
					 * there a[2][5] is a[10], and the path "a[1]" leads elsewhere than in DWARF */
	uint32_t aliased;		/* what the outermost typedef stands for, when typedef_name is set */
	bool is_declared_only;		/* a struct, union or enum that is nowhere defined */
};
/* A member, or an enumerator. */
struct ka_type_part {
	const char *name;		/* NULL: anonymous */
	uint64_t offset_bits;
	uint32_t bit_size;		/* 0: not a bitfield */
	uint32_t type;
	int64_t value;			/* enumerators */
};
struct ka_type_step {
	enum ka_type_kind kind;
	const char *name;
	uint64_t size;
	uint64_t count;
	uint32_t target;
	bool is_signed, is_bool, is_char, is_declared_only;
};
/* A variable or function; or a type, of which only id and file are told. */
struct ka_type_named {
	uint32_t id;
	const char *file;		/* of its unit; NULL: not known */
	bool is_function, is_external;
	bool has_addr, has_value;	/* an optimised-out constant has only a value */
	uint64_t addr;			/* as linked */
	int64_t value;
};
struct ka_types_ops {
	const char *name;	/* "BTF", "DWARF" */
	/* An id of the named type of this kind; 0 when there is none. Names of struct and union; typedefs, enums too. */
	uint32_t (*find)(struct ka_types *t, enum ka_type_kind kind, const char *name);
	bool (*enumerator)(struct ka_types *t, const char *name, int64_t *ret);
	/* The enum that has it; 0: not known (its value may be all the same). */
	uint32_t (*enumerator_type)(struct ka_types *t, const char *name);
	void (*close)(struct ka_types *t);
	struct ka_error *(*size)(struct ka_types *t, uint32_t id, uint64_t *ret);
	/* One step: the member of a struct or union, anonymous ones searched through; offset_bits from the start of id. False: no such member. */
	bool (*member)(struct ka_types *t, uint32_t id, const char *name, uint64_t *ret_offset_bits, uint32_t *ret_bit_size, uint32_t *ret_type);
	/* Resolves typedefs and qualifiers; what the type is. count and element of arrays. name may be NULL. */
	void (*describe)(struct ka_types *t, uint32_t id, struct ka_type_brief *ret);
	/* One step: what the id itself is. Typedefs and qualifiers are not resolved; target is what they are of, or a function's result. */
	void (*step)(struct ka_types *t, uint32_t id, struct ka_type_step *ret);
	/* The parameters of a function type: name and type; a last one "..." of no type for any more. */
	size_t (*params)(struct ka_types *t, uint32_t id, struct ka_arena *a, struct ka_type_part **ret);
	/* Variables and functions of a name: count returned, *ret in the arena. Their ids are types by themselves: step() passes a variable. */
	size_t (*named)(struct ka_types *t, const char *name, struct ka_arena *a, struct ka_type_named **ret);
	/* All types of a name and kind that differ. */
	size_t (*find_all)(struct ka_types *t, enum ka_type_kind kind, const char *name, struct ka_arena *a, struct ka_type_named **ret);
	/*
	 * The same, found in the units themselves: one of each shape, with the first file that has it; file not NULL: of units whose
	 * path ends with it. NULL where there are no units (BTF). Takes as long as a look at all of .debug_info.
	 */
	size_t (*twins)(struct ka_types *t, enum ka_type_kind kind, const char *name, const char *file, struct ka_arena *a, struct ka_type_named **ret);
	/* Types of Rust by their path or its end ("fmt::Formatter"): of each the whole path as file. NULL where there are none. */
	size_t (*rust_types)(struct ka_types *t, const char *path, struct ka_arena *a, struct ka_type_named **ret);
	/* The function or static of Rust at an address, as linked: its symbol is no name that debuginfo has. */
	bool (*rust_at)(struct ka_types *t, uint64_t addr, struct ka_type_named *ret);
	/* The static variable of a function at an address, as linked: its symbol, "count.3", is no name that debuginfo has. NULL where there are none. */
	bool (*static_at)(struct ka_types *t, const char *name, uint64_t addr, struct ka_type_named *ret);
	/* The members of a struct or union as they are declared (anonymous ones with NULL names, not opened): *ret in the arena, count returned. */
	size_t (*members)(struct ka_types *t, uint32_t id, struct ka_arena *a, struct ka_type_part **ret);
	/* The enumerators of an enum: name and value. */
	size_t (*enumerators)(struct ka_types *t, uint32_t id, struct ka_arena *a, struct ka_type_part **ret);
	/* Every named struct, union, enum, typedef, int and float, in no order, perhaps several of a name; for completion and searches. */
	void (*each_name)(struct ka_types *t, void (*fn)(void *ctx, enum ka_type_kind kind, const char *name, uint32_t id), void *ctx);
};
struct ka_types {
	const struct ka_types_ops *ops;
	void *priv;
	bool is_big_endian;
	unsigned long_size;
	/*
	 * Set by who opened it: types that are asked first for what is only declared here (DWARF): what they define stays declared, and
	 * is not sought in all units. NULL: none.
	 */
	struct ka_types *fuller;
	/* Set by who opened it: plain char has a sign on this architecture. Asked only where these types do not tell (BTF of old paholes). */
	bool is_char_signed;
};
/* From raw BTF (a .BTF section, or bytes read from the dump); bytes must outlive it. Checks everything it will trust. */
struct ka_error *ka_types_open_btf(const uint8_t *bytes, size_t size, unsigned long_size, struct ka_types **ret) KA_MUST_CHECK;
/* Split BTF of a module: ids and strings go on where those of base (BTF too) end; base must outlive it. */
struct ka_error *ka_types_open_btf_split(struct ka_types *base, const uint8_t *bytes, size_t size, struct ka_types **ret) KA_MUST_CHECK;
/* From DWARF of the object; indexes on first need, in parallel. */
struct ka_error *ka_types_open_dwarf(struct ka_object *o, struct ka_types **ret) KA_MUST_CHECK;
/* The few structs (of the kernel log, of uname) of which VMCOREINFO tells where members lie. Keeps nothing of the text. */
struct ka_types *ka_types_open_vmcoreinfo(const char *text, size_t size, unsigned long_size, bool is_big_endian);
/* Quickly, before its DWARF is opened: false when none of its types, variables and functions has the name. */
bool ka_object_may_name(struct ka_object *o, const char *name);
void ka_types_close(struct ka_types *t);
/* "fork.c" and "kernel/fork.c" are both the end of ".../kernel/fork.c". */
bool ka_path_ends(const char *path, const char *end);
/* The path grammar of ka_type_member(), over any of the two. */
struct ka_error *ka_types_member(struct ka_types *t, const char *type, const char *path, struct ka_member *ret) KA_MUST_CHECK;
struct ka_error *ka_types_size(struct ka_types *t, const char *type, uint64_t *ret) KA_MUST_CHECK;
/* The same without the trouble of making an error: for alternatives that are probed. */
bool ka_types_has(struct ka_types *t, const char *type, const char *path);
/* Id of "struct foo", "union foo", "enum foo", or of whatever bears the bare name (struct, union, typedef, enum, base type: in this order); 0 none. */
uint32_t ka_types_find(struct ka_types *t, const char *type);

/* ---- lines.c ---- */

/* Source file and line of a link-time address (modules: of an offset in section). Thread-safe; false when unknown. file belongs to the object.
 * Reads only the CU that covers the address (through .debug_aranges where there is one). */
bool ka_object_line(struct ka_object *o, uint64_t addr, uint32_t section, const char **ret_file, unsigned *ret_line);

/* A place in the source. Strings belong to the object. */
struct ka_object_place {
	const char *file, *name;	/* name: without the directory the compiler ran in, where file begins with that */
	const char *function;		/* of ka_object_chain; NULL unknown */
	unsigned line;
	bool is_inlined;
};
bool ka_object_place(struct ka_object *o, uint64_t addr, uint32_t section, struct ka_object_place *ret);
/* inlines.c: inlined functions at an address, innermost first, the function itself last. 0: no DWARF there. */
size_t ka_object_chain(struct ka_object *o, uint64_t addr, uint32_t section, struct ka_object_place *ret, size_t max);
/* The highest line of file among the rows of [addr, end); 0 none. */
unsigned ka_object_last_line(struct ka_object *o, uint64_t addr, uint64_t end, uint32_t section, const char *file);
/* The lowest address of a line, and of the next row; file: a path or the end of one. Reads all line tables. */
bool ka_object_line_address(struct ka_object *o, const char *file, unsigned line, uint64_t *ret, uint64_t *ret_end);

/* ---- cfi.c: DWARF call frame information (.debug_frame, .eh_frame) ---- */

enum ka_rule_kind { KA_RULE_UNKNOWN, KA_RULE_SAME, KA_RULE_CFA_OFFSET /* saved at CFA + n */, KA_RULE_VALUE /* is CFA + n */,
		    KA_RULE_REG /* is in register n */, KA_RULE_UNDEFINED, KA_RULE_REG_OFFSET /* saved at register reg + n */ };
struct ka_rule {
	uint8_t kind;
	uint16_t reg;
	int64_t n;
};
/*
 * How to find the caller's registers. CFA = reg[cfa_reg] + cfa_offset, or, cfa_deref, the 8 bytes that lie there
 * (4 on 32 bit) + cfa_deref_offset. Registers in rules are those of this frame, as is the one of the CFA.
 */
struct ka_frame_rules {
	uint16_t cfa_reg;
	int64_t cfa_offset;
	bool is_cfa_deref;
	int64_t cfa_deref_offset;
	struct ka_rule reg[40];		/* DWARF numbering; unset: KA_RULE_UNKNOWN */
	uint16_t ra_reg;		/* which register holds the return address (x86_64: 16) */
	bool is_signal;			/* the frame below was interrupted, not calling */
	bool is_end;			/* outermost frame */
	bool is_pt_regs;		/* ORC: at the CFA lies a struct pt_regs (is_partial: only iret frame, i.e. from its ip on) */
	bool is_partial;
};
/*
 * Rules at a link-time address (ET_REL: ka_object_base + offset in section). NOT_FOUND when no FDE covers it.
 * Expressions other than register + offset [deref [+ offset]] are UNSUPPORTED. Thread-safe.
 */
struct ka_error *ka_object_cfi(struct ka_object *o, uint64_t addr, struct ka_frame_rules *ret) KA_MUST_CHECK;

/* cfi_memory.c: the same of a program in memory, at whose header lies its .eh_frame_hdr. Little-endian. Addresses are run-time ones. */
struct ka_cfi_memory {
	void *ctx;
	size_t (*read)(void *ctx, uint64_t at, void *ret, size_t size);	/* bytes that could be read: size, or it counts as none */
	uint16_t e_machine;
	bool is_64bit;
};
struct ka_error *ka_cfi_search(const struct ka_cfi_memory *m, uint64_t header, uint64_t addr, struct ka_frame_rules *ret) KA_MUST_CHECK;

/* ---- orc.c: x86 ORC; the bytes come from vmlinux's sections or from memory ---- */

struct ka_orc;
/*
 * ip: int32 offsets, each relative to its own address (ip_addr + 4 * i), sorted or not (then an index is sorted);
 * entries: 6 bytes each. header: bytes of .orc_header (20-byte hash of the entry layout) or NULL before 6.4: chooses the layout.
 * Bytes must outlive it. Addresses are those of ip_addr's space (link-time or run-time).
 */
struct ka_error *ka_orc_open(const uint8_t *ip, size_t ip_size, uint64_t ip_addr, const uint8_t *entries, size_t entries_size,
			     const uint8_t *header, size_t header_size, struct ka_orc **ret) KA_MUST_CHECK;
void ka_orc_close(struct ka_orc *o);
/* NOT_FOUND when not covered or the entry is "undefined"; is_end for the end of the stack. */
struct ka_error *ka_orc_rules(struct ka_orc *o, uint64_t addr, struct ka_frame_rules *ret) KA_MUST_CHECK;

#endif

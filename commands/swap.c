/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* swap: the swap devices and files, as /proc/swaps shows them. */
#include <kanalyze/command.h>
#include <kanalyze/swap.h>

struct swap_row {
	ka_addr address;
	const char *type;
	uint64_t size_kb, used_kb;
	uint32_t percent;
	int32_t priority;
	const char *filename;
	uint32_t number;
	ka_addr file, bdev;
	uint64_t flags;
};
KA_ROWS(swap_row, "swaps", "SWAP_INFO_STRUCT    TYPE       SIZE       USED     PCT  PRI  FILENAME",
	"{address:016}  {type:<9} {size_kb:7}k {used_kb:9}k {percent:5}% {priority:4}  {filename}",
	KA_COL(swap_row, address, KA_ADDR, "of the swap_info_struct"),
	KA_COL(swap_row, type, KA_TEXT, "PARTITION or FILE"),
	KA_COL(swap_row, size_kb, KA_UINT, "size in KiB"),
	KA_COL(swap_row, used_kb, KA_UINT, "of that in use"),
	KA_COL(swap_row, percent, KA_UINT, "of that in use, in percent"),
	KA_COL(swap_row, priority, KA_INT, "the higher, the sooner it is used"),
	KA_COL(swap_row, filename, KA_TEXT, "path; null when it cannot be told"),
	KA_COLF(swap_row, number, KA_UINT, KA_ONLY_JSON, "its number in swap entries of page tables"),
	KA_COLF(swap_row, file, KA_ADDR, KA_ONLY_JSON, "of the struct file"),
	KA_COLF(swap_row, bdev, KA_ADDR, KA_ONLY_JSON | KA_ZERO_IS_NONE, "of the block_device"),
	KA_COLF(swap_row, flags, KA_HEX, KA_ONLY_JSON, "SWP_*"));

static struct ka_error *run(struct ka_call *c)
{
	struct ka_swap *swaps;
	size_t count;
	uint64_t kb = ka_page_size(c->k) / 1024;

	if (c->argc)
		return ka_call_usage(c, "swap takes no arguments");
	ka_call_fault(c, ka_swaps_read(c->k, c->arena, &swaps, &count));
	for (size_t i = 0; i < count; i++) {
		const struct ka_swap *s = &swaps[i];
		struct swap_row row = {
			.address = s->addr, .type = s->is_partition ? "PARTITION" : "FILE", .size_kb = s->pages * kb,
			.used_kb = s->used_pages * kb, .percent = s->pages ? (uint32_t)(s->used_pages * 100 / s->pages) : 0,
			.priority = s->prio, .filename = s->path, .number = s->type, .file = s->file, .bdev = s->bdev, .flags = s->flags,
		};

		ka_out_row(c->out, &ka_rows_swap_row, &row);
	}
	if (!count)
		ka_out_note(c->out, "no swap devices or files are in use");
	return NULL;
}

const struct ka_command ka_command_swap = {
	.name = "swap",
	.brief = "swap devices",
	.help = "Shows each swap device and file in use: the address of its swap_info_struct, its type, size, how much of it is\n"
		"used, its priority and its path.\n"
		"\n"
		"  swap\n",
	.needs = KA_NEED_TYPES | KA_NEED_SYMBOLS,
	.rows = (const struct ka_rows *const[]){ &ka_rows_swap_row, NULL },
	.run = run,
};

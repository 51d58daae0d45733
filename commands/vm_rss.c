/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vm --rss: what each area has in memory. */
#include "vm.h"

/* Sums of an area, or of all of a task's, in KB. */
struct vm_rss {
	ka_addr vma, start, end;
	uint64_t size_kb, rss_kb, pss_kb, uss_kb, anon_kb, file_kb, shmem_kb, huge_kb, hugetlb_kb, swap_kb, other_kb;
	const char *path;
};
#define SUM_COLS										\
	KA_COL(vm_rss, rss_kb, KA_UINT, "in memory: anonymous, of files and shared memory"),	\
	KA_COL(vm_rss, pss_kb, KA_UINT, "the same, each page divided by how often it is mapped"),	\
	KA_COL(vm_rss, uss_kb, KA_UINT, "the same, of pages that nobody else maps"),		\
	KA_COL(vm_rss, anon_kb, KA_UINT, "anonymous"),						\
	KA_COL(vm_rss, file_kb, KA_UINT, "pages of files"),					\
	KA_COL(vm_rss, shmem_kb, KA_UINT, "pages of tmpfs and shared memory"),			\
	KA_COL(vm_rss, huge_kb, KA_UINT, "of rss_kb: mapped by large entries (THP)"),		\
	KA_COL(vm_rss, swap_kb, KA_UINT, "swapped out, as the page tables tell"),		\
	KA_COLF(vm_rss, hugetlb_kb, KA_UINT, KA_ONLY_JSON, "pages of hugetlbfs, which rss_kb does not count"),	\
	KA_COLF(vm_rss, other_kb, KA_UINT, KA_ONLY_JSON, "mapped, but no memory of its own: the zero page, devices")
#define SUM_TEXT " {rss_kb:8} {pss_kb:8} {uss_kb:8} {anon_kb:8} {file_kb:7} {shmem_kb:7} {huge_kb:7} {swap_kb:7}"

static const struct ka_col area_cols[] = {
	KA_COL(vm_rss, vma, KA_ADDR, "address of the vm_area_struct"),
	KA_COL(vm_rss, start, KA_ADDR, "first user address"),
	KA_COL(vm_rss, end, KA_ADDR, "first user address behind it"),
	KA_COL(vm_rss, size_kb, KA_UINT, "how long it is"),
	SUM_COLS,
	KA_COL(vm_rss, path, KA_TEXT, "path of the file; null: none"),
};
const struct ka_rows ka_vm_rss_rows = { "vmas", KA_SHAPE_TABLE,
	"   START        END          SIZE      RSS      PSS      USS     ANON    FILE   SHMEM    HUGE    SWAP FILE",
	"{start:012} {end:012} {size_kb:9}" SUM_TEXT " {path}", area_cols, KA_COUNT(area_cols) };

static const struct ka_col total_cols[] = {
	KA_COL(vm_rss, size_kb, KA_UINT, "of all areas"),
	SUM_COLS,
};
const struct ka_rows ka_vm_total_rows = { "sums", KA_SHAPE_LINE, NULL, "{size_kb:>35}" SUM_TEXT " (all, KB)", total_cols, KA_COUNT(total_cols) };

static void sums_fill(struct vm_rss *row, const struct ka_rss *s)
{
	row->rss_kb = s->rss / 1024;
	row->pss_kb = s->pss / 1024;
	row->uss_kb = s->only / 1024;
	row->anon_kb = s->anon / 1024;
	row->file_kb = s->file / 1024;
	row->shmem_kb = s->shmem / 1024;
	row->huge_kb = s->huge / 1024;
	row->hugetlb_kb = s->hugetlb / 1024;
	row->swap_kb = s->swap / 1024;
	row->other_kb = s->other / 1024;
}

static void sums_add(struct ka_rss *to, const struct ka_rss *s)
{
	to->rss += s->rss;
	to->pss += s->pss;
	to->only += s->only;
	to->anon += s->anon;
	to->file += s->file;
	to->shmem += s->shmem;
	to->huge += s->huge;
	to->hugetlb += s->hugetlb;
	to->swap += s->swap;
	to->other += s->other;
}

struct ka_error *ka_vm_rss_put(struct ka_call *c, ka_addr pgd, const struct ka_vma *v, const char *path, struct ka_rss *sum)
{
	struct vm_rss row = { .vma = v->addr, .start = v->start, .end = v->end, .size_kb = (v->end - v->start) / 1024, .path = path };
	struct ka_rss one = {0};
	struct ka_error *err = ka_rss_add(c->k, pgd, v, &one);

	sums_fill(&row, &one);
	sums_add(sum, &one);
	ka_out_row(c->out, &ka_vm_rss_rows, &row);
	return err;
}

void ka_vm_rss_total(struct ka_call *c, uint64_t size, const struct ka_rss *sum)
{
	struct vm_rss row = { .size_kb = size / 1024 };

	sums_fill(&row, sum);
	ka_out_row(c->out, &ka_vm_total_rows, &row);
}

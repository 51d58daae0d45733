/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the kernel keeps its BTF: between two symbols. kallsyms has these only with CONFIG_KALLSYMS_ALL (Debian's cloud
 * kernels of arm64 have not); then the header is searched for in the image.
 */
#include <inttypes.h>
#include "kernel.h"

#define IMAGE_MAX (256ull << 20)
#define CHUNK (1u << 20)
#define SIZE_LEAST (64u << 10)		/* a kernel's is of megabytes; small ones belong to programs of BPF within it */
#define SIZE_MOST (256u << 20)
#define HEADER 24

struct place {
	ka_addr at;
	uint64_t size;
};

static uint32_t word(struct ka_kernel *k, const uint8_t *p)
{
	return (uint32_t)ka_uint_from(k, p, 4);
}

/* struct btf_header of include/uapi/linux/btf.h. 0: it is none. */
static uint64_t size_of(struct ka_kernel *k, ka_addr at, const uint8_t *p)
{
	uint64_t header = word(k, p + 4), type_off = word(k, p + 8), type_len = word(k, p + 12), str_off = word(k, p + 16), str_len = word(k, p + 20);
	uint64_t size = header + str_off + str_len;
	uint8_t first[2], last[2];

	if (ka_uint_from(k, p, 2) != 0xeb9f || p[2] != 1 || p[3] || header < HEADER || header > 256 || type_off || !type_len || type_len % 4 ||
	    str_off < type_len || str_len < 4 || size < SIZE_LEAST || size > SIZE_MOST)
		return 0;
	/* the strings: an empty one, others, and the last one's end */
	if (ka_error_drop(ka_read(k, at + header + str_off, first, 2)) || ka_error_drop(ka_read(k, at + size - 2, last, 2)) || first[0] ||
	    !first[1] || !last[0] || last[1])
		return 0;
	return size;
}

static void *search(struct ka_kernel *k)
{
	struct place *best = ka_xalloc(sizeof(*best));
	uint8_t *buf = ka_xalloc(CHUNK + HEADER);
	struct ka_symbol s;
	ka_addr at = ka_symbol_lookup(k, "_stext", &s) ? s.addr : k->layout.text_base;
	ka_addr end = KA_MIN(k->layout.text_end, at + IMAGE_MAX);

	while (at < end && !ka_interrupted()) {
		size_t want = (size_t)KA_MIN(end - at, (uint64_t)CHUNK + HEADER), got = ka_read_some(k, at, buf, want, NULL);

		for (size_t i = 0; i + HEADER <= got && i < CHUNK; i += 4) {
			uint64_t size = buf[i] == 0x9f || buf[i] == 0xeb ? size_of(k, at + i, buf + i) : 0;

			if (size > best->size)
				*best = (struct place){ at + i, size };
		}
		/* behind a hole it goes on with the next page */
		at = got >= CHUNK ? at + CHUNK : (at + got + ka_page_size(k)) & ~(ka_page_size(k) - 1);
	}
	free(buf);
	if (best->size)
		ka_log(1, "BTF of %" PRIu64 " bytes found at 0x%" PRIx64, best->size, best->at);
	return best;
}

bool ka_btf_place(struct ka_kernel *k, ka_addr *ret, uint64_t *ret_size)
{
	static const char key;
	struct ka_symbol start, stop;
	const struct place *p;

	if (ka_symbol_lookup(k, "__start_BTF", &start) && ka_symbol_lookup(k, "__stop_BTF", &stop)) {
		*ret = start.addr;
		*ret_size = stop.addr > start.addr ? stop.addr - start.addr : 0;
		return true;
	}
	/* a vmlinux tells all there is */
	if (k->object || !k->layout.text_end)
		return false;
	p = ka_kernel_state(k, &key, search, free);
	*ret = p->at;
	*ret_size = p->size;
	return p->size;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel log before v5.10: variable-length records (7ff9554bb578, v3.5), and plain text before those. */
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include <kanalyze/system.h>
#include <kanalyze/view.h>
#include "printk.h"

#define LOG_BYTES_MAX (1ull << 31)	/* LOG_BUF_LEN_MAX */
#define LOG_ALIGN 4			/* 4 or 8 by architecture (6ebb017de9d5, v3.5) */

struct printk_log {
	uint64_t ts_nsec;
	uint16_t len, text_len, dict_len, level;
	uint8_t facility, flags;
	uint32_t caller;
	uint64_t len_at;
};
KA_VIEW(printk_log, ("printk_log", "log"),		/* struct log until 62e32ac3505a, v3.11 */
	KA_FROM(printk_log, ts_nsec, "ts_nsec"),
	KA_FROM(printk_log, len, "len"),
	KA_AT(printk_log, len_at, "len"),
	KA_FROM(printk_log, text_len, "text_len"),
	KA_FROM(printk_log, dict_len, "dict_len"),
	/* A u16 with the facility in it until 084681d14e42, v3.6; then three bits. Some builds name the byte of both. */
	KA_MAYBE(printk_log, level, "level", "flags_level"),
	KA_MAYBE(printk_log, facility, "facility"),
	KA_MAYBE(printk_log, flags, "flags"),
	KA_MAYBE(printk_log, caller, "caller_id"));	/* 15ff2069cb7f, v5.1 */

struct log {
	struct ka_log_reader *r;
	ka_addr at;		/* of the buffer */
	uint8_t *bytes;
	size_t size, have;	/* have: what could be read from the start */
	size_t header;
	uint64_t seq;
	bool has_caller, has_flags, joins_lines;
	uint8_t flags_before;
};

static size_t record_size(const struct printk_log *h, size_t header)
{
	size_t size = header + h->text_len + h->dict_len;

	return (size + LOG_ALIGN - 1) & ~(size_t)(LOG_ALIGN - 1);
}

/* A record that could be one: what makes it possible to find the next after a broken one. */
static bool header_at(const struct log *l, size_t idx, struct printk_log *h)
{
	if (idx + l->header > l->have)
		return false;
	if (ka_error_drop(ka_view_parse(l->r->k, &ka_view_printk_log, l->at + idx, l->bytes + idx, l->header, h)))
		return false;
	return true;
}

static bool is_sound(const struct log *l, size_t idx, const struct printk_log *h)
{
	size_t size = record_size(h, l->header);

	/* len is padded to LOG_ALIGN, which may be 8. */
	return h->len >= size && h->len < size + 8 && h->len % LOG_ALIGN == 0 && idx + h->len <= l->size;
}

static const char *dict_text(struct ka_arena *a, const char *dict, size_t size)
{
	char *s = ka_alloc(a, size + 1);

	/* KEY=value strings with NUL between */
	for (size_t i = 0; i < size; i++)
		s[i] = dict[i] ? dict[i] : '\n';
	while (size && s[size - 1] == '\n')
		s[--size] = 0;
	return s;
}

static void add_record(struct log *l, size_t idx, const struct printk_log *h)
{
	const char *text = (const char *)l->bytes + idx + l->header;
	struct ka_log_record rec = {
		.seq = l->seq++, .time_ns = h->ts_nsec, .has_time = true, .level = h->level & 7, .has_level = true,
		.facility = h->facility ? h->facility : h->level >> 3, .flags = h->flags,
		.caller = h->caller, .has_caller = l->has_caller, .text_size = h->text_len,
	};

	rec.text = ka_strndup(l->r->a, text, h->text_len);
	if (h->dict_len) {
		rec.dict = dict_text(l->r->a, text + h->text_len, h->dict_len);
		rec.dict_size = strlen(rec.dict);
	}
	/*
	 * dmesg put a continuation behind the line it continues, by the flags of the record before, until
	 * 5aa068ea4082 (v4.10); the variables that kept those flags went with it.
	 */
	rec.is_continued = l->joins_lines && (rec.flags & KA_LOG_CONT) && !(rec.flags & KA_LOG_PREFIX) &&
			   (l->flags_before & KA_LOG_CONT) && !(l->flags_before & KA_LOG_NEWLINE);
	l->flags_before = rec.flags;
	ka_vec_push(&l->r->records, rec);
}

/* The next sound record behind a broken one, by its lengths that must agree; the size when there is none. */
static size_t resync(const struct log *l, size_t idx, size_t end)
{
	struct printk_log h;

	for (idx += LOG_ALIGN; idx < end; idx += LOG_ALIGN) {
		if (idx + l->header > l->have)
			return end;
		if (header_at(l, idx, &h) && h.len && is_sound(l, idx, &h))
			return idx;
	}
	return end;
}

/* Records from idx up to end. Returns true when the mark of the buffer's end (a record of no length) was met. */
static bool read_records(struct log *l, size_t idx, size_t end)
{
	struct printk_log h;

	while (idx < end && !ka_interrupted()) {
		if (!header_at(l, idx, &h)) {
			ka_log_fault(l->r, ka_error_at(KA_TRUNCATED, KA_SPACE_VIRT, l->at + idx,
						       "record at %#zx cannot be read", idx));
			return false;
		}
		if (!h.len)
			return true;
		if (is_sound(l, idx, &h) && idx + h.len <= l->have) {
			add_record(l, idx, &h);
			idx += h.len;
			continue;
		}
		ka_log_fault(l->r,
			     ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, l->at + idx,
					 "record at %#zx: its lengths do not agree (%u bytes, text %u, dictionary %u)",
					 idx, h.len, h.text_len, h.dict_len));
		idx = resync(l, idx, end);
	}
	return false;
}

/* The whole buffer; grows as long as there is something to read, whatever size the dump claims. */
static struct ka_error *load(struct ka_log_reader *r, ka_addr at, uint64_t size, uint8_t **ret, size_t *ret_have)
{
	struct ka_error *err = NULL;
	size_t have = 0, room;

	if (!size || size > LOG_BYTES_MAX)
		return ka_error_new(KA_CORRUPT, "log buffer of %" PRIu64 " bytes", size);
	*ret = NULL;
	for (room = 1 << 16; !err && have < size; room *= 4) {
		size_t want = KA_MIN((uint64_t)room, size);

		*ret = ka_xrealloc(*ret, want);
		have += ka_read_some(r->k, at + have, *ret + have, want - have, &err);
	}
	*ret_have = have;
	ka_log_fault(r, ka_error_wrap(err, "log buffer: only %zu of %" PRIu64 " bytes can be read", have, size));
	return NULL;
}

struct ka_error *ka_log_read_variable(struct ka_log_reader *r)
{
	struct log l = { .r = r, .header = ka_view_size(r->k, &ka_view_printk_log) };
	uint64_t size, first, next;
	struct ka_symbol s;
	struct ka_error *err;

	err = ka_view_bind(r->k, &ka_view_printk_log);
	if (!err)
		err = ka_symbol_ulong(r->k, "log_buf", &l.at);
	if (!err)
		err = ka_symbol_value(r->k, "log_buf_len", &size);
	if (!err)
		err = ka_symbol_value(r->k, "log_first_idx", &first);
	if (!err)
		err = ka_symbol_value(r->k, "log_next_idx", &next);
	if (!err)
		err = load(r, l.at, size &= UINT32_MAX, &l.bytes, &l.have);
	if (err)
		return err;
	if (!ka_symbol_lookup(r->k, "log_first_seq", &s) || ka_error_drop(ka_read_u64(r->k, s.addr, &l.seq)))
		l.seq = 0;
	l.size = size;
	l.has_caller = KA_HAS(r->k, printk_log, caller);
	/*
	 * Without a vmlinux (VMCOREINFO does not tell of log_first_seq) the age is told by how x86_64 told phys_base: by its
	 * address until 401721ecd1dc (v4.10, too). Elsewhere lines are then not joined.
	 */
	l.joins_lines = ka_symbol_lookup(r->k, "syslog_prev", &s) ||
			(!ka_symbol_lookup(r->k, "log_first_seq", &s) && ka_vmcoreinfo(r->k, "SYMBOL(phys_base)"));
	first &= UINT32_MAX;
	next &= UINT32_MAX;
	if (first >= size || next > size) {
		ka_log_fault(r, ka_error_new(KA_CORRUPT,
					     "log_first_idx %" PRIu64 " and log_next_idx %" PRIu64
					     " of a buffer of %" PRIu64 " bytes: reading it from its start",
					     first, next, size));
		first = 0;
		next = size;
	}
	if (first < next) {
		read_records(&l, first, next);
	} else if (first > next) {
		read_records(&l, first, size);
		read_records(&l, 0, next);
	}
	free(l.bytes);
	return ka_interrupted() ? ka_error_new(KA_INTERRUPTED, "interrupted") : NULL;
}

/* "[   12.345678] " */
static size_t time_prefix(const char *s, size_t n, uint64_t *ret_ns)
{
	uint64_t sec = 0, usec = 0;
	size_t i = 1, digits = 0;

	if (n < 4 || s[0] != '[')
		return 0;
	while (i < n && s[i] == ' ')
		i++;
	for (; i < n && s[i] >= '0' && s[i] <= '9' && digits < 12; i++, digits++)
		sec = sec * 10 + (s[i] - '0');
	if (!digits || i + 9 > n || s[i] != '.')
		return 0;
	for (size_t j = 1; j <= 6; j++) {
		if (s[i + j] < '0' || s[i + j] > '9')
			return 0;
		usec = usec * 10 + (s[i + j] - '0');
	}
	if (s[i + 7] != ']' || s[i + 8] != ' ')
		return 0;
	*ret_ns = sec * 1000000000 + usec * 1000;
	return i + 9;
}

static void add_line(struct ka_log_reader *r, const char *s, size_t n)
{
	struct ka_log_record rec = { .seq = r->records.n };
	size_t skip;

	/* "<6>": the level; with a facility the number is larger. "<c>" and "<d>": continued, default. */
	if (n >= 3 && s[0] == '<' && s[1] >= '0' && s[1] <= '9') {
		unsigned number = 0;

		for (skip = 1; skip < n && skip < 5 && s[skip] >= '0' && s[skip] <= '9'; skip++)
			number = number * 10 + (s[skip] - '0');
		if (skip < n && s[skip] == '>') {
			rec.level = number & 7;
			rec.facility = number >> 3;
			rec.has_level = true;
			s += skip + 1;
			n -= skip + 1;
		}
	} else if (n >= 3 && s[0] == '<' && (s[1] == 'c' || s[1] == 'd') && s[2] == '>') {
		s += 3;
		n -= 3;
	}
	/* CONFIG_PRINTK_TIME put the time into the text. */
	skip = time_prefix(s, n, &rec.time_ns);
	rec.has_time = skip;
	rec.text = ka_strndup(r->a, s + skip, n - skip);
	rec.text_size = n - skip;
	ka_vec_push(&r->records, rec);
}

struct ka_error *ka_log_read_plain(struct ka_log_reader *r)
{
	struct ka_symbol s, len;
	struct ka_error *err = NULL;
	uint64_t at = 0, size = 0, end = 0, start, line = 0;
	uint8_t *bytes;
	char *text;
	size_t have, n = 0;

	if (!ka_symbol_lookup(r->k, "log_buf", &s))
		return ka_error_new(KA_MISSING, "this kernel has no symbol log_buf");
	/* A pointer, and its length beside it; before v2.6 the array itself. */
	if (ka_symbol_lookup(r->k, "log_buf_len", &len)) {
		err = ka_symbol_ulong(r->k, "log_buf", &at);
		if (!err)
			err = ka_symbol_value(r->k, "log_buf_len", &size);
		size &= INT32_MAX;
	} else {
		at = s.addr;
		size = s.size;
	}
	if (!err)
		err = ka_symbol_value(r->k, "log_end", &end);
	if (!err)
		err = load(r, at, size, &bytes, &have);
	if (err)
		return err;
	/* log_end counts on beyond the buffer; its size is a power of two. */
	start = end > size ? end & (size - 1) : 0;
	end = KA_MIN(end, size);
	text = ka_xalloc(have + 1);
	for (uint64_t i = 0; i < end; i++) {
		uint64_t from = start + i < size ? start + i : start + i - size;

		if (from < have && bytes[from])
			text[n++] = bytes[from];
		else if (from >= have && from < start)
			break;
		else if (from >= have)
			i = size - start - 1;	/* goes on at the buffer's start */
	}
	for (size_t i = 0; i <= n; i++) {
		if (i < n && text[i] != '\n')
			continue;
		if (i < n || i > line)
			add_line(r, text + line, i - line);
		line = i + 1;
	}
	free(text);
	free(bytes);
	return NULL;
}

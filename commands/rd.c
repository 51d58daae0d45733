/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rd: memory as it lies there: kernel virtual, physical, or of a process. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>
#include <kanalyze/command.h>
#include <kanalyze/dump.h>
#include <kanalyze/expr.h>
#include <kanalyze/slab.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include "words.h"

#define LINE_BYTES 16
#define TEXT_LINE 60		/* characters a line of -a */
#define TEXT_MAX 65536		/* of -a without a count */
#define CHUNK 65536		/* bytes read at once, a multiple of LINE_BYTES and TEXT_LINE's lines are cut anyway */

enum { HEX, DECIMAL, UNSIGNED };

struct rd_row {
	ka_addr address;
	const char *const *values;
	const char *values_text, *ascii, *ascii_text;
};
KA_LINES(rd_row, "memory", "{address:16}:  {values_text}{ascii_text?%}",
	KA_COL(rd_row, address, KA_ADDR, "of the first value"),
	KA_COLF(rd_row, values, KA_LIST, KA_ONLY_JSON, "values, as text: hexadecimal with 0x, or decimal (-d, -D), or symbols (-s)"),
	KA_COLF(rd_row, values_text, KA_TEXT, KA_ONLY_TEXT, "the same, in columns"),
	KA_COLF(rd_row, ascii, KA_TEXT, KA_ONLY_JSON, "the bytes as characters, . for what cannot be printed"),
	KA_COLF(rd_row, ascii_text, KA_TEXT, KA_ONLY_TEXT, "the same"));

struct rd_saved {
	uint64_t bytes;
	ka_addr address;
	const char *file;
};
KA_LINES(rd_saved, "saved", "{bytes} bytes copied from {address:X} to {file}",
	KA_COL(rd_saved, bytes, KA_UINT, "bytes written"),
	KA_COL(rd_saved, address, KA_ADDR, "where they came from"),
	KA_COL(rd_saved, file, KA_TEXT, "the file"));

struct request {
	struct ka_call *c;
	enum ka_space space;
	ka_addr mm;
	unsigned width;			/* bytes of a value */
	int format;
	bool is_symbolic, is_swapped, has_ascii;
	unsigned slab;			/* 1: names of slab caches (-S), 2: with the value (-SS) */
	ka_addr start;
	uint64_t bytes;
};

/* As much as is there from the start. */
static size_t read_some(const struct request *r, uint64_t at, uint8_t *ret, size_t size, struct ka_error **err)
{
	struct ka_kernel *k = r->c->k;
	uint64_t page = ka_page_size(k);
	size_t done = 0;

	*err = NULL;
	if (r->space == KA_SPACE_USER)
		return ka_read_user(k, r->mm, at, ret, size, err);
	if (r->space == KA_SPACE_FILE)
		return ka_dump_read(k, at, ret, size, err);
	if (r->space == KA_SPACE_VIRT)
		return ka_read_some(k, at, ret, size, err);
	while (done < size && !*err) {
		size_t part = KA_MIN(size - done, (size_t)(page - ((at + done) & (page - 1))));

		*err = ka_read_phys(k, (ka_phys){ at + done }, ret + done, part);
		if (!*err)
			done += part;
	}
	return done;
}

static const char *symbol_text(const struct request *r, struct ka_arena *a, uint64_t value)
{
	struct ka_slab_object o;
	struct ka_symbol s;
	uint64_t offset;

	if (r->slab && ka_slab_find(r->c->k, value, &o))
		return r->slab > 1 ? ka_printf(a, "[%" PRIx64 ":%s]", value, o.name) : ka_printf(a, "[%s]", o.name);
	if (!ka_is_kernel_addr(r->c->k, value) || !ka_symbol_at(r->c->k, value, &s, &offset))
		return NULL;
	return offset ? ka_printf(a, "%s+%" PRIu64, s.name, offset) : s.name;
}

/* One value in its column; the column's width is that of the longest number of its size. */
static const char *value_text(const struct request *r, struct ka_arena *a, uint64_t value, struct ka_str *columns)
{
	static const int signed_width[] = { [1] = 3, [2] = 5, [4] = 12, [8] = 15 };
	static const int unsigned_width[] = { [1] = 3, [2] = 5, [4] = 12, [8] = 20 };
	unsigned shift = 64 - 8 * r->width;
	int64_t with_sign = (int64_t)(value << shift) >> shift;
	const char *symbol = r->is_symbolic && r->width == ka_long_size(r->c->k) ? symbol_text(r, a, value) : NULL;

	if (symbol) {
		ka_str_printf(columns, "%-*s ", (int)r->width * 2, symbol);
		return symbol;
	}
	switch (r->format) {
	case DECIMAL:
		ka_str_printf(columns, "%*" PRId64 " ", signed_width[r->width], with_sign);
		return ka_printf(a, "%" PRId64, with_sign);
	case UNSIGNED:
		ka_str_printf(columns, "%*" PRIu64 " ", unsigned_width[r->width], value);
		return ka_printf(a, "%" PRIu64, value);
	default:
		ka_str_printf(columns, "%0*" PRIx64 " ", (int)r->width * 2, value);
		return ka_printf(a, "0x%0*" PRIx64, (int)r->width * 2, value);
	}
}

static char printable(uint8_t byte)
{
	return byte >= 0x20 && byte < 0x7f ? (char)byte : '.';
}

static void show_line(const struct request *r, ka_addr at, const uint8_t *bytes, size_t size)
{
	/* a line's strings need not outlive it: an arena for each keeps a long dump small */
	struct ka_arena *a = ka_arena_new();
	struct ka_str columns = {0}, ascii = {0};
	const char *values[LINE_BYTES + 1] = {0};
	struct rd_row row = { .address = at, .values = values };
	size_t n = size / r->width;

	for (size_t i = 0; i < n; i++) {
		const uint8_t *b = bytes + i * r->width;
		uint8_t turned[8];

		for (unsigned j = 0; j < r->width; j++)
			turned[j] = b[r->is_swapped ? r->width - 1 - j : j];
		values[i] = value_text(r, a, ka_uint_from(r->c->k, turned, r->width), &columns);
	}
	if (r->has_ascii) {
		size_t room = (size_t)LINE_BYTES / r->width * (r->width * 2 + 1);

		ka_str_pad(&columns, ' ', room > columns.len ? room - columns.len : 0);
		ka_str_add(&columns, "  ");
		for (size_t i = 0; i < n * r->width; i++)
			ka_str_addc(&ascii, printable(bytes[i]));
		row.ascii = row.ascii_text = ascii.p;
	} else {
		while (columns.len && columns.p[columns.len - 1] == ' ')
			columns.p[--columns.len] = 0;
	}
	row.values_text = columns.p;
	ka_out_row(r->c->out, &ka_rows_rd_row, &row);
	ka_str_free(&columns);
	ka_str_free(&ascii);
	ka_arena_free(a);
}

/* -a: characters alone. is_string: to the first that cannot be printed, as crash has it. */
static bool show_text(const struct request *r, ka_addr at, const uint8_t *bytes, size_t size, bool is_string)
{
	for (size_t done = 0; done < size; done += TEXT_LINE) {
		size_t n = KA_MIN(size - done, (size_t)TEXT_LINE);
		struct rd_row row = { .address = at + done, .values_text = "" };
		char text[TEXT_LINE + 1] = "";
		bool is_end = false;

		for (size_t i = 0; i < n && !is_end; i++) {
			is_end = is_string && (bytes[done + i] < 0x20 || bytes[done + i] >= 0x7f);
			if (is_end)
				n = i;
			else
				text[i] = printable(bytes[done + i]);
		}
		row.ascii = row.ascii_text = text;
		/* an empty string is shown, but not an empty rest of one */
		if (n || (at == r->start && !done))
			ka_out_row(r->c->out, &ka_rows_rd_row, &row);
		if (is_end)
			return true;
	}
	return false;
}

static struct ka_error *show(const struct request *r, bool is_text, bool is_string)
{
	/* lines of text are cut at 60, the others at 16 */
	size_t chunk = is_text ? TEXT_LINE * 64 : CHUNK;
	uint8_t *bytes = ka_xalloc(chunk);
	struct ka_error *err = NULL;

	for (uint64_t done = 0; done < r->bytes && !err;) {
		size_t want = KA_MIN((uint64_t)chunk, r->bytes - done), n;

		if (ka_interrupted()) {
			err = ka_error_new(KA_INTERRUPTED, "interrupted");
			break;
		}
		n = read_some(r, r->start + done, bytes, want, &err);
		if (is_text) {
			if (show_text(r, r->start + done, bytes, n, is_string)) {
				/* the string ended before what could not be read */
				ka_error_drop(err);
				err = NULL;
				break;
			}
		} else {
			for (size_t i = 0; i < n; i += LINE_BYTES)
				show_line(r, r->start + done + i, bytes + i, KA_MIN(n - i, (size_t)LINE_BYTES));
		}
		done += n;
	}
	free(bytes);
	return err;
}

static struct ka_error *save(const struct request *r, const char *path)
{
	struct rd_saved row = { .address = r->start, .file = path };
	uint8_t *bytes;
	struct ka_error *err = NULL;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		return ka_error_new(KA_IO, "cannot write %s: %s", path, strerror(errno));
	bytes = ka_xalloc(CHUNK);
	while (row.bytes < r->bytes && !err) {
		size_t want = KA_MIN((uint64_t)CHUNK, r->bytes - row.bytes), n = read_some(r, r->start + row.bytes, bytes, want, &err);

		if (ka_interrupted() && !err)
			err = ka_error_new(KA_INTERRUPTED, "interrupted");
		for (size_t done = 0; done < n;) {
			ssize_t wrote = write(fd, bytes + done, n - done);

			if (wrote < 0 && errno == EINTR)
				continue;
			if (wrote <= 0) {
				ka_error_drop(err);
				err = ka_error_new(KA_IO, "cannot write %s: %s", path, wrote ? strerror(errno) : "nothing was taken");
				n = done;
				break;
			}
			done += (size_t)wrote;
		}
		row.bytes += n;
	}
	if (close(fd) && !err)
		err = ka_error_new(KA_IO, "cannot write %s: %s", path, strerror(errno));
	free(bytes);
	ka_out_row(r->c->out, &ka_rows_rd_saved, &row);
	return err;
}

/* Which memory: as the options say; else a user address is of the current task. */
static struct ka_error *choose_space(struct request *r)
{
	struct ka_call *c = r->c;
	struct ka_task t;
	struct ka_error *err;

	if (ka_call_has(c, "p") + ka_call_has(c, "u") + ka_call_has(c, "f") > 1)
		return ka_call_usage(c, "only one of -p, -u and -f can be given");
	if (ka_call_has(c, "m"))
		return ka_error_new(KA_UNSUPPORTED, "-m is of machine addresses of a Xen host, and this is no dump of one");
	if (ka_call_has(c, "p"))
		r->space = KA_SPACE_PHYS;
	else if (ka_call_has(c, "f"))
		r->space = KA_SPACE_FILE;
	else if (ka_call_has(c, "u") || !ka_is_kernel_addr(c->k, r->start))
		r->space = KA_SPACE_USER;
	else
		r->space = KA_SPACE_VIRT;
	if (r->space != KA_SPACE_USER)
		return NULL;
	err = ka_task_read(c->k, ka_call_task(c), &t);
	if (err)
		return ka_error_wrap(err, "0x%" PRIx64 " is no kernel address, and the current task cannot be read", r->start);
	if (!t.mm)
		return ka_error_at(KA_NOT_FOUND, KA_SPACE_USER, r->start, "0x%" PRIx64 " is no kernel address, and the current task (pid %d) "
				   "has no user memory", r->start, t.pid);
	r->mm = t.mm;
	return NULL;
}

static struct ka_error *options_read(struct request *r)
{
	static const struct { const char *name; unsigned width; } widths[] = { { "8", 1 }, { "16", 2 }, { "32", 4 }, { "64", 8 } };
	struct ka_call *c = r->c;
	bool is_signed = ka_call_has(c, "d"), is_unsigned = ka_call_has(c, "D"), is_hex = ka_call_has(c, "x");
	unsigned given = 0;

	r->width = ka_long_size(c->k);
	for (size_t i = 0; i < KA_COUNT(widths); i++) {
		if (!ka_call_has(c, widths[i].name))
			continue;
		r->width = widths[i].width;
		given++;
	}
	if (given > 1)
		return ka_call_usage(c, "only one of -8, -16, -32 and -64 can be given");
	if (is_signed + is_unsigned + is_hex > 1)
		return ka_call_usage(c, "only one of -d, -D and -x can be given");
	r->format = is_signed ? DECIMAL : is_unsigned ? UNSIGNED : HEX;
	for (size_t i = 0; i < c->option_count; i++)
		r->slab += c->options[i].option->name[0] == 'S' ? (unsigned)strlen(c->options[i].option->name) : 0;
	r->is_symbolic = ka_call_has(c, "s") || r->slab;
	if (r->is_symbolic && r->width != ka_long_size(c->k))
		return ka_call_usage(c, "-s and -S are of values that are as wide as an address");
	r->is_swapped = ka_call_has(c, "N");
	r->has_ascii = r->format == HEX && !r->is_symbolic && !is_hex;
	return NULL;
}

static struct ka_error *offset_add(struct ka_call *c, ka_addr *at)
{
	const char *text = ka_call_value(c, "o");
	uint64_t offset;
	struct ka_error *err;

	if (!text)
		return NULL;
	err = ka_expr_number(NULL, text, KA_EXPR_DECIMAL, &offset);
	if (!err)
		*at += offset;
	return ka_error_wrap(err, "-o %s", text);
}

/* count values, or to the end address; -R: they end with the one at the address. */
static struct ka_error *extent(struct request *r, bool is_text)
{
	struct ka_call *c = r->c;
	const char *end_text = ka_call_value(c, "e");
	unsigned size = is_text || ka_call_has(c, "r") ? 1 : r->width;
	uint64_t count = 1, end;
	struct ka_error *err;

	if (end_text && c->argc > 1)
		return ka_call_usage(c, "either a count or an end (-e) can be given");
	if (end_text && ka_call_has(c, "R"))
		return ka_call_usage(c, "-R goes backwards by a count: -e is not for it");
	if (end_text) {
		err = ka_parse_address(c->k, end_text, &end);
		if (err)
			return ka_error_wrap(err, "-e %s", end_text);
		if (end <= r->start)
			return ka_call_usage(c, "the end 0x%" PRIx64 " is not above the start 0x%" PRIx64, end, r->start);
		r->bytes = (end - r->start) / size * size;
		if (!r->bytes)
			r->bytes = size;
		return NULL;
	}
	if (c->argc > 1) {
		err = ka_expr_number(NULL, c->argv[1], KA_EXPR_DECIMAL, &count);
		if (err)
			return ka_error_wrap(err, "'%s' is no count", c->argv[1]);
	} else if (is_text) {
		count = TEXT_MAX;
	}
	if (!count)
		return ka_call_usage(c, "a count of 0 shows nothing");
	if (count > UINT64_MAX / size)
		return ka_call_usage(c, "'%s' is more than there are addresses", c->argv[1]);
	r->bytes = count * size;
	if (ka_call_has(c, "R")) {
		if (r->bytes - size > r->start)
			return ka_call_usage(c, "%" PRIu64 " values before 0x%" PRIx64 " would start below 0", count, r->start);
		r->start -= r->bytes - size;
	}
	/* what would run over the end of the address space stops there */
	if (r->bytes - 1 > UINT64_MAX - r->start)
		r->bytes = UINT64_MAX - r->start + 1;
	return NULL;
}

static struct ka_error *run(struct ka_call *c)
{
	struct request r = { .c = c };
	bool is_text = ka_call_has(c, "a");
	const char *file = ka_call_value(c, "r");
	struct ka_error *err;

	if (!c->argc)
		return ka_call_usage(c, "rd needs an address or a symbol");
	ka_words_join(c);
	if (c->argc > 2)
		return ka_call_usage(c, "too many arguments: put an expression with blanks into parentheses or double quotes");
	err = options_read(&r);
	if (!err) {
		err = ka_call_has(c, "p") || ka_call_has(c, "f") ?
			ka_expr_number(c->k, c->argv[0], KA_EXPR_HEX | KA_EXPR_ADDRESSES, &r.start) :
			ka_parse_address(c->k, c->argv[0], &r.start);
		err = ka_error_wrap(err, "'%s'", c->argv[0]);
		if (!err)
			ka_words_twins(c, c->argv[0]);
	}
	if (!err)
		err = offset_add(c, &r.start);
	if (!err)
		err = choose_space(&r);
	if (!err)
		err = extent(&r, is_text);
	if (err)
		return err;
	if (file && *file)
		return save(&r, file);
	return show(&r, is_text, is_text && c->argc < 2 && !ka_call_has(c, "e"));
}

static const struct ka_option options[] = {
	{ "p", NULL, "the address is a physical one", false },
	{ "u", NULL, "the address is one of the current task's user memory", false },
	{ "8", NULL, "bytes", false },
	{ "16", NULL, "values of 16 bits", false },
	{ "32", NULL, "values of 32 bits", false },
	{ "64", NULL, "values of 64 bits", false },
	{ "d", NULL, "signed decimal numbers", false },
	{ "D", NULL, "unsigned decimal numbers", false },
	{ "x", NULL, "hexadecimal numbers without the characters beside them", false },
	{ "a", NULL, "characters alone, 60 a line; without a count to the end of the text", false },
	{ "N", NULL, "values of several bytes are big-endian (network order)", false },
	{ "R", NULL, "backwards: the value at the address is the last one shown", false },
	{ "s", NULL, "symbols instead of the numbers that are addresses of some", false },
	{ "S", NULL, "as -s, and names of slab caches for addresses in objects of them; twice: with the address", false },
	{ "SS", NULL, "the same as -S -S", false },
	{ "f", NULL, "the address is an offset into the dump file", false },
	{ "m", NULL, "the address is a machine address of a Xen host: refused, such dumps are not read", false },
	{ "o", "OFFSET", "add this to the address (decimal, or 0x)", false },
	{ "e", "ADDR", "end: the first address not shown, instead of a count", false },
	{ "r", "FILE", "write the bytes into FILE instead; the count is one of bytes", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_rd_row, &ka_rows_rd_saved, NULL };

const struct ka_command ka_command_rd = {
	.name = "rd",
	.args = "[-adDfmNpRsSux] [-8 | -16 | -32 | -64] [-o OFFSET] [-e ADDR] [-r FILE] ADDR [COUNT]",
	.brief = "read memory",
	.help =
		"COUNT values from ADDR on, one when there is no COUNT, of the size of a long when there\n"
		"is no option for it. ADDR is a number (hexadecimal, with 0x or without), a symbol,\n"
		"VARIABLE:CPU, or an expression of these as of eval. An address that is none of the\n"
		"kernel's is taken for one of the current task (set PID). COUNT is decimal, or\n"
		"hexadecimal with 0x.\n"
		"\n"
		"Where the memory is not in the dump, what comes before is shown, and then why.\n"
		"\n"
		"    rd jiffies\n"
		"    rd -32 init_task 8\n"
		"    rd -a linux_banner\n"
		"    rd -s ffffc9000001fe00 64\n"
		"    rd -p 1000 -e 1100\n"
		"    rd runqueues:1 4\n"
		"    rd -SS init_task 16\n"
		"    rd -f 0 16\n",
	.options = options,
	.needs = KA_IN_CONTEXT | KA_EACH_ALONE,
	.rows = rows,
	.run = run,
};

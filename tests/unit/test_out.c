/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Documents: tables, nesting, JSON, JSON lines, faults, sinks; and that a hundred thousand rows are quick. */
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "out.h"

struct stack_row { int32_t pid; const char *comm; };
KA_LINES(stack_row, "stacks", "PID: {pid} \"{comm}\"",
	KA_COL(stack_row, pid, KA_INT, "h"), KA_COL(stack_row, comm, KA_TEXT, "h"));
struct frame_row { uint32_t level; uint64_t ip; };
KA_ROWS(frame_row, "frames", "LEVEL IP", "#{level} [{ip:016}]",
	KA_COL(frame_row, level, KA_UINT, "h"), KA_COL(frame_row, ip, KA_ADDR, "h"));
struct reg_row { const char *name; };
KA_LINES(reg_row, "regs", "{name}", KA_COL(reg_row, name, KA_TEXT, "h"));
struct system_row { const char *release, *none; double load; int32_t hidden; };
KA_RECORD(system_row, "system",
	KA_CELL(system_row, release, KA_TEXT, 0, "RELEASE", "h"), KA_CELL(system_row, none, KA_TEXT, 0, "NONE", "h"),
	KA_CELL(system_row, load, KA_FLOAT, 0, "LOAD AVERAGE IS LONG", "h"), KA_COLF(system_row, hidden, KA_INT, KA_ONLY_JSON, "h"));

static struct ka_sink sink;
static struct ka_out *out;

static void start(enum ka_out_format format)
{
	ka_sink_init(&sink, -1, false);
	out = ka_out_new();
	ka_out_direct(out, &sink, format, false);
}

static char result[65536];

static const char *finish(void)
{
	snprintf(result, sizeof(result), "%s", sink.buf.p ? sink.buf.p : "");
	CHECK(!ka_error_drop(ka_sink_close(&sink)));
	ka_out_free(out);
	return result;
}

static void stack_put(int pid)
{
	ka_out_begin(out, &ka_rows_stack_row, &(struct stack_row){ pid, "a" });
	for (unsigned i = 0; i < 2; i++) {
		ka_out_row(out, &ka_rows_frame_row, &(struct frame_row){ i, 16 + i });
		ka_out_row(out, &ka_rows_reg_row, &(struct reg_row){ "rip" });
	}
	ka_out_end(out);
}

static void all_put(void)
{
	struct ka_error *err = ka_error_new(KA_CORRUPT, "bad");

	ka_out_document_begin(out, "bt", &ka_rows_stack_row);
	ka_out_row(out, &ka_rows_reg_row, &(struct reg_row){ "first" });
	stack_put(1);
	if (!ka_out_is_text(out))
		ka_out_fault(out, err);
	ka_error_free(err);
	ka_out_note(out, "%s", "");
	stack_put(2);
	ka_out_row(out, &ka_rows_system_row, &(struct system_row){ "6.1", NULL, 0.5, 3 });
	ka_out_document_end(out);
}

static void check_text(void)
{
	start(KA_OUT_TEXT);
	all_put();
	CHECK_STR(finish(), "first\n"
			    "PID: 1 \"a\"\nLEVEL IP\n#0 [0000000000000010]\nrip\n#1 [0000000000000011]\nrip\n\n"
			    "PID: 2 \"a\"\nLEVEL IP\n#0 [0000000000000010]\nrip\n#1 [0000000000000011]\nrip\n"
			    "             RELEASE: 6.1\nLOAD AVERAGE IS LONG: 0.50\n");

	/* One heading a table, rows of the same kind within it included; again after new_table. */
	start(KA_OUT_TEXT);
	ka_out_document_begin(out, "x", NULL);
	ka_out_begin(out, &ka_rows_frame_row, &(struct frame_row){ 0, 0 });
	ka_out_row(out, &ka_rows_frame_row, &(struct frame_row){ 1, 0 });
	ka_out_end(out);
	ka_out_row(out, &ka_rows_frame_row, &(struct frame_row){ 2, 0 });
	ka_out_new_table(out);
	ka_out_row(out, &ka_rows_frame_row, &(struct frame_row){ 3, 0 });
	ka_out_document_end(out);
	ka_out_document_begin(out, "y", NULL);
	ka_out_row(out, &ka_rows_frame_row, &(struct frame_row){ 4, 0 });
	ka_out_document_end(out);
	CHECK_STR(finish(), "LEVEL IP\n#0 [0000000000000000]\n#1 [0000000000000000]\n#2 [0000000000000000]\n"
			    "LEVEL IP\n#3 [0000000000000000]\nLEVEL IP\n#4 [0000000000000000]\n");
}

#define STACK(pid) "{\"pid\":" #pid ",\"comm\":\"a\",\"frames\":[{\"level\":0,\"ip\":\"0x10\"},{\"level\":1,\"ip\":\"0x11\"}]," \
		   "\"regs\":[{\"name\":\"rip\"},{\"name\":\"rip\"}]}"
#define ERROR	   "\"code\":\"CORRUPT\",\"message\":\"bad\",\"space\":null,\"address\":null}"
#define SYSTEM	   "\"release\":\"6.1\",\"none\":null,\"load\":0.5,\"hidden\":3}"

static void check_json(void)
{
	start(KA_OUT_JSON);
	all_put();
	CHECK_STR(finish(), "{\"command\":\"bt\",\"regs\":[{\"name\":\"first\"}],\"stacks\":[" STACK(1) "," STACK(2) "],"
			    "\"system\":{" SYSTEM ",\"errors\":[{" ERROR "]}\n");

	start(KA_OUT_JSON);
	ka_out_document_begin(out, "bt", &ka_rows_stack_row);
	ka_out_document_end(out);
	ka_out_document_begin(out, "a\"b", NULL);
	ka_out_row(out, &ka_rows_system_row, &(struct system_row){ "1", NULL, 1, 1 });
	ka_out_row(out, &ka_rows_system_row, &(struct system_row){ "2", NULL, 2, 2 });
	ka_out_document_end(out);
	CHECK_STR(finish(), "{\"command\":\"bt\",\"stacks\":[],\"errors\":[]}\n"
			    "{\"command\":\"a\\\"b\",\"system\":[{\"release\":\"1\",\"none\":null,\"load\":1,\"hidden\":1},"
			    "{\"release\":\"2\",\"none\":null,\"load\":2,\"hidden\":2}],\"errors\":[]}\n");

	/* A command that runs commands leaves no empty document; what it says itself is one of its own. */
	start(KA_OUT_JSON);
	ka_out_document_begin(out, "repeat", NULL);
	ka_out_document_begin(out, "bt", &ka_rows_stack_row);
	ka_out_document_end(out);
	ka_out_document_end(out);
	ka_out_document_begin(out, "foreach", NULL);
	ka_out_row(out, &ka_rows_reg_row, &(struct reg_row){ "x" });
	ka_out_document_begin(out, "bt", NULL);
	/* left in the middle of a row */
	ka_out_begin(out, &ka_rows_reg_row, &(struct reg_row){ "y" });
	ka_out_document_end(out);
	ka_out_document_end(out);
	CHECK_STR(finish(), "{\"command\":\"bt\",\"stacks\":[],\"errors\":[]}\n"
			    "{\"command\":\"foreach\",\"regs\":[{\"name\":\"x\"}],\"errors\":[]}\n"
			    "{\"command\":\"bt\",\"regs\":[{\"name\":\"y\"}],\"errors\":[]}\n");
}

static void check_jsonl(void)
{
	start(KA_OUT_JSONL);
	all_put();
	CHECK_STR(finish(), "{\"command\":\"bt\",\"row\":\"regs\",\"name\":\"first\"}\n"
			    "{\"command\":\"bt\",\"row\":\"stacks\",\"pid\":1,\"comm\":\"a\",\"frames\":[{\"level\":0,\"ip\":\"0x10\"},"
			    "{\"level\":1,\"ip\":\"0x11\"}],\"regs\":[{\"name\":\"rip\"},{\"name\":\"rip\"}]}\n"
			    "{\"command\":\"bt\",\"row\":\"errors\"," ERROR "\n"
			    "{\"command\":\"bt\",\"row\":\"stacks\",\"pid\":2,\"comm\":\"a\",\"frames\":[{\"level\":0,\"ip\":\"0x10\"},"
			    "{\"level\":1,\"ip\":\"0x11\"}],\"regs\":[{\"name\":\"rip\"},{\"name\":\"rip\"}]}\n"
			    "{\"command\":\"bt\",\"row\":\"system\"," SYSTEM "\n");
}

static void check_deep(enum ka_out_format format)
{
	start(format);
	ka_out_document_begin(out, "deep", NULL);
	for (int i = 0; i < 100; i++)
		ka_out_begin(out, &ka_rows_reg_row, &(struct reg_row){ "d" });
	for (int i = 0; i < 100; i++)
		ka_out_end(out);
	ka_out_end(out);
	ka_out_row(out, &ka_rows_frame_row, &(struct frame_row){ 7, 7 });
	ka_out_document_end(out);
	finish();
	CHECK(strstr(result, format == KA_OUT_TEXT ? "#7 [0000000000000007]" : "\"level\":7"));
}

/* Faults stand where they happened, though they go to another descriptor. */
static void check_order(void)
{
	struct ka_error *err = ka_error_new(KA_CORRUPT, "bad \033[2J");
	char name[] = "/tmp/kanalyze-out-XXXXXX", text[256] = "";
	int fd = mkstemp(name), saved = dup(2);

	out = ka_out_new();
	ka_sink_init(&sink, fd, false);
	ka_out_direct(out, &sink, KA_OUT_TEXT, false);
	fcntl(fd, F_SETFL, O_APPEND);
	dup2(fd, 2);
	ka_out_document_begin(out, "bt", NULL);
	ka_out_row(out, &ka_rows_reg_row, &(struct reg_row){ "one" });
	ka_out_fault(out, err);
	ka_out_row(out, &ka_rows_reg_row, &(struct reg_row){ "two" });
	ka_out_document_end(out);
	CHECK(!ka_error_drop(ka_sink_close(&sink)));
	dup2(saved, 2);
	close(saved);
	CHECK(pread(fd, text, sizeof(text) - 1, 0) > 0);
	CHECK_STR(text, "one\nkanalyze: bt: bad \\x1b[2J\ntwo\n");
	close(fd);
	unlink(name);
	ka_error_free(err);
	ka_out_free(out);
}

static void check_full_disk(void)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	out = ka_out_new();
	ka_sink_init(&sink, fd, true);
	ka_out_direct(out, &sink, KA_OUT_TEXT, false);
	ka_out_row(out, &ka_rows_reg_row, &(struct reg_row){ "one" });
	CHECK(ka_error_drop(ka_sink_close(&sink)));
	ka_interrupt_clear();
	ka_out_free(out);
}

static void check_speed(enum ka_out_format format, const char *name)
{
	struct timespec a, b;
	double s;
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	out = ka_out_new();
	ka_sink_init(&sink, fd, true);
	ka_out_direct(out, &sink, format, false);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	ka_out_document_begin(out, "speed", NULL);
	for (unsigned i = 0; i < 100000; i++)
		ka_out_row(out, &ka_rows_frame_row, &(struct frame_row){ i, 0xffffffff81000000 + i });
	ka_out_document_end(out);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	CHECK(!ka_error_drop(ka_sink_close(&sink)));
	ka_out_free(out);
	s = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	printf("%s: 100000 rows in %.3f s\n", name, s);
	CHECK(s < 2);	/* under a sanitizer; 0.05 s without */
}

CHECK_MAIN
{
	check_text();
	check_json();
	check_jsonl();
	check_deep(KA_OUT_TEXT);
	check_deep(KA_OUT_JSON);
	check_order();
	check_full_disk();
	check_speed(KA_OUT_TEXT, "text");
	check_speed(KA_OUT_JSON, "json");
}

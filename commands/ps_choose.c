/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which tasks ps shows: by pid, address, command name, regular expression, and the filters among its options. */
#include <kanalyze/filter.h>
#include <regex.h>
#include "ps.h"

/* By number. */
static const char *const policy_names[] = { "NORMAL", "FIFO", "RR", "BATCH", "ISO", "IDLE", "DEADLINE", "EXT" };

const struct ka_task *ps_task_at(const struct ps *ps, ka_addr addr)
{
	uint64_t i;

	return ka_map_get(&ps->by_addr, addr, &i) ? &ps->tasks[i] : NULL;
}

const struct ka_task *ps_leader(const struct ps *ps, const struct ka_task *t)
{
	const struct ka_task *leader = t->pid == t->tgid && t->pid ? t : ps_task_at(ps, t->group_leader);

	return leader && leader->tgid == t->tgid ? leader : t;
}

ka_addr ps_parent(const struct ka_task *t)
{
	return t->pid == 0 && t->parent ? t->parent : t->real_parent;
}

bool ps_parent_pid(const struct ps *ps, const struct ka_task *t, int32_t *ret)
{
	const struct ka_task *parent = ps_task_at(ps, ps_parent(t));
	struct ka_task read;

	if (!parent && !ka_error_drop(ka_task_read(ps->k, ps_parent(t), &read)))
		parent = &read;
	*ret = parent ? parent->tgid : 0;
	return parent != NULL;
}

void ps_read_tasks(struct ps *ps)
{
	struct ka_walk w = ka_walk_tasks(ps->k);
	struct ka_error *err;

	ps->tasks = ka_alloc(ps->c->arena, (ka_task_count(ps->k) + 1) * sizeof(*ps->tasks));
	for (ka_addr at; ka_walk_next(&w, &at); ) {
		err = ka_task_read(ps->k, at, &ps->tasks[ps->count]);
		if (err)
			ka_call_fault(ps->c, err);
		else
			ka_map_add(&ps->by_addr, at, ps->count++);
		if (!err && ps->tasks[ps->count - 1].is_partial)
			ka_call_fault(ps->c, ka_error_at(KA_EXCLUDED, KA_SPACE_VIRT, at, "PID %d (%.16s): a part of its task_struct is not "
							 "in the dump: what is shown of it is not all", ps->tasks[ps->count - 1].pid,
							 ps->tasks[ps->count - 1].comm));
	}
	err = ka_walk_end(&w);
	if (!ka_error_catch(&err, KA_INTERRUPTED))	/* that is told at the end */
		ka_call_fault(ps->c, err);
}

static bool is_regex(const char *text)
{
	size_t n = strlen(text);

	return n >= 2 && text[0] == '\'' && text[n - 1] == '\'';
}

static size_t choose_command(struct ps *ps, const char *name, bool *chosen)
{
	size_t n = 0;

	for (size_t i = 0; i < ps->count; i++) {
		/* a longer name matches what the kernel has left of it */
		if (strncmp(ps->tasks[i].comm, name, sizeof(ps->tasks[i].comm) - 1))
			continue;
		chosen[i] = true;
		n++;
	}
	return n;
}

/* A name in quotes that is no expression may be a command's all the same: "a name with sp)(". */
static struct ka_error *choose_regex(struct ps *ps, const char *text, bool *chosen, size_t *ret_count)
{
	bool is_quoted = is_regex(text);
	char *pattern = ka_strndup(ps->c->arena, text + is_quoted, strlen(text) - 2 * is_quoted);
	regex_t regex;
	char why[128];
	int rc = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);

	if (rc) {
		*ret_count = choose_command(ps, pattern, chosen);
		if (*ret_count)
			return NULL;
		regerror(rc, &regex, why, sizeof(why));
		return ka_error_new(KA_USAGE, "invalid regular expression: %s: %s", pattern, why);
	}
	for (size_t i = 0; i < ps->count; i++) {
		char comm[sizeof(ps->tasks[i].comm) + 1];

		memcpy(comm, ps->tasks[i].comm, sizeof(ps->tasks[i].comm));
		comm[sizeof(comm) - 1] = 0;
		if (regexec(&regex, comm, 0, NULL, 0))
			continue;
		chosen[i] = true;
		++*ret_count;
	}
	regfree(&regex);
	return NULL;
}

static size_t choose_number(struct ps *ps, const char *text, bool *chosen)
{
	ka_addr at;
	uint64_t value, i;
	size_t n = 0;

	if (!ka_parse_number(text, true, &value))
		return 0;
	if (value == 0) {	/* every CPU's idle task */
		for (i = 0; i < ps->count && ps->tasks[i].pid == 0; i++)
			chosen[n++] = true;
		return n;
	}
	if (ka_error_drop(ka_parse_task(ps->k, text, &at)) || !ka_map_get(&ps->by_addr, at, &i))
		return 0;
	chosen[i] = true;
	return 1;
}

static struct ka_error *choose_argument(struct ps *ps, const char *text, bool *chosen)
{
	uint64_t value;
	size_t n = 0;
	struct ka_error *err = NULL;

	if (is_regex(text))
		return choose_regex(ps, text, chosen, &n);
	if (text[0] == '\\')	/* a name that looks like a number */
		n = choose_command(ps, text + 1, chosen);
	else
		n = choose_number(ps, text, chosen);
	if (!n && text[0] != '\\')
		n = choose_command(ps, text, chosen);
	/* a pattern may have lost its quotes on the way here */
	if (!n && strpbrk(text, "*+?[]^$|()"))
		err = choose_regex(ps, text, chosen, &n);
	if (err || n)
		return err;
	if (ka_parse_number(text, true, &value))
		return ka_error_new(KA_NOT_FOUND, "invalid task or pid value: %s", text);
	return ka_error_new(KA_NOT_FOUND, "no task has the command name %s", text);
}

static struct ka_error *policy_bits(const char *text, uint64_t *ret)
{
	*ret = 0;
	while (*text) {
		size_t len = strcspn(text, ","), i;
		uint64_t number;
		char *word = ka_xstrndup(text, len);
		bool is_number = ka_parse_number(word, true, &number);

		for (i = 0; i < KA_COUNT(policy_names); i++)
			if (is_number ? number == i : !strcasecmp(word, policy_names[i]))
				break;
		if (i == KA_COUNT(policy_names)) {
			struct ka_error *err = ka_error_new(KA_USAGE, "%s: invalid scheduling policy", word);

			free(word);
			return err;
		}
		free(word);
		*ret |= 1ull << i;
		text += len + (text[len] == ',');
	}
	return *ret ? NULL : ka_error_new(KA_USAGE, "no scheduling policy given");
}

/* SCHED_RESET_ON_FORK lived in the policy's upper bits until it got a bit of its own. */
static unsigned policy_of(const struct ka_task *t)
{
	return t->policy & 0xff;
}

const char *ps_policy_name(const struct ka_task *t)
{
	return policy_of(t) < KA_COUNT(policy_names) ? policy_names[policy_of(t)] : "UNKNOWN";
}

struct ka_error *ps_choose(struct ps *ps)
{
	struct ka_call *c = ps->c;
	bool *chosen = ka_alloc(c->arena, ps->count + 1), by_group = ka_call_has(c, "G");
	const char *policy = ka_call_value(c, "y");
	uint64_t policies = ~0ull;
	const char *where = ka_call_value(c, "where");
	struct ka_filter *filter = NULL;
	struct ka_map leaders = {0};
	struct ka_error *err = policy ? policy_bits(policy, &policies) : NULL;

	if (!err && where)
		err = ka_filter_new(c->k, c->arena, where, "task", "struct task_struct", &filter);

	if (err)
		return err;
	ps->has_args = c->argc > 0;
	memset(chosen, !ps->has_args, ps->count);
	for (int i = 0; i < c->argc; i++) {
		err = choose_argument(ps, c->argv[i], chosen);
		if (err && err->code == KA_USAGE)
			return err;
		ka_call_fault(c, err);
	}
	ps->chosen = ka_alloc(c->arena, (ps->count + 1) * sizeof(*ps->chosen));
	for (size_t i = 0; i < ps->count; i++) {
		const struct ka_task *t = &ps->tasks[i];

		if (!chosen[i])
			continue;
		if (by_group) {		/* a thread that was asked for stands for its group */
			if (t->pid != t->tgid && !ps->has_args)
				continue;
			t = ps_leader(ps, t);
			if (!ka_map_add(&leaders, t->addr, 0))
				continue;
		}
		if ((ka_call_has(c, "u") && ka_task_is_kthread(ps->k, t)) ||
		    (ka_call_has(c, "k") && !ka_task_is_kthread(ps->k, t)) ||
		    (ka_call_has(c, "I") && t->pid == 0) ||
		    (policy && !(policy_of(t) < 64 && policies >> policy_of(t) & 1)) ||
		    (ka_call_has(c, "A") && !ka_task_is_active(ps->k, t->addr, NULL)))
			continue;
		if (filter) {
			bool is_wanted;

			ka_call_fault(c, ka_error_wrap(ka_filter_test(filter, t->addr, &is_wanted), "PID %d", t->pid));
			if (!is_wanted)
				continue;
		}
		ps->chosen[ps->chosen_count++] = t;
	}
	ka_map_free(&leaders);
	return NULL;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* struct percpu_counter: a count whose last digits each CPU keeps to itself. */
#include <inttypes.h>
#include <kanalyze/task.h>
#include <kanalyze/view.h>

struct percpu_counter_view {
	int64_t count;
	ka_addr counters;
};
/* without SMP there is the count alone */
KA_VIEW(percpu_counter_view, ("percpu_counter"),
	KA_FROM(percpu_counter_view, count, "count"),
	KA_MAYBE(percpu_counter_view, counters, "counters"));

/*
 * Of all CPUs, not those online alone: one that was unplugged has handed its share in and left 0, but those that panic()
 * stopped are marked offline with their share still there.
 */
int64_t ka_percpu_s32_sum(struct ka_kernel *k, ka_addr counters)
{
	int64_t sum = 0;

	for (unsigned cpu = 0; cpu < ka_cpu_count(k); cpu++) {
		uint64_t offset;
		uint32_t v;

		if (ka_error_drop(ka_percpu_offset(k, cpu, &offset)) ||
		    ka_error_drop(ka_read_u32(k, counters + offset, &v)))
			continue;
		sum += (int32_t)v;
	}
	return sum;
}

struct ka_error *ka_percpu_counter_read(struct ka_kernel *k, ka_addr at, int64_t *ret)
{
	struct percpu_counter_view v = {0};
	struct ka_error *err = ka_view_read(k, &ka_view_percpu_counter_view, at, &v);

	*ret = v.count;
	if (!err && v.counters)
		*ret += ka_percpu_s32_sum(k, v.counters);
	return ka_error_wrap(err, "percpu_counter at 0x%" PRIx64, at);
}

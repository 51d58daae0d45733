/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Audit records still queued in the kernel: socket buffers that no audit daemon has read. */
#include <inttypes.h>
#include <kanalyze/printk.h>
#include <kanalyze/symbol.h>
#include <kanalyze/view.h>

#define RECORD_MAX 65536	/* AUDIT_BUFSIZ and MAX_AUDIT_MESSAGE_LENGTH are 8970 at most */

struct skb_head {
	ka_addr next;
	uint32_t qlen;
};
KA_VIEW(skb_head, ("sk_buff_head"),
	KA_FROM(skb_head, next, "next"),
	KA_FROM(skb_head, qlen, "qlen"));

struct audit_skb {
	ka_addr next, data;
	uint32_t len;
};
KA_VIEW(audit_skb, ("sk_buff"),
	KA_FROM(audit_skb, next, "next"),
	KA_FROM(audit_skb, data, "data"),
	KA_FROM(audit_skb, len, "len"));

/* struct nlmsghdr is user-space ABI: len, type, flags, seq, pid; the text follows its 16 bytes. */
#define NLMSG_HEADER 16
#define NLMSG_TYPE 4

static struct ka_error *read_record(struct ka_kernel *k, struct ka_arena *a, const struct audit_skb *skb,
				    struct ka_audit_record *rec)
{
	struct ka_error *err;
	char *text;

	if (skb->len < NLMSG_HEADER || skb->len > RECORD_MAX)
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, rec->skb,
				   "socket buffer of %u bytes holds no audit record", skb->len);
	err = ka_read_u16(k, skb->data + NLMSG_TYPE, &rec->type);
	if (err)
		return err;
	rec->text_size = skb->len - NLMSG_HEADER;
	text = ka_alloc(a, rec->text_size + 1);
	rec->text_size = ka_read_some(k, skb->data + NLMSG_HEADER, text, rec->text_size, &err);
	while (rec->text_size && (!text[rec->text_size - 1] || text[rec->text_size - 1] == '\n'))
		text[--rec->text_size] = 0;
	rec->text = text;
	return err;
}

typedef struct { KA_VEC(struct ka_audit_record); } record_list;

static struct ka_error *read_queue(struct ka_kernel *k, struct ka_arena *a, const char *name, ka_addr queue,
				   record_list *list)
{
	struct skb_head head;
	struct audit_skb skb;
	struct ka_error *err = ka_view_read(k, &ka_view_skb_head, queue, &head), *first = NULL;
	ka_addr at = head.next;

	if (err)
		return err;
	/* qlen bounds the walk: a list that is longer is no list. */
	for (uint32_t i = 0; i < head.qlen && at != queue; i++) {
		struct ka_audit_record rec = { .queue = name, .skb = at };

		if (ka_interrupted())
			return ka_error_new(KA_INTERRUPTED, "interrupted");
		err = ka_view_read(k, &ka_view_audit_skb, at, &skb);
		if (err)
			return first ? (ka_error_drop(err), first) : err;
		at = skb.next;
		err = read_record(k, a, &skb, &rec);
		if (rec.text)
			ka_vec_push(list, rec);
		if (first)
			ka_error_drop(err);
		else
			first = err;
	}
	if (!first && at != queue)
		first = ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, queue, "holds more than its %u buffers", head.qlen);
	return first;
}

struct ka_error *ka_audit_records(struct ka_kernel *k, struct ka_arena *a, struct ka_audit_record **ret,
				  size_t *ret_count)
{
	/* Oldest first. Three queues since 5b52330bbfe6 (v4.10); audit_skb_* before; audit_skb_hold_queue since v2.6.27. */
	static const char *const names[] = { "audit_hold_queue", "audit_retry_queue", "audit_queue",
					     "audit_skb_hold_queue", "audit_skb_queue" };
	struct ka_error *first = NULL;
	record_list list = {0};
	struct ka_symbol s;
	bool has_any = false;

	*ret = NULL;
	*ret_count = 0;
	for (size_t i = 0; i < KA_COUNT(names); i++) {
		struct ka_error *err;

		if (!ka_symbol_lookup(k, names[i], &s))
			continue;
		has_any = true;
		err = ka_error_wrap(read_queue(k, a, names[i], s.addr, &list), "%s", names[i]);
		if (first)
			ka_error_drop(err);
		else
			first = err;
	}
	if (!has_any)
		return ka_error_new(KA_MISSING, "this kernel has no audit queues (built without CONFIG_AUDIT?)");
	if (list.n) {
		*ret = ka_alloc(a, list.n * sizeof(**ret));
		memcpy(*ret, list.at, list.n * sizeof(**ret));
		*ret_count = list.n;
		ka_vec_free(&list);
	}
	return first;
}

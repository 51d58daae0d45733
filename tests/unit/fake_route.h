/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * IPv4 routes of fake_kernel.c: hash tables by length of prefix (GENERATION 206, as CONFIG_IP_FIB_HASH of 2.6.32), or the trie of 3.10
 * whose leaves have lists of prefixes. One table (main): 10.0.0.0/24 on eth0, and the default route by 10.0.0.5.
 */
struct fib_info;
struct fib_nh { struct net_device *nh_dev; struct hlist_node nh_hash; struct fib_info *nh_parent; unsigned nh_flags; int nh_oif; u32 nh_gw; };
struct fib_info {
	int fib_treeref;
	unsigned fib_flags;
	u8 fib_dead, fib_protocol;
#if GENERATION == 310
	u8 fib_scope;
#endif
	u32 fib_prefsrc, fib_priority;
	int fib_nhs;
	struct fib_nh fib_nh[1];
};
struct fib_alias {
	struct list_head fa_list;
	struct fib_info *fa_info;
	u8 fa_tos, fa_type;
#if GENERATION == 206
	u8 fa_scope;
#endif
	u8 fa_state;
};
#if GENERATION == 206
#define SCOPE(n)
#define ALIAS_SCOPE(n) .fa_scope = (n),
#else
#define SCOPE(n) .fib_scope = (n),
#define ALIAS_SCOPE(n)
#endif
struct fib_info net_info = { .fib_protocol = 2, SCOPE(253) .fib_prefsrc = 0x0100000a, .fib_nhs = 1, .fib_nh = { { &eth0, .nh_oif = 2 } } };
struct fib_info gateway_info = { .fib_protocol = 3, SCOPE(0) .fib_priority = 5, .fib_nhs = 1, .fib_nh = { { &eth0, .nh_oif = 2, .nh_gw = 0x0500000a } } };
#if GENERATION == 206
struct fib_node { struct hlist_node fn_hash; struct list_head fn_alias; u32 fn_key; };
struct fn_zone { struct fn_zone *fz_next; struct hlist_head *fz_hash; int fz_nent, fz_divisor; u32 fz_hashmask; int fz_order; u32 fz_mask; };
struct fn_hash { struct fn_zone *fn_zones[33], *fn_zone_list; };
extern struct fib_node net_node, gateway_node;
struct fib_alias net_alias = { { &net_node.fn_alias, &net_node.fn_alias }, &net_info, .fa_type = 1, ALIAS_SCOPE(253) };
struct fib_alias gateway_alias = { { &gateway_node.fn_alias, &gateway_node.fn_alias }, &gateway_info, .fa_type = 1, ALIAS_SCOPE(0) };
struct fib_node net_node = { .fn_alias = { &net_alias.fa_list, &net_alias.fa_list }, .fn_key = 0x0000000a };
struct fib_node gateway_node = { .fn_alias = { &gateway_alias.fa_list, &gateway_alias.fa_list } };
struct hlist_head buckets24[16] = { [7] = { &net_node.fn_hash } }, buckets0[1] = { { &gateway_node.fn_hash } };
struct fn_zone zone24 = { .fz_hash = buckets24, .fz_divisor = 16, .fz_order = 24 }, zone0 = { .fz_hash = buckets0, .fz_divisor = 1, .fz_order = 0 };
struct fib_table { struct hlist_node tb_hlist; u32 tb_id; int tb_default; void *tb_lookup; u8 tb_data[0]; };
struct { struct fib_table table; struct fn_hash data; } main_table = { { .tb_id = 254 }, { { [0] = &zone0, [24] = &zone24 } } };
#else
struct leaf { ulong parent; u32 key; struct hlist_head list; };
struct leaf_info { struct hlist_node hlist; int plen; u32 mask_plen; struct list_head falh; };
struct tnode { ulong parent; u32 key; u8 pos, bits; unsigned full_children, empty_children; struct tnode *child[2]; };
struct trie { struct tnode *trie; };
extern struct leaf_info net_prefix, gateway_prefix;
struct fib_alias net_alias = { { &net_prefix.falh, &net_prefix.falh }, &net_info, .fa_type = 1 };
struct fib_alias gateway_alias = { { &gateway_prefix.falh, &gateway_prefix.falh }, &gateway_info, .fa_type = 1 };
struct leaf_info net_prefix = { .plen = 24, .falh = { &net_alias.fa_list, &net_alias.fa_list } };
struct leaf_info gateway_prefix = { .plen = 0, .falh = { &gateway_alias.fa_list, &gateway_alias.fa_list } };
struct leaf net_leaf = { 1, 0x0a000000, { &net_prefix.hlist } }, gateway_leaf = { 1, 0, { &gateway_prefix.hlist } };
struct tnode top_node = { .bits = 1, .child = { (struct tnode *)&gateway_leaf, (struct tnode *)&net_leaf } };
struct fib_table { struct hlist_node tb_hlist; u32 tb_id; int tb_default, tb_num_default; ulong tb_data[0]; };
struct { struct fib_table table; struct trie data; } main_table = { { .tb_id = 254 }, { &top_node } };
#endif
struct hlist_head fib_tables[256] = { [254] = { &main_table.table.tb_hlist } };

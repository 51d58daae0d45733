/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The area of vmalloc that holds an address: in the tree of those in use, or of those that wait to be unmapped. */
#include <kanalyze/symbol.h>
#include <kanalyze/view.h>
#include "fault_area.h"
#include "kernel.h"

#define DEPTH_MAX 128
#define NODES_MAX 1024
#define VM_NO_GUARD 0x40

struct fault_vmap {
	ka_addr start, end, vm, left, right;
};
KA_VIEW(fault_vmap, ("vmap_area"),
	KA_FROM(fault_vmap, start, "va_start"),
	KA_FROM(fault_vmap, end, "va_end"),
	KA_MAYBE(fault_vmap, vm, "vm"),
	KA_FROM(fault_vmap, left, "rb_node.rb_left"),
	KA_FROM(fault_vmap, right, "rb_node.rb_right"));
struct fault_vmap_node { ka_addr rb_at; };
KA_VIEW(fault_vmap_node, ("vmap_area"), KA_AT(fault_vmap_node, rb_at, "rb_node"));

struct fault_vm {
	ka_addr addr, caller;
	uint64_t flags;
};
KA_VIEW(fault_vm, ("vm_struct"),
	KA_FROM(fault_vm, addr, "addr"),
	KA_MAYBE(fault_vm, caller, "caller"),
	KA_FROM(fault_vm, flags, "flags"));

/* Trees by node of the allocator: 72210662c5a2, d093602919ad, v6.9 */
struct fault_vmap_nodes { ka_addr busy, lazy; };
KA_VIEW(fault_vmap_nodes, ("vmap_node"),
	KA_FROM(fault_vmap_nodes, busy, "busy.root.rb_node"),
	KA_FROM(fault_vmap_nodes, lazy, "lazy.root.rb_node"));

static bool in_tree(struct ka_kernel *k, ka_addr node, ka_addr addr, bool is_freed, struct ka_fault_area *ret)
{
	uint64_t offset = KA_OFFSET(k, fault_vmap_node, rb_at);

	for (int depth = 0; node && depth < DEPTH_MAX; depth++) {
		struct fault_vmap v;
		struct fault_vm vm;

		if (ka_error_drop(ka_view_read(k, &ka_view_fault_vmap, node - offset, &v)))
			return false;
		if (addr < v.start) {
			node = v.left;
		} else if (addr >= v.end) {
			node = v.right;
		} else {
			*ret = (struct ka_fault_area){ .start = v.start, .end = v.end, .is_freed = is_freed };
			if (!is_freed && ka_is_kernel_addr(k, v.vm) && !ka_error_drop(ka_view_read(k, &ka_view_fault_vm, v.vm, &vm)) &&
			    vm.addr == v.start) {
				ret->caller = vm.caller;
				ret->has_guard = !(vm.flags & VM_NO_GUARD);
			}
			return true;
		}
	}
	return false;
}

static bool by_root(struct ka_kernel *k, const char *symbol, ka_addr addr, bool is_freed, struct ka_fault_area *ret)
{
	ka_addr node;

	return !ka_error_drop(ka_symbol_ulong(k, symbol, &node)) && in_tree(k, node, addr, is_freed, ret);
}

bool ka_fault_area_find(struct ka_kernel *k, ka_addr addr, struct ka_fault_area *ret)
{
	uint64_t nodes, count, size = ka_view_size(k, &ka_view_fault_vmap_nodes);

	*ret = (struct ka_fault_area){0};
	/* rb_root's only member is the pointer */
	if (by_root(k, "vmap_area_root", addr, false, ret) || by_root(k, "purge_vmap_area_root", addr, true, ret))
		return true;
	if (!size || ka_error_drop(ka_symbol_ulong(k, "vmap_nodes", &nodes)) || ka_error_drop(ka_symbol_value(k, "nr_vmap_nodes", &count)))
		return false;
	for (uint64_t i = 0; i < KA_MIN(count, (uint64_t)NODES_MAX); i++) {
		struct fault_vmap_nodes n;

		if (ka_error_drop(ka_view_read(k, &ka_view_fault_vmap_nodes, nodes + i * size, &n)))
			continue;
		if (in_tree(k, n.busy, addr, false, ret) || in_tree(k, n.lazy, addr, true, ret))
			return true;
	}
	return false;
}

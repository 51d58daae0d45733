/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From an offset in a type to the member there, through structs, unions and arrays. */
#include <inttypes.h>
#include "fault.h"

#define DEPTH_MAX 24

/* The member that holds the byte at offset; of several (unions) one that begins there and has the size, else the first that holds it. */
static bool pick(struct ka_kernel *k, struct ka_arena *a, const struct ka_type *t, uint64_t offset, uint64_t size, struct ka_type_field *ret)
{
	struct ka_type_field *fields;
	size_t n = ka_type_members(k, t, a, &fields);
	bool has = false, is_exact = false;

	for (size_t i = 0; i < n && !is_exact; i++) {
		uint64_t at = fields[i].offset_bits / 8, bytes;
		struct ka_type_info info;

		ka_type_strip(k, &fields[i].type, &info);
		bytes = info.size;
		if (info.kind == KA_TYPE_POINTER && !bytes)
			bytes = ka_long_size(k);
		if (info.kind == KA_TYPE_ARRAY && !bytes)	/* flexible: to the end, and only as the last */
			bytes = i + 1 == n ? UINT64_MAX - at : 0;
		if (offset < at || offset - at >= bytes)
			continue;
		is_exact = size && offset == at && bytes == size;
		if (has && !is_exact)
			continue;
		*ret = fields[i];
		has = true;
	}
	return has;
}

bool ka_fault_member(struct ka_kernel *k, struct ka_arena *a, const struct ka_type *t, uint64_t offset, uint64_t size, struct ka_fault_member *ret)
{
	struct ka_str path = { 0 };
	struct ka_type now = *t;
	bool is_first = true;

	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		struct ka_type_info info;
		struct ka_type plain = ka_type_strip(k, &now, &info);
		struct ka_type_field f = { 0 };

		if (info.kind == KA_TYPE_ARRAY) {
			struct ka_type_info element;

			ka_type_strip(k, &info.target, &element);
			uint64_t each = element.size ? element.size : element.kind == KA_TYPE_POINTER ? ka_long_size(k) : 0;

			if (!each || (info.count && offset / each >= info.count))
				break;
			ka_str_printf(&path, "[%" PRIu64 "]", offset / each);
			offset %= each;
			now = info.target;
			continue;
		}
		if (info.kind != KA_TYPE_STRUCT && info.kind != KA_TYPE_UNION)
			break;
		if (is_first && info.size && offset >= info.size) {
			ka_str_free(&path);
			return false;
		}
		/* all of it, as it is copied */
		if (!is_first && !offset && size && info.size == size && info.name)
			break;
		if (!pick(k, a, &plain, offset, size, &f))
			break;
		if (f.name)
			ka_str_printf(&path, "%s%s", path.len ? "." : "", f.name);
		offset -= f.offset_bits / 8;
		now = f.type;
		is_first = false;
	}
	ret->path = ka_strdup(a, path.p ? path.p : "");
	ret->type = now;
	ret->rest = offset;
	ka_str_free(&path);
	return true;
}

const char *ka_fault_type_text(struct ka_kernel *k, struct ka_arena *a, const struct ka_type *t)
{
	struct ka_type_info as_is, info;

	ka_type_info(k, t, &as_is);
	ka_type_strip(k, t, &info);
	switch (info.kind) {
	case KA_TYPE_STRUCT: case KA_TYPE_UNION: case KA_TYPE_ENUM:
		if (info.name)
			return ka_printf(a, "%s %s", info.kind == KA_TYPE_STRUCT ? "struct" : info.kind == KA_TYPE_UNION ? "union" : "enum", info.name);
		return as_is.kind == KA_TYPE_TYPEDEF ? as_is.name : NULL;
	case KA_TYPE_POINTER: {
		const char *to = ka_fault_type_text(k, a, &info.target);

		return to ? ka_printf(a, "%s%s*", to, to[strlen(to) - 1] == '*' ? "" : " ") : NULL;
	}
	case KA_TYPE_VOID:
		return "void";
	default:
		return as_is.kind == KA_TYPE_TYPEDEF && as_is.name ? as_is.name : info.name;
	}
}

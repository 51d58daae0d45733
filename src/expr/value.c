/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values: reading them, casts, members, what pointers point to. */
#include <inttypes.h>
#include "value.h"

uint64_t ka_bits_extend(uint64_t bits, unsigned size, bool is_signed)
{
	unsigned shift = size && size < 8 ? 64 - size * 8 : 0;

	bits <<= shift;
	return is_signed ? (uint64_t)((int64_t)bits >> shift) : bits >> shift;
}

struct ka_value ka_value_int(unsigned size, bool is_signed, uint64_t bits)
{
	return (struct ka_value){
		.type = ka_type_int(size, is_signed), .kind = KA_TYPE_INT, .size = size, .is_signed = is_signed,
		.bits = ka_bits_extend(bits, size, is_signed), .is_loaded = true,
	};
}

struct ka_value ka_value_real(unsigned size, double real)
{
	return (struct ka_value){
		.type = { .int_size = (uint8_t)size, .is_float = true, .is_int_signed = true }, .kind = KA_TYPE_FLOAT, .size = size,
		.is_loaded = true, .real = size == 4 ? (double)(float)real : real,
	};
}

bool ka_value_truth(const struct ka_value *x)
{
	return x->kind == KA_TYPE_FLOAT ? x->real != 0 : x->bits != 0;
}

bool ka_value_is_pointer(const struct ka_value *x)
{
	return x->kind == KA_TYPE_POINTER;
}

static bool is_array(const struct ka_value *x)
{
	return x->kind == KA_TYPE_ARRAY || x->kind == KA_TYPE_FUNC;
}

static struct ka_error *load_bitfield(struct ka_eval *v, struct ka_value *x)
{
	ka_addr at = x->addr + x->bit_offset / 8;
	unsigned shift = x->bit_offset % 8, bytes = (shift + x->bit_size + 7) / 8;
	uint8_t raw[16] = {0};
	unsigned __int128 all = 0;
	struct ka_error *err;

	if (x->bit_size > 64)
		return ka_error_new(KA_CORRUPT, "a bit field of %u bits", x->bit_size);
	err = ka_read(v->k, at, raw, bytes);
	if (err)
		return err;
	for (unsigned i = 0; i < bytes; i++)
		all |= (unsigned __int128)raw[v->k->is_big_endian ? bytes - 1 - i : i] << (8 * i);
	/* big-endian machines count bits from the other end */
	all >>= v->k->is_big_endian ? bytes * 8 - shift - x->bit_size : shift;
	x->bits = (uint64_t)all;
	if (x->bit_size < 64) {
		x->bits <<= 64 - x->bit_size;
		x->bits = x->is_signed ? (uint64_t)((int64_t)x->bits >> (64 - x->bit_size)) : x->bits >> (64 - x->bit_size);
	}
	return NULL;
}

static struct ka_error *load_real(struct ka_eval *v, struct ka_value *x)
{
	uint8_t raw[8];
	struct ka_error *err;

	if (x->size != 4 && x->size != 8)
		return ka_error_new(KA_UNSUPPORTED, "a floating-point number of %" PRIu64 " bytes", x->size);
	err = ka_read(v->k, x->addr, raw, x->size);
	if (err)
		return err;
	x->bits = ka_uint_from(v->k, raw, x->size);
	if (x->size == 4) {
		uint32_t half = (uint32_t)x->bits;
		float f;

		memcpy(&f, &half, sizeof(f));
		x->real = f;
	} else {
		memcpy(&x->real, &x->bits, sizeof(x->real));
	}
	return NULL;
}

struct ka_error *ka_value_load(struct ka_eval *v, struct ka_value *x)
{
	uint8_t raw[8];
	struct ka_error *err;

	if (x->is_loaded)
		return NULL;
	if (x->text)
		return ka_error_new(KA_USAGE, "a string can only be compared, with a char array or pointer");
	if (!x->is_lvalue)
		return ka_error_new(KA_USAGE, "this has no value");
	if (is_array(x)) {
		x->bits = x->addr;
		x->is_loaded = true;
		return NULL;
	}
	if (x->kind != KA_TYPE_INT && x->kind != KA_TYPE_ENUM && x->kind != KA_TYPE_POINTER && x->kind != KA_TYPE_FLOAT)
		return ka_error_new(KA_USAGE, x->kind == KA_TYPE_STRUCT || x->kind == KA_TYPE_UNION ?
				    "a struct is no number: take one of its members, or its address with &" :
				    "what lies there has no type: cast it");
	if (v->unevaluated) {
		x->is_loaded = true;
		return NULL;
	}
	if (!v->k)
		return ka_error_new(KA_MISSING, "there is no memory to read");
	if (x->kind == KA_TYPE_FLOAT) {
		err = load_real(v, x);
	} else if (x->bit_size) {
		err = load_bitfield(v, x);
	} else {
		if (x->size != 1 && x->size != 2 && x->size != 4 && x->size != 8)
			return ka_error_new(KA_UNSUPPORTED, "an integer of %" PRIu64 " bytes can be shown, but not be calculated with: its lower half "
					    "is *(u64 *)&(...)", x->size);
		err = ka_read(v->k, x->addr, raw, x->size);
		if (!err)
			x->bits = ka_bits_extend(ka_uint_from(v->k, raw, x->size), (unsigned)x->size, x->is_signed);
	}
	x->is_loaded = !err;
	return err;
}

struct ka_error *ka_value_place(struct ka_eval *v, struct ka_type t, ka_addr at, struct ka_value *ret)
{
	*ret = (struct ka_value){ .type = t, .is_lvalue = true, .addr = at };
	return ka_value_describe(v, ret);
}

static bool is_bool(struct ka_eval *v, const struct ka_type *t)
{
	struct ka_type_info info;

	ka_type_strip(v->k, t, &info);
	return info.is_bool;
}

/* Without the fraction. What does not fit C leaves open: the nearest that does. */
static uint64_t integer_of(double real)
{
	if (real != real)
		return 0;
	if (real < 0)
		return real <= -9223372036854775808.0 ? (uint64_t)INT64_MIN : (uint64_t)(int64_t)real;
	return real >= 18446744073709551616.0 ? UINT64_MAX : (uint64_t)real;
}

struct ka_error *ka_value_number(struct ka_kernel *k, const struct ka_value *x, uint64_t *ret)
{
	struct ka_eval v = { .k = k };
	struct ka_value y = *x;
	struct ka_error *err;

	*ret = 0;
	if (x->text)
		return ka_error_new(KA_USAGE, "a string is no number");
	if (x->kind == KA_TYPE_STRUCT || x->kind == KA_TYPE_UNION || x->kind == KA_TYPE_ARRAY || x->kind == KA_TYPE_FUNC) {
		*ret = x->is_lvalue ? x->addr : x->bits;
		return NULL;
	}
	err = ka_value_load(&v, &y);
	if (!err)
		*ret = y.kind == KA_TYPE_FLOAT ? integer_of(y.real) : y.bits;
	return err;
}

struct ka_error *ka_value_of_type(struct ka_kernel *k, const struct ka_type *t, ka_addr at, struct ka_value *ret)
{
	struct ka_eval v = { .k = k };

	return ka_value_place(&v, *t, at, ret);
}

struct ka_error *ka_value_cast(struct ka_eval *v, const struct ka_value *x, struct ka_type t, struct ka_value *ret)
{
	struct ka_value from = *x;
	struct ka_error *err;

	*ret = (struct ka_value){ .type = t };
	err = ka_value_describe(v, ret);
	if (err)
		return err;
	/* A cast to the struct that it is: as it is. */
	if ((ret->kind == KA_TYPE_STRUCT || ret->kind == KA_TYPE_UNION) && ka_type_same(&x->type, &t)) {
		*ret = *x;
		return NULL;
	}
	if (ret->kind == KA_TYPE_VOID)
		return NULL;
	if (ret->kind != KA_TYPE_INT && ret->kind != KA_TYPE_ENUM && ret->kind != KA_TYPE_POINTER && ret->kind != KA_TYPE_FLOAT)
		return ka_error_new(KA_USAGE, "only casts to numbers and pointers are possible%s",
				    ret->kind == KA_TYPE_STRUCT || ret->kind == KA_TYPE_UNION ?
				    ": *(struct NAME *)ADDRESS is the struct that lies there" : "");
	if (ret->size > 8)
		return ka_error_new(KA_UNSUPPORTED, "numbers of %" PRIu64 " bytes are shown where they lie, but not calculated with", ret->size);
	err = ka_value_load(v, &from);
	if (err)
		return err;
	ret->is_loaded = true;
	if (ret->kind == KA_TYPE_FLOAT) {
		ret->real = from.kind == KA_TYPE_FLOAT ? from.real : from.is_signed ? (double)(int64_t)from.bits : (double)from.bits;
		ret->real = ret->size == 4 ? (double)(float)ret->real : ret->real;
		return NULL;
	}
	if (from.kind == KA_TYPE_FLOAT && !is_bool(v, &t))
		from.bits = integer_of(from.real);
	ret->bits = is_bool(v, &t) ? ka_value_truth(&from) : ka_bits_extend(from.bits, (unsigned)ret->size, ret->is_signed);
	return NULL;
}

struct ka_error *ka_value_deref(struct ka_eval *v, const struct ka_value *x, bool is_lenient, struct ka_value *ret)
{
	struct ka_value pointer = *x;
	struct ka_type target;
	struct ka_error *err = ka_value_load(v, &pointer);

	if (err)
		return err;
	if (ka_type_target(v, &pointer, &target)) {
		err = ka_value_place(v, target, pointer.bits, ret);
		if (!err && ret->kind == KA_TYPE_VOID)
			err = ka_error_new(KA_USAGE, "a void pointer points to nothing that has a type: cast it");
		return err;
	}
	if (x->kind == KA_TYPE_FUNC) {
		*ret = *x;
		return NULL;
	}
	if (!is_lenient || pointer.size != ka_eval_long(v))
		return ka_error_new(KA_USAGE, pointer.is_untyped ? "the type of this variable is not known: cast it to a pointer first"
								 : "this is no pointer: cast it to one first");
	return ka_value_place(v, ka_type_int(ka_eval_long(v), false), pointer.bits, ret);
}

struct ka_error *ka_value_member(struct ka_eval *v, const struct ka_value *x, const char *name, struct ka_value *ret)
{
	struct ka_value whole = *x;
	struct ka_type_field f;
	struct ka_error *err;

	if (ka_value_is_pointer(&whole)) {
		err = ka_value_deref(v, x, false, &whole);
		if (err)
			return err;
	}
	if ((whole.kind != KA_TYPE_STRUCT && whole.kind != KA_TYPE_UNION) || !whole.is_lvalue)
		return ka_error_new(KA_USAGE, whole.is_untyped ?
				    "the type of this symbol is not known: cast its address, as in ((struct NAME *)&SYMBOL)->%s" :
				    "this is no struct, nor a pointer to one: it has no member '%s'", name);
	if (!ka_type_field(v->k, &whole.type, name, &f))
		return ka_error_new(KA_MISSING, "struct %s has no member '%s'", whole.type_name ? whole.type_name : "(anonymous)", name);
	err = ka_value_place(v, f.type, whole.addr + f.offset_bits / 8, ret);
	ret->bit_offset = f.offset_bits % 8;
	ret->bit_size = f.bit_size;
	return err;
}

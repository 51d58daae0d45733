/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sys -i and sys config: what the firmware calls the machine, and how the kernel was configured. */
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include <kanalyze/system.h>
#include <kanalyze/type.h>
#include "sys.h"

#define DMI_MAX 64
#define DMI_TEXT_MAX 512

struct sys_dmi {
	const char *field, *label, *value;
};
static const struct ka_col dmi_cols[] = {
	KA_COLF(sys_dmi, field, KA_TEXT, KA_ONLY_JSON, "enumerator of enum dmi_field"),
	KA_COLF(sys_dmi, label, KA_TEXT, KA_ONLY_TEXT, "the same, aligned"),
	KA_COL(sys_dmi, value, KA_TEXT, "as the firmware gives it"),
};
const struct ka_rows ka_sys_rows_dmi = {
	"dmi", KA_SHAPE_LINE, NULL, "{label}: {value}", dmi_cols, KA_COUNT(dmi_cols),
};

struct sys_config {
	const char *name, *value, *line;
};
static const struct ka_col config_cols[] = {
	KA_COLF(sys_config, line, KA_TEXT, KA_ONLY_TEXT, "a line of .config"),
	KA_COLF(sys_config, name, KA_TEXT, KA_ONLY_JSON, "CONFIG_..."),
	KA_COLF(sys_config, value, KA_TEXT, KA_ONLY_JSON, "its value; null: not set"),
};
const struct ka_rows ka_sys_rows_config = {
	"config", KA_SHAPE_LINE, NULL, "{line}", config_cols, KA_COUNT(config_cols),
};

/* enum dmi_field of include/linux/mod_devicetable.h. Their values moved as fields were put between: asked of the types. */
static const char *const dmi_names[] = {
	"DMI_NONE", "DMI_BIOS_VENDOR", "DMI_BIOS_VERSION", "DMI_BIOS_DATE", "DMI_BIOS_RELEASE",
	"DMI_EC_FIRMWARE_RELEASE", "DMI_SYS_VENDOR", "DMI_PRODUCT_NAME", "DMI_PRODUCT_VERSION",
	"DMI_PRODUCT_SERIAL", "DMI_PRODUCT_UUID", "DMI_PRODUCT_SKU", "DMI_PRODUCT_FAMILY",
	"DMI_BOARD_VENDOR", "DMI_BOARD_NAME", "DMI_BOARD_VERSION", "DMI_BOARD_SERIAL",
	"DMI_BOARD_ASSET_TAG", "DMI_CHASSIS_VENDOR", "DMI_CHASSIS_TYPE", "DMI_CHASSIS_VERSION",
	"DMI_CHASSIS_SERIAL", "DMI_CHASSIS_ASSET_TAG",
};

struct ka_error *ka_sys_dmi(struct ka_call *c)
{
	const char *names[DMI_MAX] = {0};
	struct ka_symbol s;
	unsigned word = ka_long_size(c->k);
	uint64_t count;
	int width = 0;

	if (c->argc)
		return ka_call_usage(c, "-i takes no arguments");
	if (!ka_symbol_lookup(c->k, "dmi_ident", &s))
		return ka_error_new(KA_MISSING,
				    "dmi_ident does not exist in this kernel: it was built without CONFIG_DMI");
	count = KA_MIN(s.size / word, (uint64_t)DMI_MAX);
	for (size_t i = 0; i < KA_COUNT(dmi_names); i++) {
		int64_t at;

		if (!ka_enum_value(c->k, dmi_names[i], &at) || at < 0 || (uint64_t)at >= count)
			continue;
		names[at] = dmi_names[i];
		width = KA_MAX(width, (int)strlen(dmi_names[i]));
	}
	for (uint64_t i = 0; i < count; i++) {
		struct sys_dmi r = { .field = names[i] };
		char *value = ka_alloc(c->arena, DMI_TEXT_MAX);
		ka_addr at;
		struct ka_error *err = ka_read_ulong(c->k, s.addr + i * word, &at);

		if (!err && !at)
			continue;
		if (!err)
			err = ka_read_cstr(c->k, at, value, DMI_TEXT_MAX);
		if (!r.field)
			r.field = ka_printf(c->arena, "dmi_ident[%" PRIu64 "]", i);
		if (err) {
			ka_call_fault(c, ka_error_wrap(err, "%s", r.field));
			continue;
		}
		r.label = ka_printf(c->arena, "  %*s", width, r.field);
		r.value = value;
		ka_out_row(c->out, &ka_sys_rows_dmi, &r);
	}
	return NULL;
}

/* "CONFIG_X=y" and "# CONFIG_X is not set"; false for other lines. */
static bool setting(struct ka_arena *a, const char *line, struct sys_config *r)
{
	static const char unset[] = " is not set";
	size_t len = strlen(line);
	const char *equals = strchr(line, '=');

	r->value = NULL;
	if (!strncmp(line, "CONFIG_", 7) && equals) {
		r->name = ka_strndup(a, line, equals - line);
		r->value = equals + 1;
		return true;
	}
	if (strncmp(line, "# CONFIG_", 9) || len < sizeof(unset) + 8 || strcmp(line + len - (sizeof(unset) - 1), unset))
		return false;
	r->name = ka_strndup(a, line + 2, len - 2 - (sizeof(unset) - 1));
	return true;
}

struct ka_error *ka_sys_config(struct ka_call *c)
{
	const char *text, *p, *end;
	size_t size;
	struct ka_error *err = ka_kernel_config(c->k, c->arena, &text, &size);

	for (p = text, end = text + size; p < end && !ka_interrupted(); ) {
		const char *nl = memchr(p, '\n', end - p);
		struct sys_config r = { .line = ka_strndup(c->arena, p, (nl ? nl : end) - p) };

		p = nl ? nl + 1 : end;
		if (ka_out_is_text(c->out) || setting(c->arena, r.line, &r))
			ka_out_row(c->out, &ka_sys_rows_config, &r);
	}
	/* What could be unpacked was shown. */
	if (err && size) {
		ka_call_fault(c, err);
		return NULL;
	}
	return err;
}

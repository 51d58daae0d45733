/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Symbols of modules by name: made-up modules, asked while the hash is made and after. */
#include "check.h"
#include "tiny.h"

#define MODULES 50
#define SYMBOLS 200

static struct ka_symbol symbols[MODULES][SYMBOLS];
static char names[MODULES][SYMBOLS][24];
static char modules[MODULES][16];
static unsigned calls;
static bool asks_back;

/* The i-th has none when i is 7; the first asks for a symbol itself, as the list of modules does. */
static bool module_symbols(struct ka_kernel *k, size_t i, struct ka_module_symbols *ret)
{
	struct ka_symbol s;

	calls++;
	if (i >= MODULES)
		return false;
	*ret = (struct ka_module_symbols){ .name = modules[i], .at = symbols[i], .n = i == 7 ? 0 : SYMBOLS };
	if (asks_back && !i) {
		asks_back = false;
		CHECK(!ka_error_drop(ka_symbol_find(k, "own_3_5", &s)));
		CHECK_INT(s.addr, symbols[3][5].addr);
		CHECK(ka_error_drop(ka_symbol_find(k, "nowhere", &s)));
	}
	return true;
}

static void check_all(struct ka_kernel *k)
{
	struct ka_symbol s;
	size_t pos = 0, module, n = 0;
	char name[24];

	for (size_t i = 0; i < MODULES; i++) {
		for (size_t j = 1; j < SYMBOLS; j += 13) {
			snprintf(name, sizeof(name), "own_%zu_%zu", i, j);
			CHECK_INT(!ka_error_drop(ka_symbol_find(k, name, &s)), i != 7);
			if (i != 7)
				CHECK_INT(s.addr, symbols[i][j].addr);
		}
	}
	CHECK(ka_error_drop(ka_symbol_find(k, "own_0_200", &s)));
	/* each module's first has the same name: found in the order of the modules, module 0's first of all */
	CHECK(!ka_error_drop(ka_symbol_find(k, "init_module", &s)));
	CHECK_INT(s.addr, symbols[0][0].addr);
	while (ka_module_names_next(k, "init_module", &pos, &s, &module)) {
		n += n == 7;
		CHECK_INT(module, n);
		CHECK_INT(s.addr, symbols[n][0].addr);
		n++;
	}
	CHECK_INT(n, MODULES);
}

CHECK_MAIN
{
	struct tiny t;
	struct ka_symbol s;

	for (size_t i = 0; i < MODULES; i++) {
		snprintf(modules[i], sizeof(modules[i]), "mod%zu", i);
		for (size_t j = 0; j < SYMBOLS; j++) {
			snprintf(names[i][j], sizeof(names[i][j]), j ? "own_%zu_%zu" : "init_module", i, j);
			symbols[i][j] = (struct ka_symbol){ .name = names[i][j], .module = modules[i], .addr = 0x1000 * (i + 1) + j, .type = 't' };
		}
	}
	tiny_open(&t, &(struct tiny_options){ 0 });
	/* no modules */
	t.k->hooks.module_symbols = NULL;
	CHECK(ka_error_drop(ka_symbol_find(t.k, "init_module", &s)));
	ka_module_names_deinit(&t.k->module_names);
	t.k->module_names = (struct ka_module_names){ 0 };
	ka_module_names_init(&t.k->module_names);

	t.k->hooks.module_symbols = module_symbols;
	asks_back = true;
	check_all(t.k);
	calls = 0;
	check_all(t.k);
	/* one call a symbol that is found, not one a module */
	CHECK(calls < MODULES * (SYMBOLS / 13 + 1) + 2 * MODULES);
	tiny_close(&t);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gives target what only the model knows. */
#include <kanalyze/model.h>
#include "module.h"

void ka_model_attach(struct ka_kernel *k)
{
	k->hooks = (struct ka_target_hooks){
		.module_symbols = ka_module_symbols_hook,
		.module_at = ka_module_index,
		.is_module_text = ka_module_is_text,
		.module_object = ka_module_object_hook,
		.module_types = ka_module_types_hook,
		.module_orc = ka_module_orc_hook,
	};
}

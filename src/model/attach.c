/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gives target what only the model knows. */
#include <kanalyze/model.h>
#include "made_text.h"
#include "module.h"

void ka_model_attach(struct ka_kernel *k)
{
	k->hooks = (struct ka_target_hooks){
		.module_symbols = ka_made_symbols_hook,
		.module_at = ka_made_index_hook,
		.is_module_text = ka_made_is_text_hook,
		.module_object = ka_module_object_hook,
		.module_types = ka_module_types_hook,
		.module_orc = ka_module_orc_hook,
	};
}

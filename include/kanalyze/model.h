/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What Linux is: attaches the model to an opened kernel. */
#ifndef KANALYZE_MODEL_H
#define KANALYZE_MODEL_H

#include <kanalyze/memory.h>

/* Called once by main after ka_kernel_open(), before any command. Sets hooks only; reads nothing. */
void ka_model_attach(struct ka_kernel *k);

#endif

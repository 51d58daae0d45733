/* SPDX-License-Identifier: GPL-2.0 */
/* What kdie and kdie_left know of each other. */
#ifndef KDIE_H
#define KDIE_H
struct kdie_disk;
typedef int (*kdie_flush_fn)(struct kdie_disk *disk);
void kdie_set_flush(kdie_flush_fn flush);
#endif

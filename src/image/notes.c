/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ELF notes of a dump: registers of the CPUs, VMCOREINFO, QEMU's state. */
#include <elf.h>
#include <endian.h>
#include <stdio.h>
#include "image_priv.h"

static uint32_t word(const struct ka_image *img, const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return img->info.is_big_endian ? be32toh(v) : le32toh(v);
}

void ka_vmcoreinfo_set(struct ka_image *img, const void *text, size_t size)
{
	if (img->vmcoreinfo || !size)
		return;
	img->vmcoreinfo = ka_xstrndup(text, size);
	img->vmcoreinfo_size = strlen(img->vmcoreinfo);
}

void ka_erased_set(struct ka_image *img, const void *text, size_t size)
{
	if (!img->info.erased && size)
		img->info.erased = ka_xstrndup(text, size);
}

void ka_notes_add(struct ka_image *img, uint8_t *bytes, size_t size)
{
	struct { KA_VEC(struct ka_note); } notes = { .at = img->notes, .n = img->note_count, .cap = img->note_count };
	struct { KA_VEC(uint8_t *); } owned = { .at = img->note_bytes, .n = img->note_bytes_count, .cap = img->note_bytes_count };

	ka_vec_push(&owned, bytes);
	for (size_t at = 0; size - at >= 12;) {
		uint64_t name_size = word(img, bytes + at), desc_size = word(img, bytes + at + 4);
		uint32_t type = word(img, bytes + at + 8);
		uint64_t desc = at + 12 + ((name_size + 3) & ~3ull), end = desc + ((desc_size + 3) & ~3ull);

		/* a CPU that saved nothing leaves zeros: no note, but others may follow */
		if (!name_size && !desc_size && !type) {
			at += 4;
			continue;
		}
		if (desc > size || desc_size > size - desc) {
			ka_image_warn(img, "the notes are cut: one at 0x%zx would need 0x%" PRIx64 " bytes of 0x%zx", at, desc + desc_size, size);
			break;
		}
		/* the name is terminated, or it is none */
		const char *name = name_size && !bytes[at + 12 + name_size - 1] ? (const char *)bytes + at + 12 : "";
		ka_vec_push(&notes, (struct ka_note){ name, type, bytes + desc, (uint32_t)desc_size });
		if (!strcmp(name, "VMCOREINFO"))
			ka_vmcoreinfo_set(img, bytes + desc, desc_size);
		else if (!strcmp(name, "ERASEINFO"))
			ka_erased_set(img, bytes + desc, desc_size);
		at = KA_MIN(end, (uint64_t)size);
	}
	img->notes = notes.at;
	img->note_count = notes.n;
	img->note_bytes = owned.at;
	img->note_bytes_count = owned.n;
}

void ka_notes_free(struct ka_image *img)
{
	for (size_t i = 0; i < img->note_bytes_count; i++)
		free(img->note_bytes[i]);
	free(img->note_bytes);
	free(img->notes);
}

const struct ka_note *ka_image_find_note(const struct ka_image *img, const char *name, uint32_t type, unsigned n)
{
	for (size_t i = 0; i < img->note_count; i++)
		if (img->notes[i].type == type && !strcmp(img->notes[i].name, name) && !n--)
			return &img->notes[i];
	return NULL;
}

const struct ka_note *ka_image_prstatus(const struct ka_image *img, unsigned n)
{
	return ka_image_find_note(img, "CORE", NT_PRSTATUS, n);
}

bool ka_image_vmcoreinfo(const struct ka_image *img, const char *key, char *ret, size_t size)
{
	size_t length = strlen(key);

	for (const char *line = img->vmcoreinfo; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (!strncmp(line, key, length) && line[length] == '=') {
			size_t n = KA_MIN(strcspn(line + length + 1, "\n"), size - 1);

			memcpy(ret, line + length + 1, n);
			ret[n] = 0;
			return true;
		}
	}
	return false;
}

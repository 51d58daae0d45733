/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are known by their magic and not read: what they are, and what makes a dump of them that is read. */
#include <inttypes.h>
#include "flat.h"
#include "image_priv.h"

#define VMSS "make a core of it and its .vmem: vmss2core -N6 FILE"
#define QEMU "save the memory instead: virsh dump --memory-only, or dump-guest-memory in QEMU's monitor; of an existing file, restore the guest first"
#define S390 "convert it: zgetdump -f elf FILE > vmcore"

static const struct {
	const char *magic;
	size_t size;
	const char *name, *hint;
} refused[] = {
	{ "DISKDUMP", 8, "diskdump (before kdump)", "crash reads it" },
	{ "\xed\x23\x8f\x61\x73\x01\x19\xa8", 8, "LKCD", "crash reads it" },
	{ "\xcd\x23\x8f\x61\x73\x01\x19\xa8", 8, "LKCD", "crash reads it" },
	{ "\xa8\x19\x01\x73\x61\x8f\x23\xcd", 8, "LKCD", "crash reads it" },
	{ "\xa8\x19\x01\x73\x61\x8f\x23\xed", 8, "s390 stand-alone (or LKCD)", S390 },
	{ "\xa8\x19\x01\x73\x61\x8f\x23\xfd", 8, "s390 stand-alone", S390 },
	{ "\xd0\xbe\xd0\xbe", 4, "VMware vmss/vmsn", VMSS },
	{ "\xd2\xbe\xd2\xbe", 4, "VMware vmss/vmsn", VMSS },
	{ "\xd3\xbe\xd3\xbe", 4, "VMware vmss/vmsn", VMSS },
	{ "\xd1\xba\xd1\xba", 4, "VMware vmss/vmsn", VMSS },
	{ "\xd2\xba\xd2\xba", 4, "VMware vmss/vmsn", VMSS },
	{ "QEVM", 4, "QEMU savevm/migration stream (kvmdump)", QEMU },
	{ "LibvirtQemudSave", 16, "libvirt save file", QEMU },
	{ "LibvirtQemudPart", 16, "libvirt save file, unfinished", QEMU },
	{ "QFI\xfb", 4, "qcow2 disk image", QEMU },
	{ "sadump\0", 7, "sadump", "makedumpfile converts it: makedumpfile -l -d 31 FILE vmcore" },
	{ "\xed\xeb\x0f\xf0", 4, "Xen xc_core", "crash reads it" },
	{ "\xee\xeb\x0f\xf0", 4, "Xen xc_core", "crash reads it" },
	{ "\xf0\x0f\xeb\xed", 4, "Xen xc_core", "crash reads it" },
	{ "\xf0\x0f\xeb\xee", 4, "Xen xc_core", "crash reads it" },
	{ "LinuxGuestRecord", 16, "Xen xc_save", "dump the domain instead: xl dump-core; crash reads that" },
	{ "XenSavedDomain\n", 15, "Xen saved domain", "dump the domain instead: xl dump-core; crash reads that" },
	{ "\xdd\xcc\x8b\x9a", 4, "Mission Critical Linux", "no tool of today reads it" },
	{ "AVML", 4, "AVML, compressed", "avml-convert makes a LiME file of it" },
	{ "PAGEDU64", 8, "Windows crash dump (also of Hyper-V's vm2dmp)", "WinDbg reads it; of a Linux guest on Hyper-V take the dump inside, with kdump" },
	{ "PAGEDUMP", 8, "Windows crash dump, 32 bits", "WinDbg reads it" },
	{ "MDMP", 4, "minidump (of a process)", "it holds no kernel memory: minidump_stackwalk or lldb read it" },
	{ "HyperV Storage", 14, "Hyper-V saved state (.vmrs)", "of a Linux guest on Hyper-V take the dump inside, with kdump" },
	{ "!<arch>\n", 8, "package or static library", "unpack it: dpkg-deb -x FILE DIRECTORY" },
	{ "\xed\xab\xee\xdb", 4, "RPM package", "unpack it: rpm2cpio FILE | cpio -id" },
};

const char *ka_format_refused(const struct ka_file *f, const char **ret_hint)
{
	uint8_t head[64] = { 0 };

	ka_error_drop(ka_file_read(f, 0, head, KA_MIN(f->size, (uint64_t)sizeof(head))));
	for (size_t i = 0; i < KA_COUNT(refused); i++) {
		if (memcmp(head, refused[i].magic, refused[i].size))
			continue;
		if (ret_hint)
			*ret_hint = refused[i].hint;
		return refused[i].name;
	}
	return NULL;
}

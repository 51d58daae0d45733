/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which package has the debug vmlinux of a release: distributions are told by how they write their releases. */
#include <fnmatch.h>
#include "debuginfo.h"

/* %s: the release; %v: the release up to its last '-'; %f: what follows that; %b: the release up to '+'. */
static const struct {
	const char *pattern, *hint;
} hints[] = {
	/* Ubuntu before Debian: its flavours never are architectures */
	{ "*-[0-9]*-generic", "Ubuntu: linux-image-unsigned-%s-dbgsym or linux-image-%s-dbgsym, from ddebs.ubuntu.com" },
	{ "*-[0-9]*-generic-*", "Ubuntu: linux-image-unsigned-%s-dbgsym or linux-image-%s-dbgsym, from ddebs.ubuntu.com" },
	{ "*-[0-9]*-lowlatency*", "Ubuntu: linux-image-unsigned-%s-dbgsym or linux-image-%s-dbgsym, from ddebs.ubuntu.com" },
	{ "*-[0-9]*-@(aws|azure|gcp|gke|gkeop|ibm|oracle|oem|kvm|raspi|nvidia|realtime|intel-*|aws-*|azure-*)",
	  "Ubuntu: linux-image-unsigned-%s-dbgsym or linux-image-%s-dbgsym, from ddebs.ubuntu.com" },
	{ "*-@(amd64|arm64|686|686-pae|armmp|armmp-lpae|rpi|4kc-malta|5kc-malta|loongson-3|octeon|mips32r2el|mips64r2el|powerpc64le|"
	  "powerpc64|riscv64|s390x|loong64|marvell)", "Debian: linux-image-%s-dbg" },
	{ "*+debug", "Fedora, RHEL and kin: kernel-debug-debuginfo-%b (dnf debuginfo-install kernel-debug-%b)" },
	{ "*+rt*", "Fedora, RHEL and kin: kernel-rt-debuginfo-%b (dnf debuginfo-install kernel-rt-%b)" },
	{ "*+64k*", "Fedora, RHEL and kin: kernel-64k-debuginfo-%b (dnf debuginfo-install kernel-64k-%b)" },
	{ "*.rt[0-9]*.el[0-9]*", "RHEL: kernel-rt-debuginfo-%s (yum debuginfo-install kernel-rt-%s)" },
	{ "*uek.*", "Oracle Linux: kernel-uek-debuginfo-%s, from oss.oracle.com/ol*/debuginfo" },
	{ "*.amzn[0-9]*", "Amazon Linux: kernel-debuginfo-%s (dnf or yum debuginfo-install kernel-%s)" },
	{ "*.fc[0-9]*", "Fedora: kernel-debuginfo-%s (dnf debuginfo-install kernel-core-%s)" },
	{ "*.el[0-9]*", "RHEL, CentOS, AlmaLinux, Rocky, Oracle: kernel-debuginfo-%s (dnf debuginfo-install kernel-core-%s)" },
	{ "*.@(oe|an|tl|mga|cm|azl|ph)[0-9]*", "kernel-debuginfo-%s of the distribution's debuginfo repository" },
	{ "*-@(default|preempt|rt|azure|kvmsmall|debug|vanilla|pae|64kb|xen)",
	  "SUSE: kernel-%f-debuginfo of version %v (zypper install kernel-%f-debuginfo)" },
	{ "*-arch*", "Arch: /usr/lib/modules/%s/build/vmlinux of linux-headers (symbols and BTF); with DWARF through "
	  "debuginfod (debuginfod-find debuginfo BUILD-ID)" },
	{ "*-@(zen*|lts|hardened)", "Arch: /usr/lib/modules/%s/build/vmlinux of the kernel's -headers package (symbols and BTF); with "
	  "DWARF through debuginfod (debuginfod-find debuginfo BUILD-ID)" },
};

/* Out of a dump: only what a release may consist of goes into a message. */
static bool is_release(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_+~:");

	return n && n <= 64 && !s[n];
}

const char *ka_find_hint(const char *release, struct ka_arena *a)
{
	const char *hint = NULL;

	if (release && is_release(release))
		for (size_t i = 0; i < KA_COUNT(hints) && !hint; i++)
			if (!fnmatch(hints[i].pattern, release, FNM_EXTMATCH))
				hint = hints[i].hint;
	if (!hint)
		return release && is_release(release) ?
			ka_printf(a, "if a distribution built %s: Debian linux-image-%s-dbg; Ubuntu linux-image-%s-dbgsym; Fedora, RHEL "
				  "kernel-debuginfo-%s; SUSE kernel-default-debuginfo; else vmlinux at the top of its build directory",
				  release, release, release, release) :
			ka_strdup(a, "Debian: linux-image-RELEASE-dbg; Ubuntu: linux-image-RELEASE-dbgsym; Fedora, RHEL: "
				  "kernel-debuginfo-RELEASE; SUSE: kernel-default-debuginfo; own builds: vmlinux at the top of the build directory");
	struct ka_str s = { 0 };
	const char *dash = strrchr(release, '-'), *plus = strchr(release, '+');

	for (const char *p = hint; *p; p++) {
		if (*p != '%') {
			ka_str_addc(&s, *p);
			continue;
		}
		switch (*++p) {
		case 'v':
			ka_str_addn(&s, release, dash ? (size_t)(dash - release) : strlen(release));
			break;
		case 'f':
			ka_str_add(&s, dash ? dash + 1 : "default");
			break;
		case 'b':
			ka_str_addn(&s, release, plus ? (size_t)(plus - release) : strlen(release));
			break;
		default:
			ka_str_add(&s, release);
			break;
		}
	}
	const char *text = ka_strdup(a, s.p);

	ka_str_free(&s);
	return text;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values that stand where an address should: NULL, errors, poison. */
#include <inttypes.h>
#include "fault.h"

#define NEAR 0x10000		/* a member of a struct that began at the value */
#define ERRNO_MAX 4095

static const char *const errnos[] = {
	NULL, "EPERM", "ENOENT", "ESRCH", "EINTR", "EIO", "ENXIO", "E2BIG", "ENOEXEC", "EBADF", "ECHILD", "EAGAIN", "ENOMEM", "EACCES", "EFAULT",
	"ENOTBLK", "EBUSY", "EEXIST", "EXDEV", "ENODEV", "ENOTDIR", "EISDIR", "EINVAL", "ENFILE", "EMFILE", "ENOTTY", "ETXTBSY", "EFBIG",
	"ENOSPC", "ESPIPE", "EROFS", "EMLINK", "EPIPE", "EDOM", "ERANGE", "EDEADLK", "ENAMETOOLONG", "ENOLCK", "ENOSYS", "ENOTEMPTY", "ELOOP",
	NULL, "ENOMSG", "EIDRM", "ECHRNG", "EL2NSYNC", "EL3HLT", "EL3RST", "ELNRNG", "EUNATCH", "ENOCSI", "EL2HLT", "EBADE", "EBADR", "EXFULL",
	"ENOANO", "EBADRQC", "EBADSLT", NULL, "EBFONT", "ENOSTR", "ENODATA", "ETIME", "ENOSR", "ENONET", "ENOPKG", "EREMOTE", "ENOLINK", "EADV",
	"ESRMNT", "ECOMM", "EPROTO", "EMULTIHOP", "EDOTDOT", "EBADMSG", "EOVERFLOW", "ENOTUNIQ", "EBADFD", "EREMCHG", "ELIBACC", "ELIBBAD",
	"ELIBSCN", "ELIBMAX", "ELIBEXEC", "EILSEQ", "ERESTART", "ESTRPIPE", "EUSERS", "ENOTSOCK", "EDESTADDRREQ", "EMSGSIZE", "EPROTOTYPE",
	"ENOPROTOOPT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT", "EOPNOTSUPP", "EPFNOSUPPORT", "EAFNOSUPPORT", "EADDRINUSE", "EADDRNOTAVAIL",
	"ENETDOWN", "ENETUNREACH", "ENETRESET", "ECONNABORTED", "ECONNRESET", "ENOBUFS", "EISCONN", "ENOTCONN", "ESHUTDOWN", "ETOOMANYREFS",
	"ETIMEDOUT", "ECONNREFUSED", "EHOSTDOWN", "EHOSTUNREACH", "EALREADY", "EINPROGRESS", "ESTALE", "EUCLEAN", "ENOTNAM", "ENAVAIL", "EISNAM",
	"EREMOTEIO", "EDQUOT", "ENOMEDIUM", "EMEDIUMTYPE", "ECANCELED", "ENOKEY", "EKEYEXPIRED", "EKEYREVOKED", "EKEYREJECTED", "EOWNERDEAD",
	"ENOTRECOVERABLE", "ERFKILL", "EHWPOISON",
};

/* The kernel's own, which no user sees. */
static const char *const inner_errnos[] = {
	"ERESTARTSYS", "ERESTARTNOINTR", "ERESTARTNOHAND", "ENOIOCTLCMD", "ERESTART_RESTARTBLOCK", "EPROBE_DEFER", "EOPENSTALE", "ENOPARAM", NULL,
	"EBADHANDLE", "ENOTSYNC", "EBADCOOKIE", "ENOTSUPP", "ETOOSMALL", "ESERVERFAULT", "EBADTYPE", "EJUKEBOX", "EIOCBQUEUED", "ERECALLCONFLICT",
	"ENOGRACE",
};
_Static_assert(KA_COUNT(errnos) == 134, "an errno was lost");

const char *ka_errno_name(unsigned number)
{
	if (number < KA_COUNT(errnos))
		return errnos[number];
	return number >= 512 && number - 512 < KA_COUNT(inner_errnos) ? inner_errnos[number - 512] : NULL;
}

/* include/linux/poison.h and its like. POISON_POINTER_DELTA is 0xdead000000000000 on both architectures. */
static const struct {
	uint64_t value;
	uint64_t near;
	const char *name, *text;
} poisons[] = {
	{ 0xdead000000000100, 0x22, "LIST_POISON1", "next of a list entry that was deleted" },
	{ 0xdead000000000122, 0xd0, "LIST_POISON2", "prev of a list entry (pprev of an hlist one) that was deleted" },
	{ 0xdead000000000200, 0x100, "LIST_POISON2", "prev of a list entry that was deleted" },		/* before it was 0x122 */
	{ 0xdead000000100100, 0x100, "LIST_POISON1", "next of a list entry that was deleted" },		/* before 8a5e5e02fc83, v4.3 */
	{ 0xdead000000200200, 0x100, "LIST_POISON2", "prev of a list entry that was deleted" },
	{ 0xdead000000000300, 0x100, "TIMER_ENTRY_STATIC", "a timer that was deleted" },
	{ 0xdead000000000000, NEAR, "POISON_POINTER_DELTA", "a poisoned pointer" },
	{ 0xdead4ead00000000, 0xffffffff, "SPINLOCK_MAGIC", "a spinlock taken for a pointer" },
	{ 0x6b6b6b6b6b6b6b6b, NEAR, "POISON_FREE", "read from a freed slab object" },
	{ 0x5a5a5a5a5a5a5a5a, NEAR, "POISON_INUSE", "read from a slab object that was never written" },
	{ 0xa56b6b6b6b6b6b6b, NEAR, "POISON_FREE with POISON_END", "read from the end of a freed slab object" },
	{ 0xbbbbbbbbbbbbbbbb, NEAR, "SLUB_RED_INACTIVE", "read from behind a freed slab object" },
	{ 0xcccccccccccccccc, NEAR, "SLUB_RED_ACTIVE", "read from behind a slab object, or from init memory that was freed (POISON_FREE_INITMEM)" },
	{ 0xaaaaaaaaaaaaaaaa, NEAR, "PAGE_POISON", "read from a freed page, or from a variable that was never written" },
	{ 0x6c6c6c6c6c6c6c6c, NEAR, "FLEX_ARRAY_FREE", "a freed part of a flex array" },
	{ 0x2222222222222222, NEAR, "MUTEX_DEBUG_FREE", "a mutex that was destroyed" },
	{ 0xbdbdbdbdbdbdbdbd, NEAR, "KEY_DESTROY", "a key that was destroyed" },
	{ 0x09f911029d74e35b, NEAR, "RED_INACTIVE", "red zone of a freed slab object" },
	{ 0xd84156c5635688c0, NEAR, "RED_ACTIVE", "red zone of a slab object in use" },
	{ 0x57ac6e9d, 0, "STACK_END_MAGIC", "the mark at the end of a kernel stack" },
	{ 0x6b6b6b6b, 0, "POISON_FREE, four bytes", "read from a freed slab object" },
	{ 0x5a5a5a5a, 0, "POISON_INUSE, four bytes", "read from a slab object that was never written" },
	{ 0xdead4ead, 0, "SPINLOCK_MAGIC", "a spinlock taken for a pointer" },
};

static const char *with_offset(struct ka_arena *a, const char *name, int64_t offset)
{
	if (!offset)
		return name;
	return ka_printf(a, "%s %c 0x%" PRIx64, name, offset < 0 ? '-' : '+', offset < 0 ? -(uint64_t)offset : (uint64_t)offset);
}

bool ka_fault_poison(struct ka_arena *a, uint64_t value, uint64_t page_size, bool is_near, const char **ret, const char **ret_kind)
{
	if (value < page_size) {
		*ret = value ? ka_printf(a, "NULL + 0x%" PRIx64, value) : "NULL";
		*ret_kind = "null";
		return true;
	}
	if (value >= (uint64_t)-ERRNO_MAX) {
		unsigned number = (unsigned)-value;
		const char *name = ka_errno_name(number);

		if (name)
			*ret = ka_printf(a, "ERR_PTR(-%s): an error that was taken for a pointer", name);
		else
			*ret = ka_printf(a, "-%u: just below NULL", number);
		*ret_kind = name ? "error" : "null";
		return true;
	}
	for (size_t i = 0; i < KA_COUNT(poisons); i++) {
		int64_t offset = (int64_t)(value - poisons[i].value);

		if (!offset || (is_near && offset > 0 && (uint64_t)offset < poisons[i].near) ||
		    (is_near && poisons[i].near == NEAR && offset < 0 && offset > -0x1000)) {
			*ret = ka_printf(a, "%s (0x%" PRIx64 "): %s", with_offset(a, poisons[i].name, offset), poisons[i].value, poisons[i].text);
			*ret_kind = "poison";
			return true;
		}
	}
	return false;
}

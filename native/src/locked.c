#include "locked.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

uint32_t seals_of(const struct caller *caller)
{
	int seals = fcntl(caller->fd, F_GET_SEALS);

	return seals < 0 ? 0 : (uint32_t)seals;
}

/* STATX_ATTR_…; 0 if the file system does not tell. By its number: musl before 1.2.5 has no statx(). */
static uint64_t attributes_of(const struct caller *caller)
{
	struct statx found;

	return syscall(SYS_statx, caller->fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &found) ? 0 : found.stx_attributes;
}

static const char *immutable(const struct caller *caller)
{
	return attributes_of(caller) & STATX_ATTR_IMMUTABLE ? "it has the attribute i, which chattr -i removes" : NULL;
}

bool is_for_appending_only(const struct caller *caller)
{
	return attributes_of(caller) & STATX_ATTR_APPEND;
}

bool is_huge(const struct caller *caller)
{
	struct statfs system;

	return fstatfs(caller->fd, &system) == 0 && system.f_type == HUGETLBFS_MAGIC;
}

const char *locked_against_cuts(const struct caller *caller)
{
	if (seals_of(caller) & F_SEAL_SHRINK)
		return "it is sealed (F_SEAL_SHRINK)";
	if (is_for_appending_only(caller))
		return "it has the attribute a, which chattr -a removes";
	return immutable(caller);
}

const char *locked_against_writes(const struct caller *caller, bool appends)
{
	uint32_t seals = seals_of(caller);

	if (seals & F_SEAL_WRITE)
		return "it is sealed (F_SEAL_WRITE)";
	if (seals & F_SEAL_FUTURE_WRITE)
		return "it is sealed (F_SEAL_FUTURE_WRITE)";
	if (appends && (seals & F_SEAL_GROW))
		return "it is sealed (F_SEAL_GROW), and what is appended makes it longer";
	return immutable(caller);
}

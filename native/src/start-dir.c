#include "start-dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "escape.h"
#include "exit-codes.h"
#include "message.h"
#include "private-dir.h"
#include "unix-socket.h"

static bool is_hex(const char *name, size_t length)
{
	return strspn(name, "0123456789abcdef") == length && name[length] == '\0';
}

bool is_start_name(const char *name)
{
	return is_hex(name, START_NAME_LENGTH);
}

/* The links of a directory, and that directory, if nothing else is in it. */
static void remove_links(int parent, const char *name)
{
	int directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *stream = directory < 0 ? NULL : fdopendir(directory);
	struct dirent *entry;

	if (!stream) {
		if (directory >= 0)
			close(directory);
		return;
	}
	while ((entry = readdir(stream)) != NULL) {
		struct stat status;

		if (fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode))
			(void)unlinkat(directory, entry->d_name, 0);
	}
	closedir(stream);
	(void)unlinkat(parent, name, AT_REMOVEDIR);
}

static void remove_socket(int directory)
{
	struct stat status;

	if (fstatat(directory, SOCKET_NAME, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(status.st_mode))
		(void)unlinkat(directory, SOCKET_NAME, 0);
}

/* Takes only what a start makes: with something else inside, the directory stays. */
static void remove_whole(int base, const char *name, int directory)
{
	remove_socket(directory);
	remove_links(directory, PLUGINS_NAME);
	(void)unlinkat(base, name, AT_REMOVEDIR);
}

/* Opens and locks what a start left behind; -1: none of ours, or in use. */
static int take_left_over(int base, const char *name)
{
	struct stat status;
	int directory;

	if (!is_start_name(name))
		return -1;
	directory = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		return -1;
	if (fstat(directory, &status) == 0 && status.st_uid == geteuid() && (status.st_mode & 07777) == 0700 &&
	    flock(directory, LOCK_EX | LOCK_NB) == 0)
		return directory;
	close(directory);
	return -1;
}

static bool leads_nowhere(int base, const char *name)
{
	struct stat status;

	return fstatat(base, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode) &&
	       fstatat(base, name, &status, 0) && errno == ENOENT;
}

/* Under the lock of the base, so that none is just being made. */
static void remove_left_over(int base)
{
	int copy = openat(base, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!stream) {
		if (copy >= 0)
			close(copy);
		return;
	}
	while ((entry = readdir(stream)) != NULL) {
		int directory = take_left_over(base, entry->d_name);

		if (directory < 0)
			continue;
		remove_whole(base, entry->d_name, directory);
		close(directory);
	}
	rewinddir(stream);
	while ((entry = readdir(stream)) != NULL)
		if (is_hex(entry->d_name, SHA256_HEX) && leads_nowhere(base, entry->d_name))
			(void)unlinkat(base, entry->d_name, 0);
	closedir(stream);
}

static int random_name(char name[START_NAME_MAX])
{
	unsigned char bytes[START_NAME_LENGTH / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
		message("cannot get random bytes: %s", cause_of(errno));
		return -1;
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(name + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static int make_own(struct start_dir *dir, const char *base_path)
{
	struct shown shown;

	if (random_name(dir->name))
		return -1;
	snprintf(dir->path, sizeof(dir->path), "%s/%s", base_path, dir->name);
	if (private_dir_make(dir->base, dir->name)) {
		message("cannot make the directory %s: %s", show_raw(&shown, dir->path), cause_of(errno));
		return -1;
	}
	dir->fd = openat(dir->base, dir->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir->fd >= 0 && fchmod(dir->fd, 0700) == 0 && flock(dir->fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	message("cannot lock the directory %s: %s", show_raw(&shown, dir->path), cause_of(errno));
	(void)unlinkat(dir->base, dir->name, AT_REMOVEDIR);
	return -1;
}

int start_dir_of_digest(int base, const char *digest)
{
	char name[START_NAME_MAX];
	ssize_t length = readlinkat(base, digest, name, sizeof(name));

	if (length != START_NAME_LENGTH)
		return -1;
	name[length] = '\0';
	if (!is_start_name(name))
		return -1;
	return openat(base, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void say_holder(int base, const char *digest)
{
	int directory = start_dir_of_digest(base, digest);
	int connection = directory < 0 ? -1 : unix_connect(directory, SOCKET_NAME, SOCK_SEQPACKET);
	struct ucred peer = {0};

	if (directory >= 0)
		close(directory);
	if (connection >= 0) {
		(void)unix_peer(connection, &peer);
		close(connection);
	}
	if (peer.pid > 0)
		message("process %d serves the plan of SHA-256 %s already; wait for it to end, or end it with: kill %d", (int)peer.pid,
			digest, (int)peer.pid);
	else
		message("another process serves the plan of SHA-256 %s already; wait for it to end", digest);
}

static int register_own(struct start_dir *dir, const char *digest)
{
	struct shown shown;

	if (symlinkat(dir->name, dir->base, digest) == 0) {
		memcpy(dir->registered, digest, sizeof(dir->registered));
		return 0;
	}
	if (errno == EEXIST) {
		say_holder(dir->base, digest);
		return EXIT_UNUSABLE;
	}
	message("cannot make a link to %s: %s", show_raw(&shown, dir->path), cause_of(errno));
	return EXIT_SYSTEM;
}

int start_dir_make(struct start_dir *dir, const char *register_as)
{
	char base_path[BASE_PATH_MAX];
	int code = 0;

	*dir = NO_START_DIR;
	dir->base = base_dir_make(base_path);
	if (dir->base < 0)
		return EXIT_SYSTEM;
	if (base_dir_lock(dir->base, base_path)) {
		start_dir_leave(dir);
		return EXIT_SYSTEM;
	}
	remove_left_over(dir->base);
	if (make_own(dir, base_path))
		code = EXIT_SYSTEM;
	else if (register_as)
		code = register_own(dir, register_as);
	base_dir_unlock(dir->base);
	if (code)
		start_dir_remove(dir);
	return code;
}

int start_dir_bind(const struct start_dir *dir)
{
	struct shown shown;
	int fd = unix_bind(dir->fd, SOCKET_NAME, SOCK_SEQPACKET);

	if (fd < 0)
		message("cannot make the socket %s/" SOCKET_NAME ": %s", show_raw(&shown, dir->path), cause_of(errno));
	return fd;
}

void start_dir_hide(struct start_dir *dir)
{
	if (dir->fd < 0)
		return;
	remove_socket(dir->fd);
	if (dir->registered[0])
		(void)unlinkat(dir->base, dir->registered, 0);
	dir->registered[0] = '\0';
}

void start_dir_remove(struct start_dir *dir)
{
	if (dir->fd >= 0) {
		start_dir_hide(dir);
		remove_whole(dir->base, dir->name, dir->fd);
	}
	start_dir_leave(dir);
}

void start_dir_leave(struct start_dir *dir)
{
	if (dir->fd >= 0)
		close(dir->fd);
	if (dir->base >= 0)
		close(dir->base);
	*dir = NO_START_DIR;
}

#include "fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "escape.h"
#include "frames.h"
#include "message.h"
#include "socket-variable.h"
#include "unix-socket.h"

/* More than a keeper needs for the connection before this one. */
#define ANSWER_MS 25000
/* The keeper ends as soon as it has said so. */
#define REAP_TRIES 5000
#define REAP_PAUSE_NS 1000000L

#define START_RIGHT "start CRIU through `fdgraft-exec --plan DIR -- criu restore -D DIR ...`"
#define START_AGAIN "start the restore again"

static int check_digest(const struct plan *plan, const char *launchers)
{
	char ours[SHA256_HEX + 1];

	sha256_hex(plan->digest, ours);
	if (strcmp(ours, launchers) == 0)
		return 0;
	message("the plan in the image directory (SHA-256 %s) is not the one that fdgraft-exec was started with (%s); give the same directory to --plan and to -D",
		ours, launchers);
	return -1;
}

/* Nobody but root and this user may have put it there. */
static int open_directory(const char *path)
{
	struct stat status;
	int directory = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (directory < 0)
		return -1;
	if (fstat(directory, &status) == 0 && is_trusted(status.st_uid) && (status.st_mode & 07777) == 0700)
		return directory;
	close(directory);
	errno = EPERM;
	return -1;
}

static int connect_in(int directory, const char *shown_path)
{
	int connection = unix_connect(directory, SOCKET_NAME, SOCK_SEQPACKET);
	int error = errno;

	close(directory);
	if (connection >= 0)
		return connection;
	message("cannot connect to %s/" SOCKET_NAME ": %s; %s", shown_path, cause_of(error),
		error == EACCES	      ? "SELinux or AppArmor may forbid it to CRIU: look into the audit log" :
		error == ECONNREFUSED ? "fdgraft-exec or its keeper has ended: " START_AGAIN :
					START_AGAIN);
	return -1;
}

/* The variable alone decides: a socket that is gone is no reason to look for another one. */
static int connect_by_variable(const struct plan *plan, const char *text)
{
	struct socket_variable variable;
	struct shown shown;
	int directory;

	if (socket_variable_read(&variable, text)) {
		message(SOCKET_ENV " is not what this version of fdgraft-exec writes; use fdgraft-exec and fdgraft.so of one build");
		return -1;
	}
	if (check_digest(plan, variable.digest))
		return -1;
	directory = open_directory(variable.directory);
	show_raw(&shown, variable.directory);
	if (directory >= 0)
		return connect_in(directory, shown.text);
	message("cannot open %s, where the caller fds are to be fetched: %s; %s", shown.text,
		errno == EPERM ? "it is not a directory of root or this user alone" : cause_of(errno),
		errno == ENOENT ? "they were fetched already, or fdgraft-exec has ended: " START_AGAIN : START_AGAIN);
	return -1;
}

static int connect_by_digest(const struct plan *plan)
{
	char digest[SHA256_HEX + 1];
	struct base_dirs dirs;
	struct shown shown;

	sha256_hex(plan->digest, digest);
	base_dirs_find(&dirs);
	for (size_t i = 0; i < dirs.count; i++) {
		int base = base_dir_open(dirs.paths[i]);
		int directory = base < 0 ? -1 : start_dir_of_digest(base, digest);

		if (base >= 0)
			close(base);
		if (directory >= 0)
			return connect_in(directory, show_raw(&shown, dirs.paths[i]));
	}
	message("the image directory holds " PLAN_NAME ", and the caller's descriptors are not handed over (" SOCKET_ENV
		" is not set, and no fdgraft-exec --serve has this plan); " START_RIGHT);
	return -1;
}

static void say_received(enum received received, const char *what, const struct frame *frame)
{
	switch (received) {
	case RECEIVED_END:
		message("%s did not come: the keeper of the caller fds has ended; " START_AGAIN, what);
		break;
	case RECEIVED_LATE:
		message("%s did not come within %d s: the keeper of the caller fds does not answer; " START_AGAIN, what,
			ANSWER_MS / 1000);
		break;
	case RECEIVED_VERSION:
		message("fdgraft-exec speaks version %u, fdgraft.so version %d; use fdgraft-exec and fdgraft.so of one build",
			frame->version, FRAME_VERSION);
		break;
	case RECEIVED_ERROR:
		message("cannot receive %s: %s; " START_AGAIN, what, cause_of(errno));
		break;
	default:
		message("%s came damaged, or with descriptors that CRIU has no room for; raise its limit of descriptors (ulimit -n)", what);
		break;
	}
}

/* Gets a frame of that kind. -1 has said why. */
static int expect(int connection, enum frame_kind kind, const char *what, struct frame *frame, int *fds, size_t room,
		  size_t *count)
{
	enum received received = frame_receive(connection, frame, fds, room, count, deadline_after(ANSWER_MS));

	if (received != RECEIVED) {
		say_received(received, what, frame);
		return -1;
	}
	if (frame->kind == kind)
		return 0;
	for (size_t i = 0; i < *count; i++)
		close(fds[i]);
	*count = 0;
	if (frame->kind == FRAME_REFUSED && frame->reason == REFUSED_VERSION)
		say_received(RECEIVED_VERSION, what, frame);
	else if (frame->kind == FRAME_REFUSED && frame->reason == REFUSED_PLAN)
		message("fdgraft-exec has another plan than the image directory; give the same directory to --plan and to -D");
	else if (frame->kind == FRAME_REFUSED && frame->reason == REFUSED_DEBUG)
		message("fdgraft-exec could not write a text of debug[N]; its stderr says why");
	else
		say_received(RECEIVED_ODD, what, frame);
	return -1;
}

static int say(int connection, const struct frame *frame)
{
	if (frame_send(connection, frame, NULL, 0, deadline_after(ANSWER_MS)) == 0)
		return 0;
	message("cannot ask for the caller fds: %s; " START_AGAIN,
		errno == EPIPE || errno == ECONNRESET ? "the keeper of the caller fds has ended" : cause_of(errno));
	return -1;
}

static int greet(int connection, const struct callers *callers, const struct plan *plan)
{
	struct frame frame = frame_of(FRAME_HELLO);
	size_t none;

	memcpy(frame.digest, plan->digest, SHA256_SIZE);
	if (say(connection, &frame) || expect(connection, FRAME_OFFER, "the number of caller fds", &frame, NULL, 0, &none))
		return -1;
	if (frame.count == callers->count)
		return 0;
	message("fdgraft-exec has %u caller fds, the plan %zu; use fdgraft-exec and fdgraft.so of one build", frame.count,
		callers->count);
	return -1;
}

/* From callers->list[*done] on. */
static int fetch_some(int connection, struct callers *callers, size_t *done)
{
	struct frame frame = frame_of(FRAME_WANT);
	int fds[FRAME_FDS_MAX];
	size_t first = *done;
	size_t count = 0;
	bool fits;

	frame.first = (uint32_t)first;
	if (say(connection, &frame) || expect(connection, FRAME_FDS, "caller fds", &frame, fds, FRAME_FDS_MAX, &count))
		return -1;
	fits = frame.first == first && frame.count == count && count > 0 && count <= callers->count - first;
	for (size_t i = 0; fits && i < count; i++)
		fits = frame.numbers[i] == callers->list[first + i].number;
	if (!fits) {
		for (size_t i = 0; i < count; i++)
			close(fds[i]);
		message("fdgraft-exec handed over other caller fds than the plan has; use fdgraft-exec and fdgraft.so of one build");
		return -1;
	}
	for (size_t i = 0; i < count; i++)
		callers->list[first + i].fd = fds[i];
	*done += count;
	return 0;
}

/* Takes over the directory with the links to plugins, which the keeper leaves to this process. */
static int take_dir(struct start_dir *dir, const struct frame *frame, int directory)
{
	if (frame->name[START_NAME_LENGTH] != '\0' || !is_start_name(frame->name))
		return -1;
	dir->base = openat(directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir->base < 0)
		return -1;
	memcpy(dir->name, frame->name, sizeof(dir->name));
	dir->fd = directory;
	dir->has_plugins = true;
	return 0;
}

static int finish(int connection, struct start_dir *dir)
{
	struct frame frame = frame_of(FRAME_DONE);
	size_t count = 0;
	int directory;

	if (say(connection, &frame) || expect(connection, FRAME_END, "the end of the caller fds", &frame, &directory, 1, &count))
		return -1;
	if (count == 1 && take_dir(dir, &frame, directory))
		close(directory);
	return 0;
}

/*
 * If the launcher was process 1 or a subreaper, the keeper is a child of this process. CRIU would take its end for
 * that of a restored task.
 */
static void reap(pid_t keeper)
{
	struct timespec pause = {.tv_nsec = REAP_PAUSE_NS};
	int status;

	for (int i = 0; i < REAP_TRIES; i++) {
		if (keeper <= 0 || waitpid(keeper, &status, WNOHANG) != 0)
			return;
		(void)nanosleep(&pause, NULL);
	}
	if (kill(keeper, SIGKILL) == 0)
		(void)waitpid(keeper, &status, 0);
}

static int fetch_all(int connection, struct callers *callers, const struct plan *plan, struct start_dir *dir)
{
	struct ucred keeper;
	size_t done = 0;

	if (unix_peer(connection, &keeper)) {
		message("cannot find out who keeps the caller fds: %s", cause_of(errno));
		return -1;
	}
	if (!is_trusted(keeper.uid)) {
		message("the socket for the caller fds belongs to user %u; run fdgraft-exec as root or as the user of CRIU", keeper.uid);
		return -1;
	}
	if (greet(connection, callers, plan))
		return -1;
	while (done < callers->count)
		if (fetch_some(connection, callers, &done))
			return -1;
	if (finish(connection, dir))
		return -1;
	reap(keeper.pid);
	return 0;
}

int fetch_over(int connection, struct callers *callers, const struct plan *plan, struct start_dir *dir)
{
	if (fetch_all(connection, callers, plan, dir) == 0)
		return 0;
	fetched_close(callers);
	return -1;
}

int fetch(struct callers *callers, const struct plan *plan, const char *variable, struct start_dir *dir)
{
	int connection = variable ? connect_by_variable(plan, variable) : connect_by_digest(plan);
	int result;

	if (connection < 0)
		return -1;
	result = fetch_over(connection, callers, plan, dir);
	close(connection);
	return result;
}

void fetched_close(struct callers *callers)
{
	for (size_t i = 0; i < callers->count; i++) {
		if (callers->list[i].fd >= 0)
			close(callers->list[i].fd);
		callers->list[i].fd = -1;
	}
}

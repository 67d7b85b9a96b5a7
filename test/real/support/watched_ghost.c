/*
 * A log whose name is gone and that an inotify or a fanotify watches, which also watches a log with a name.
 *
 * 5: ghost.log, deleted; 6: what watches; 7: kept.log; 8: ghost.log again, if so asked
 *
 * Usage: watched_ghost inotify|fanotify [again]
 */
#include "../../../fixtures/programs/task.h"
#include <sys/fanotify.h>
#include <sys/inotify.h>

int main(int argc, char **argv)
{
	static const int one[] = { 5, 7, END }, two[] = { 5, 7, 8, END }, readable[] = { 6, END };
	int again = argc > 2;

	if (argc < 2)
		return 2;
	begin();
	place(open("ghost.log", O_RDWR | O_CREAT, 0644), 5, 0);
	place(open("kept.log", O_WRONLY | O_CREAT | O_APPEND, 0644), 7, 0);
	if (again)
		place(open("ghost.log", O_WRONLY | O_APPEND), 8, 0);
	must(unlink("ghost.log"));
	if (strcmp(argv[1], "inotify") == 0) {
		place(inotify_init1(IN_NONBLOCK), 6, 0);
		must(inotify_add_watch(6, "/proc/self/fd/5", IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF));
		must(inotify_add_watch(6, "kept.log", IN_MODIFY));
	} else {
		place(fanotify_init(FAN_NONBLOCK, O_RDONLY), 6, 0);
		must(fanotify_mark(6, FAN_MARK_ADD, FAN_MODIFY, AT_FDCWD, "/proc/self/fd/5"));
		must(fanotify_mark(6, FAN_MARK_ADD, FAN_MODIFY, AT_FDCWD, "kept.log"));
	}
	ready();
	serve("task", again ? two : one, readable);
}

/*
 * What most programs are: stdin, stdout and stderr from whoever started it, and a log.
 *
 * 0, 1, 2: the caller's; 5: app.log, O_APPEND
 */
#include "../../../fixtures/programs/task.h"

int main(void)
{
	static const int readable[] = { 0, END }, writable[] = { 1, 2, 5, END };

	begin();
	place(open("app.log", O_WRONLY | O_CREAT | O_APPEND, 0644), 5, 0);
	ready();
	serve("task", writable, readable);
}

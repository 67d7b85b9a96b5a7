/*
 * Memory that changes from one dump to the next. A record of 16 pages is filled each time: record N by the
 * N-th SIGUSR1, and record 0 at the start. The last record is filled anew each time.
 *
 * 1: the caller's; 5: log (append)
 * SIGUSR1 fills the next record and the last one and writes "task N\n" to 1 and 5; SIGUSR2 reports the first 13
 * bytes of each page, a line each, as read.PID.memory
 */
#include "../../../fixtures/programs/task.h"

#define PAGE 4096
#define PAGES 16
#define RECORDS 5
#define LAST (RECORDS - 1)

static char memory[RECORDS][PAGES][PAGE] __attribute__((aligned(PAGE)));
static int generation;

static void fill(int record)
{
	for (int page = 0; page < PAGES; page++) {
		char text[32];

		/* Every byte says it: a page that is not all of one generation is found out. */
		snprintf(text, sizeof(text), "generation %02d", generation);
		for (int at = 0; at + 16 <= PAGE; at += 16)
			memcpy(memory[record][page] + at, text, 13);
	}
}

static void show(void)
{
	static char text[RECORDS * PAGES * 14 + 1];
	char *end = text;

	for (int record = 0; record < RECORDS; record++)
		for (int page = 0; page < PAGES; page++) {
			const char *bytes = memory[record][page];
			int whole = memcmp(bytes, bytes + 16, PAGE - 16) == 0;

			end += sprintf(end, "%.13s\n", !whole ? "torn" : bytes[0] ? bytes : "nothing");
		}
	report("memory", text, end - text);
}

static void act(int signal)
{
	char line[32];
	int length;

	if (signal == SIGUSR2) {
		show();
		return;
	}
	generation++;
	fill(generation);
	fill(LAST);
	length = snprintf(line, sizeof(line), "task %d\n", generation);
	if (write(1, line, length) != length || write(5, line, length) != length)
		_exit(1);
}

int main(void)
{
	begin();
	place(open("log", O_WRONLY | O_CREAT | O_APPEND, 0644), 5, 0);
	fill(0);
	fill(LAST);
	ready();
	serve_with(act);
}

/* pipe: holds both ends of a pipe at 13 and 14, says so with a line, and lets go when its stdin ends. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	int ends[2];
	char byte;

	if (pipe(ends) < 0 || dup2(ends[0], 13) < 0 || dup2(ends[1], 14) < 0) {
		perror("pipe");
		return 1;
	}
	puts("13 14");
	fflush(stdout);
	return read(0, &byte, 1) < 0;
}

#include "attach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "escape.h"
#include "exit-codes.h"
#include "message.h"
#include "receive-master.h"
#include "relay-loop.h"
#include "unix-socket.h"

static int connect_to(const char *path, struct shown *shown)
{
	const char *name;
	int dir = open_dir_of(path, &name);
	int connection = dir < 0 ? -1 : unix_connect(dir, name, SOCK_STREAM);
	struct ucred peer;

	if (dir >= 0)
		close(dir);
	if (connection < 0) {
		message("--attach %s: cannot connect: %s; give the SOCKET of fdgraft-exec --pty=SOCKET, which is there until somebody has the terminal",
			shown->text, cause_of(errno));
		return -1;
	}
	if (unix_peer(connection, &peer) == 0 && is_trusted(peer.uid))
		return connection;
	message("--attach %s: another user listens there; give the SOCKET of an fdgraft-exec of your own or of root's", shown->text);
	close(connection);
	return -1;
}

static int show_it(struct showing *showing)
{
	const struct dump_pids none = {0};

	if (take_window_signals(&showing->signals) || window_guard(&showing->window, &none))
		return EXIT_SYSTEM;
	window_make_raw(&showing->window);
	relay_resize(&showing->relay, true);
	return show_terminal(showing);
}

static int show(int master, const struct window *window)
{
	struct showing *showing = calloc(1, sizeof(*showing));
	int code, ended_by;

	if (!showing) {
		message("out of memory");
		close(master);
		return EXIT_SYSTEM;
	}
	*showing = (struct showing){
		.window = *window, .offer = NO_OFFER, .signals = NO_SIGNALS, .child = NO_PROCESS, .session = NO_PROCESS, .leader = -1};
	showing->relay.window = &showing->window;
	showing->relay.master = master;
	code = show_it(showing);
	relay_hang_up(&showing->relay);
	window_close(&showing->window);
	ended_by = showing->ended_by;
	free(showing);
	return ended_by ? signals_end_by(ended_by) : code;
}

int attach(const char *path)
{
	struct window window;
	struct shown shown;
	int code = window_open(&window, NULL, "--attach shows a terminal there; start it in a window, or by ssh -t");
	int connection, master;

	show_raw(&shown, path);
	if (code)
		return code;
	connection = connect_to(path, &shown);
	if (connection < 0)
		return EXIT_UNUSABLE;
	master = receive_master(connection, shown.text);
	if (master < 0)
		return EXIT_UNUSABLE;
	/* Says that it has come: the other end lets go of it. */
	(void)send(connection, "", 1, MSG_NOSIGNAL);
	close(connection);
	return show(master, &window);
}

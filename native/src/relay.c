#include "relay.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* More than the kernel keeps of what was written to a terminal. */
#define REST_BYTES (4 * RELAY_BYTES)

/* Reads as much as fits. 1: some came; 0: nothing now; -1: nothing will. */
static int fill(struct carried *carried, int fd)
{
	ssize_t got;

	if (carried->begin > 0) {
		memmove(carried->bytes, carried->bytes + carried->begin, carried->end - carried->begin);
		carried->end -= carried->begin;
		carried->begin = 0;
	}
	if (carried->end == sizeof(carried->bytes))
		return 0;
	do
		got = read(fd, carried->bytes + carried->end, sizeof(carried->bytes) - carried->end);
	while (got < 0 && errno == EINTR);
	if (got > 0) {
		carried->end += (size_t)got;
		return 1;
	}
	return got < 0 && errno == EAGAIN ? 0 : -1;
}

/* Writes as much as is taken. -1: nothing ever will be. */
static int empty(struct carried *carried, int fd)
{
	while (carried->begin < carried->end) {
		ssize_t done = write(fd, carried->bytes + carried->begin, carried->end - carried->begin);

		if (done > 0)
			carried->begin += (size_t)done;
		else if (done == 0 || errno == EAGAIN)
			return 0;
		else if (errno != EINTR)
			return -1;
	}
	carried->begin = carried->end = 0;
	return 0;
}

static bool has_some(const struct carried *carried)
{
	return carried->begin < carried->end;
}

static bool has_room(const struct carried *carried)
{
	return carried->end - carried->begin < sizeof(carried->bytes);
}

static void want(struct pollfd *event, int fd, bool reads, bool writes)
{
	/* A negative number is passed over: else what is hung up would be said again and again. */
	*event = (struct pollfd){.fd = reads || writes ? fd : -1, .events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0))};
}

static bool can_read(const struct relay *relay)
{
	return relay->master >= 0 && !relay->is_done;
}

void relay_want(const struct relay *relay, struct pollfd *window, struct pollfd *master)
{
	if (relay->window->fd < 0) {
		want(window, -1, false, false);
		*master = (struct pollfd){.fd = can_read(relay) ? relay->master : -1};
		return;
	}
	want(window, relay->window_is_gone ? -1 : relay->window->fd,
	     has_room(&relay->typed) && can_read(relay) && !relay->ends, has_some(&relay->shown));
	want(master, can_read(relay) ? relay->master : -1, has_room(&relay->shown), has_some(&relay->typed));
}

void relay_hang_up(struct relay *relay)
{
	if (relay->master >= 0)
		close(relay->master);
	relay->master = -1;
	relay->typed.begin = relay->typed.end = 0;
}

/* The master stays open: its end would be a SIGHUP for a COMMAND that has that session and is about to end well. */
static void finish(struct relay *relay)
{
	relay->is_done = true;
	relay->typed.begin = relay->typed.end = 0;
}

static void lose_window(struct relay *relay)
{
	relay->window_is_gone = true;
	relay->shown.begin = relay->shown.end = 0;
	relay_hang_up(relay);
}

static void take_interrupt(struct relay *relay, size_t from)
{
	const struct termios *keys = &relay->window->before;

	if (!relay->takes_interrupts || !(keys->c_lflag & ISIG) || tcgetsid(relay->master) >= 0)
		return;
	for (size_t i = from; i < relay->typed.end; i++) {
		cc_t key = (cc_t)relay->typed.bytes[i];

		if (key == _POSIX_VDISABLE || (key != keys->c_cc[VINTR] && key != keys->c_cc[VQUIT]))
			continue;
		relay->key_signal = key == keys->c_cc[VINTR] ? SIGINT : SIGQUIT;
		/* As a terminal does, it forgets what was typed before. */
		memmove(relay->typed.bytes, relay->typed.bytes + i + 1, relay->typed.end - i - 1);
		relay->typed.end -= i + 1;
		return;
	}
}

static void take_keys(struct relay *relay)
{
	size_t before;
	int got;

	/* The shell of a stopped job sets the window back, and so does the way into the background. */
	if (!relay->window->is_raw)
		window_make_raw(relay->window);
	before = relay->typed.end - relay->typed.begin;
	got = fill(&relay->typed, relay->window->fd);
	if (got < 0)
		lose_window(relay);
	else if (got > 0)
		take_interrupt(relay, before);
}

static void show(struct relay *relay)
{
	if (!has_some(&relay->shown) || relay->window_is_gone)
		return;
	window_make_bare(relay->window);
	if (empty(&relay->shown, relay->window->fd))
		lose_window(relay);
}

static void take_output(struct relay *relay)
{
	if (fill(&relay->shown, relay->master) < 0)
		finish(relay);
}

/* Nobody reads what is still written: the rest is no more than the kernel keeps of a terminal. */
static void take_rest(struct relay *relay)
{
	while (can_read(relay) && has_room(&relay->shown)) {
		size_t before = relay->shown.end - relay->shown.begin;
		size_t got;

		if (fill(&relay->shown, relay->master) <= 0) {
			finish(relay);
			return;
		}
		got = relay->shown.end - relay->shown.begin - before;
		relay->rest -= got < relay->rest ? got : relay->rest;
		if (relay->rest == 0)
			finish(relay);
		show(relay);
	}
}

void relay_end(struct relay *relay)
{
	if (relay->ends)
		return;
	relay->ends = true;
	relay->rest = REST_BYTES;
	relay->typed.begin = relay->typed.end = 0;
	if (relay->window->fd < 0)
		finish(relay);
	else
		take_rest(relay);
}

void relay_carry(struct relay *relay, const struct pollfd *window, const struct pollfd *master)
{
	if (relay->window->fd < 0) {
		if (master->revents)
			finish(relay);
		return;
	}
	if (window->revents & (POLLHUP | POLLERR))
		lose_window(relay);
	else if (window->revents & POLLIN)
		take_keys(relay);
	if (can_read(relay) && (master->revents & (POLLIN | POLLHUP | POLLERR)))
		take_output(relay);
	/* Nobody is there to read them. */
	if (master->revents & POLLHUP)
		relay->typed.begin = relay->typed.end = 0;
	if (can_read(relay) && has_some(&relay->typed) && empty(&relay->typed, relay->master))
		relay->typed.begin = relay->typed.end = 0;
	show(relay);
	if (relay->ends)
		take_rest(relay);
}

bool relay_is_over(const struct relay *relay)
{
	return !can_read(relay) && !has_some(&relay->shown);
}

void relay_resize(const struct relay *relay, bool redraw)
{
	struct winsize size;

	if (!can_read(relay) || relay->window->fd < 0 || ioctl(relay->window->fd, TIOCGWINSZ, &size))
		return;
	/* The kernel tells programs of another size alone. */
	if (redraw) {
		struct winsize other = size;

		other.ws_row ^= 1;
		(void)ioctl(relay->master, TIOCSWINSZ, &other);
	}
	(void)ioctl(relay->master, TIOCSWINSZ, &size);
}

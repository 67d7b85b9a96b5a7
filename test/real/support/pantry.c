/*
 * As much as one dump can hold of what images can say. Each argument adds a group, and descriptors are not named by
 * tests but for those of "files", so their numbers follow from the order:
 *
 * files    10 log (offset 4 of 10 bytes), 11/12 pipe with bytes, 13 FIFO with bytes, 14 and 15 files without a name, the second with
 *          holes, 16 memfd with seals, 17 a file of a name with quotes and letters beyond ASCII, locks
 * sockets  20/21 datagram pair with packets and descriptors in the queue, 22 to 24 abstract names with any bytes, 25 a
 *          long name, 26/27 a stream pair with bytes
 * watches  30 epoll, 31 inotify, 32 timerfd, 33 signalfd, 34 eventfd, 35/36 pty and terminal
 * signals  timers of all kinds, pending signals of the process and of the thread, handlers, an alternate stack
 * children one that is stopped, one that is dead, one that is a session of its own, a thread
 * memory   mappings of all kinds
 * ipc      System V: shared memory, semaphores, messages
 * seccomp  a filter that lets all pass
 * net      40 netlink, 41 packet socket, 42 listening TCP, 43 and 44 both ends of a connection with bytes, 45 UDP,
 *          46 and 47 the same of IPv6
 * bytes    a file and a socket of names that are not UTF-8
 */
#include "../../../fixtures/programs/task.h"
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netinet/tcp.h>
#include <netpacket/packet.h>
#include <pthread.h>
#include <stddef.h>
#include <net/if.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>

static void fill(int fd, const void *bytes, size_t count)
{
	if (write(fd, bytes, count) != (ssize_t)count)
		_exit(1);
}

static int open_new(const char *name)
{
	return must(open(name, O_RDWR | O_CREAT | O_TRUNC, 0644));
}

static void files(void)
{
	char bytes[300];
	int ends[2];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	place(open_new("log"), 10, 0);
	fill(10, "0123456789", 10);
	must(lseek(10, 4, SEEK_SET));
	must(flock(10, LOCK_SH));
	must(pipe(ends));
	place(ends[0], 11, 0);
	place(ends[1], 12, O_CLOEXEC);
	fill(12, bytes, sizeof(bytes));
	must(mkfifo("fifo", 0600));
	place(open("fifo", O_RDWR), 13, 0);
	fill(13, "in the fifo", 11);
	place(open_new("ghost"), 14, 0);
	fill(14, bytes, sizeof(bytes));
	must(unlink("ghost"));
	place(open_new("holes"), 15, 0);
	for (int i = 0; i < 3; i++) {
		must(lseek(15, i * 65536, SEEK_SET));
		fill(15, bytes, sizeof(bytes));
	}
	must(unlink("holes"));
	place(memfd_create("sealed", MFD_ALLOW_SEALING), 16, 0);
	fill(16, "memory", 6);
	must(fcntl(16, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK));
	place(open_new("na\"me \\ \t\x01 \xc3\xbc \xf0\x9f\xa6\x8a \x7f"), 17, O_CLOEXEC);
	must(lockf(17, F_TLOCK, 16));
}

static void name_socket(int fd, const char *name, size_t length)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, name, length);
	must(bind(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + length));
}

static void send_fds(int through, int first, int second)
{
	char text[] = "descriptors";
	struct iovec io = { text, sizeof(text) };
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr message = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	int fds[2] = { first, second };

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(rights), fds, sizeof(fds));
	must(sendmsg(through, &message, 0));
}

static void sockets(void)
{
	static const char odd[] = "\0odd \xff\x80=.\r\n\t end ";
	static const char dots[] = "\0.\n=3D";
	char lengthy[107];
	char packet[200];
	int ends[2];

	memset(packet, '=', sizeof(packet));
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
	place(ends[0], 20, 0);
	place(ends[1], 21, 0);
	fill(20, packet, sizeof(packet));
	fill(20, "", 1);
	send_fds(20, 0, 20);
	place(socket(AF_UNIX, SOCK_STREAM, 0), 22, 0);
	name_socket(22, odd, sizeof(odd) - 1);
	must(listen(22, 3));
	place(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), 23, 0);
	name_socket(23, dots, sizeof(dots) - 1);
	memset(lengthy, 'n', sizeof(lengthy));
	lengthy[0] = 0;
	memset(lengthy + 60, '=', 30);
	place(socket(AF_UNIX, SOCK_SEQPACKET, 0), 24, 0);
	name_socket(24, lengthy, sizeof(lengthy));
	place(socket(AF_UNIX, SOCK_STREAM, 0), 25, 0);
	name_socket(25, "a socket = \xc3\xbc of a path, longer than a line of quoted-printable, with \"quotes\" .", 82);
	must(listen(25, 1));
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	place(ends[0], 26, 0);
	place(ends[1], 27, 0);
	fill(26, "streamed", 8);
	fill(27, "\0back", 5);
}

static void watches(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u64 = ~0ULL };
	struct itimerspec times = { { 3, 5 }, { 3600, 999999999 } };
	struct termios modes;
	sigset_t set;

	place(eventfd(0xfffffffe, 0), 34, 0);
	place(epoll_create1(0), 30, 0);
	must(epoll_ctl(30, EPOLL_CTL_ADD, 34, &event));
	place(inotify_init1(0), 31, 0);
	must(mkdir("watched", 0755));
	must(inotify_add_watch(31, "watched", IN_ALL_EVENTS));
	must(inotify_add_watch(31, ".", IN_DELETE_SELF));
	place(timerfd_create(CLOCK_BOOTTIME, 0), 32, 0);
	must(timerfd_settime(32, 0, &times, NULL));
	sigfillset(&set);
	place(signalfd(-1, &set, SFD_NONBLOCK), 33, 0);
	place(posix_openpt(O_RDWR | O_NOCTTY), 35, 0);
	must(grantpt(35));
	must(unlockpt(35));
	place(open(ptsname(35), O_RDWR | O_NOCTTY), 36, 0);
	must(tcgetattr(36, &modes));
	modes.c_lflag &= ~ECHO;
	modes.c_cc[VMIN] = 7;
	must(tcsetattr(36, TCSANOW, &modes));
	must(ioctl(36, TIOCSWINSZ, &(struct winsize){ 25, 81, 1, 2 }));
}

static void handle(int signal)
{
	(void)signal;
}

static void signals(void)
{
	static char stack[16384];
	static const int clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME };
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_ONSTACK | SA_RESTART };
	struct itimerval interval = { { 7, 1 }, { 3600, 2 } };
	union sigval value = { .sival_ptr = (void *)0x1234567890abcdefL };
	sigset_t set;

	must(sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof(stack) }, NULL));
	sigaddset(&action.sa_mask, SIGTERM);
	must(sigaction(SIGALRM, &action, NULL));
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	for (int number = SIGRTMIN; number <= SIGRTMIN + 3; number++)
		sigaddset(&set, number);
	sigaddset(&set, SIGHUP);
	must(sigprocmask(SIG_BLOCK, &set, NULL));
	must(sigqueue(getpid(), SIGRTMIN + 1, value));
	must(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = -1 }));
	must(kill(getpid(), SIGHUP));
	must(syscall(SYS_tgkill, getpid(), gettid(), SIGRTMIN + 2));
	for (size_t i = 0; i < 2; i++) {
		struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3, .sigev_value = value };
		timer_t timer;

		must(timer_create(clocks[i], &event, &timer));
		must(timer_settime(timer, 0, &(struct itimerspec){ { i, 0 }, { 3600, 1 } }, NULL));
	}
	must(setitimer(ITIMER_REAL, &interval, NULL));
	must(setitimer(ITIMER_VIRTUAL, &interval, NULL));
	must(setitimer(ITIMER_PROF, &interval, NULL));
	must(setrlimit(RLIMIT_CORE, &(struct rlimit){ 3, 4 }));
	must(prctl(PR_SET_NAME, "p\"an\\ \xc3\xbc \x7f"));
	must(prctl(PR_SET_PDEATHSIG, SIGURG));
	errno = 0;
	if (nice(5) == -1 && errno)
		_exit(1);
}

static void *wait_forever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void children(void)
{
	pthread_t thread;
	siginfo_t info;
	pid_t child = must(fork());

	if (child == 0) {
		raise(SIGSTOP);
		_exit(0);
	}
	must(waitid(P_PID, child, &info, WSTOPPED | WNOWAIT));
	child = must(fork());
	if (child == 0)
		_exit(7);
	must(waitid(P_PID, child, &info, WEXITED | WNOWAIT));
	child = must(fork());
	if (child == 0) {
		must(setsid());
		tell_parent();
		wait_forever(NULL);
	}
	await_child();
	must(-pthread_create(&thread, NULL, wait_forever, NULL));
}

static void memory(void)
{
	int fd = open_new("mapped");
	char *pages;

	must(ftruncate(fd, 16384));
	pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pages[0] = 1;
	pages = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pages[0] = 2;
	must(madvise(pages, 4096, MADV_DONTFORK));
	mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	pages = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
	pages[4095] = 3;
	pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 4096);
	pages[0] = 4;
	mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 8192);
	close(fd);
}

struct letter {
	long type;
	char text[40];
};

static void ipc(void)
{
	static const struct letter letters[] = { { 1, "first" }, { 1L << 40, "second, of more bytes than eight" }, { 7, "" } };
	int id = must(shmget(0x1234, 10000, IPC_CREAT | 0640));
	char *shared = shmat(id, NULL, 0);

	strcpy(shared, "shared by System V");
	must(shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
	for (int count = 1; count <= 5; count += 2) {
		id = must(semget(IPC_PRIVATE, count, IPC_CREAT | 0600));
		for (int i = 0; i < count; i++)
			must(semctl(id, i, SETVAL, 30000 + i));
	}
	id = must(msgget(0x4321, IPC_CREAT | 0600));
	for (size_t i = 0; i < 3; i++)
		must(msgsnd(id, &letters[i], strlen(letters[i].text), 0));
	must(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
}

static void seccomp(void)
{
	struct sock_filter all[] = { { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW } };
	struct sock_fprog program = { 1, all };

	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = must(socket(AF_INET, SOCK_DGRAM, 0));

	must(ioctl(fd, SIOCSIFFLAGS, &request));
	close(fd);
}

static void connect_pair(int listening, int first, const struct sockaddr *address, socklen_t length)
{
	int one = 1;

	place(socket(address->sa_family, SOCK_STREAM, 0), first, 0);
	must(setsockopt(first, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
	must(connect(first, address, length));
	place(accept(listening, NULL, NULL), first + 1, 0);
	fill(first, "to the server", 13);
	fill(first + 1, "to the client\0", 14);
}

static void net(void)
{
	struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(4711) };
	struct sockaddr_in6 wide = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_port = htons(4712) };

	loopback_up();
	place(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), 40, 0);
	must(bind(40, (struct sockaddr *)&all, sizeof(all)));
	place(socket(AF_PACKET, SOCK_DGRAM, 0), 41, 0);
	place(socket(AF_INET, SOCK_STREAM, 0), 42, 0);
	must(bind(42, (struct sockaddr *)&address, sizeof(address)));
	must(listen(42, 4));
	place(socket(AF_INET, SOCK_DGRAM, 0), 45, 0);
	must(bind(45, (struct sockaddr *)&address, sizeof(address)));
	connect_pair(42, 43, (struct sockaddr *)&address, sizeof(address));
	place(socket(AF_INET6, SOCK_STREAM, 0), 46, 0);
	must(bind(46, (struct sockaddr *)&wide, sizeof(wide)));
	must(listen(46, 4));
	connect_pair(46, 47, (struct sockaddr *)&wide, sizeof(wide));
}

static void bytes(void)
{
	place(open_new("by\xff\xfetes"), 50, 0);
	place(socket(AF_UNIX, SOCK_DGRAM, 0), 51, 0);
	name_socket(51, "\xc3(\xff", 4);
}

int main(int count, char **arguments)
{
	static const struct {
		const char *name;
		void (*add)(void);
	} groups[] = {
		{ "files", files },   { "sockets", sockets }, { "watches", watches }, { "signals", signals }, { "children", children },
		{ "memory", memory }, { "ipc", ipc },         { "seccomp", seccomp }, { "net", net },         { "bytes", bytes },
	};
	static const int writable[] = { 10, END }, readable[] = { 10, 11, END };

	begin();
	for (int i = 1; i < count; i++)
		for (size_t group = 0; group < sizeof(groups) / sizeof(groups[0]); group++)
			if (!strcmp(arguments[i], groups[group].name))
				groups[group].add();
	ready();
	serve("task", writable, readable);
}

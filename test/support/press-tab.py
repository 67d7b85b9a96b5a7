"""press-tab.py SHELL OUT TABS LINE: types LINE and TAB in a shell under a pty, and prints what the terminal got.

The shell writes its line, with a line end, into OUT at Ctrl-X d; its start-up file, which sets this up, prompts with READY.
"""
import fcntl, os, pty, select, signal, struct, sys, termios, time

shell, out, tabs, line = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
argv = {
    "bash": ["bash", "--noprofile", "--rcfile", os.environ["HOME"] + "/bashrc", "-i"],
    "zsh": ["zsh", "-i"],
    "fish": ["fish", "-i"],
}[shell]
pid, master = pty.fork()
if pid == 0:
    os.execvp(argv[0], argv)
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
seen = b""


def read(until, quiet, limit):
    """Reads until `until` is there or, after something came, nothing comes for `quiet` seconds."""
    global seen
    begin, got = time.time(), b""
    while time.time() - begin < limit:
        ready = select.select([master], [], [], quiet)[0]
        if ready:
            try:
                got += os.read(master, 65536)
            except OSError:
                break
            if until and until in got:
                break
        elif until is None and got:
            break
    seen += got


def is_whole():
    """The file is there before its content is, and that ends with a line end."""
    if not os.path.exists(out):
        return False
    with open(out, "rb") as file:
        return file.read().endswith(b"\n")


def written():
    end = time.time() + 20
    while time.time() < end and not is_whole():
        read(None, 0.05, 0.1)
    if not is_whole():
        sys.stderr.write("the line was not written\n")


read(b"READY", 0.5, 30)
read(None, 0.3, 1)
os.write(master, line.encode())
read(None, 0.3, 2)
for _ in range(tabs):
    os.write(master, b"\t")
    read(None, 1.2, 6)
os.write(master, b"\x18d")
written()
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
sys.stdout.buffer.write(seen)

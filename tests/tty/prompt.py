#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The prompt, driven through a real terminal.

prompt.py KANALYZE VMLINUX VMCORE [CASE...]
"""
import fcntl, os, pty, re, select, shutil, signal, struct, sys, tempfile, termios, time

PROMPT = r"kanalyze> $"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x1b\][^\x07]*\x07|\x1b[()][A-Z0-9]|\x07|\x0f")


class Terminal:
    """A program on a pty; what it shows is collected without its escape sequences."""

    def __init__(self, words, home, rows=24, columns=100, **env):
        self.raw, self.at = "", 0
        self.pid, self.fd = pty.fork()
        if not self.pid:
            base = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "PAGER", "KANALYZE_PAGER", "LESS", "INPUTRC")}
            base.update(TERM="xterm", HOME=home, XDG_STATE_HOME=home + "/state", LC_ALL="C.UTF-8", TZ="UTC",
                        ASAN_OPTIONS="detect_leaks=0:" + os.environ.get("ASAN_OPTIONS", ""), **env)
            try:
                os.chdir(home)
                os.execvpe(words[0], words, base)
            finally:
                os._exit(127)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def pump(self, seconds):
        if select.select([self.fd], [], [], seconds)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:     # the other end was closed
                return False
            self.raw += data.decode("utf-8", "replace")
            return bool(data)
        return True

    def text(self):
        # what came in part waits for its rest: else the places of what stands behind it would move
        whole = re.sub(r"(\x1b([][()][0-9;?]*)?|\r)$", "", self.raw)
        return ESCAPES.sub("", whole).replace("\r\n", "\n").replace("\r", "")

    def expect(self, pattern, seconds=60):
        """Waits until pattern is in what came since the last call; returns that text."""
        end = time.time() + seconds
        while True:
            text = self.text()[self.at:]
            found = re.search(pattern, text)
            if found:
                self.at += found.end()
                return text[:found.end()]
            if time.time() > end or not self.pump(0.5):
                text = self.text()[self.at:]
                if re.search(pattern, text):
                    continue
                raise AssertionError("%r did not come; the screen:\n%s" % (pattern, text[-2000:]))

    def send(self, text):
        os.write(self.fd, text.encode())

    def line(self, text):
        """Types a line at the prompt, waits for the next prompt, returns what came between."""
        self.send(text + "\r")
        self.expect(re.escape(text[-20:]) + r"\n")
        return self.expect(PROMPT)

    def wait(self, seconds=60):
        """The exit status."""
        end = time.time() + seconds
        while time.time() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            self.pump(0.1)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise AssertionError("it does not end; the screen:\n" + self.text()[-2000:])


class Cases:
    def __init__(self, words):
        self.words = words

    def start(self, home, *options, **env):
        t = Terminal([self.words[0], *options, *self.words[1:]], home, **env)
        t.expect(PROMPT)
        return t

    def header_and_quit(self, home):
        t = self.start(home)
        screen = t.text()
        for word in ("KERNEL:", "DUMPFILE:", "RELEASE:", "PANIC:", "PID:", "STATE:"):
            assert word in screen, "no %s in the header:\n%s" % (word, screen)
        t.send("q\r")
        assert t.wait() == 0

    def silent(self, home):
        t = self.start(home, "-s")
        assert "KERNEL:" not in t.text()
        t.send("exit\r")
        assert t.wait() == 0

    def commands(self, home):
        t = self.start(home, "-s")
        assert re.search(r"^[0-9a-f]{16} \(\w\) init_task", t.line("sym init_task"), re.M)
        assert "did you mean 'log'" in t.line("lgo")
        assert re.search(r"^PID: +\d+", t.line("bt"), re.M)
        assert re.search(r"^jiffies = \$\d+ = \d+", t.line("jiffies"), re.M)
        assert "INIT_TASK" in t.line("sym init_task | tr a-z A-Z")
        assert "from the shell" in t.line("!echo from the shell")
        # after a fault the session still ends well: it was looked at by whoever typed
        t.send("q\r")
        assert t.wait() == 0

    def end_of_input(self, home):
        t = self.start(home, "-s")
        t.send("\x04")
        assert t.wait() == 0

    def interrupt_at_prompt(self, home):
        t = self.start(home, "-s")
        t.send("some words")
        t.expect("some words")
        t.send("\x03")
        t.expect(r"\n" + PROMPT)
        assert re.search("init_task", t.line("sym init_task"))
        t.send("q\r")
        assert t.wait() == 0

    def interrupt_in_search(self, home):
        t = self.start(home, "-s")
        t.send("\x12init")
        t.expect("search")
        t.send("\x03")
        t.expect("kanalyze>")
        time.sleep(0.3)
        t.send("\x03")
        t.expect(r"\n" + PROMPT)
        t.send("sym init_\t\t")        # "Display all N possibilities? (y or n)"
        t.expect(r"possibilities")
        t.send("\x03")
        t.expect("kanalyze> ")
        time.sleep(0.3)
        t.send("\x03")
        t.expect(r"\n" + PROMPT)
        assert "init_task" in t.line("sym init_task")
        t.send("q\r")
        assert t.wait() == 0

    def interrupt_of_command(self, home):
        t = self.start(home, "-s")
        t.send("repeat -.05 sym init_task\r")
        t.expect(r"init_task[^\n]*\n[^\n]*init_task")
        t.send("\x03")
        t.expect(PROMPT)
        t.send("repeat sym init_task > /dev/null\r")
        time.sleep(0.5)
        t.send("\x03")
        t.expect(PROMPT)
        assert "init_task" in t.line("sym init_task")
        t.send("!sleep 100\r")
        time.sleep(0.5)
        t.send("\x03")
        t.expect(PROMPT)
        t.send("q\r")
        assert t.wait() == 0

    def complete(self, home):
        t = self.start(home, "-s")
        t.send("ali\t")
        t.expect("alias ")
        t.send("\x15set scr\t")
        t.expect("set scroll ")
        t.send("\x15sym init_tas\t")
        t.expect("sym init_task")
        t.send("\x15ps -\t\t")
        screen = t.expect(r"-u[^\n]*\n(.*\n)*" + "kanalyze> ps -")
        assert "-k" in screen
        t.send("\x15help scro\t\x15help inp\t")
        t.expect("help input ")
        t.send("\x15ps ksoftirq\t")
        t.expect(r"ps ksoftirqd/\d?")
        t.send("\x15< sub\t")
        t.expect("< subdir/")
        t.send("\x15q\r")
        assert t.wait() == 0

    def complete_types(self, home):
        t = self.start(home, "-s")
        t.send("task_struct.thread_inf\t")
        t.expect(r"task_struct\.thread_info")
        t.send("\x15task_struct.pid,thread_inf\t")
        t.expect(r"task_struct\.pid,thread_info")
        t.send("\x15task_struct.se.vrunt\t")
        t.expect(r"task_struct\.se\.vruntime")
        t.send("\x15\r")
        t.send("q\r")
        assert t.wait() == 0

    def history(self, home):
        t = self.start(home, "-s")
        t.line("sym init_task")
        t.line("help")
        t.send("q\r")
        assert t.wait() == 0
        t = self.start(home, "-s")
        listed = t.line("h")
        assert "[1] sym init_task" in listed and "[2] help" in listed and "[3] q" in listed, listed
        t.send("\x1b[A\x1b[A\x1b[A\x1b[A")      # up to the first
        t.expect("sym init_task")
        t.send("\r")
        t.expect(PROMPT)
        assert "sym init_task\n" in t.line("!1")
        assert "sym init_task\n" in t.line("r sym")
        t.send("q\r")
        assert t.wait() == 0
        assert os.stat(home + "/state/kanalyze/history").st_mode & 0o777 == 0o600

    def pager(self, home):
        t = self.start(home, "-s", rows=12)
        t.send("log\r")
        if shutil.which("less"):
            t.expect(r":$|\(END\)")     # less waits at the end of the first screen
            t.send("q")
        t.expect(PROMPT)
        # what fits on the screen goes straight to it
        assert "init_task" in t.line("sym init_task")
        t.line("set scroll off")
        t.send("log\r")
        assert len(t.expect(PROMPT).splitlines()) > 50
        t.line("set scroll 'sed s/^/PAGED:/'")
        assert "\nPAGED:" in t.line("help set")
        assert "PAGED:" not in t.line("sym init_task")
        t.send("q\r")
        assert t.wait() == 0

    def pager_is_left(self, home):
        """Leaving the pager ends the command, and no error is told."""
        t = self.start(home, "-s", rows=12, KANALYZE_PAGER="head -3")
        screen = t.line("ps")
        assert "kanalyze: ps" not in screen and len(screen.splitlines()) < 8, screen
        assert "init_task" in t.line("sym init_task")
        t.send("q\r")
        assert t.wait() == 0

    def colours(self, home):
        t = self.start(home, "-s", "--no-pager")
        t.line("ps 1")
        assert "\x1b[1m" in t.raw, "no colour on a terminal"
        t.send("q\r")
        t.wait()
        t = self.start(home, "-s", "--no-pager", NO_COLOR="1")
        t.line("ps 1")
        assert "\x1b[1m" not in t.raw and "\x1b[31m" not in t.raw, "colour in spite of NO_COLOR"
        t.send("q\r")
        t.wait()

    def rc(self, home):
        open(home + "/.kanalyzerc", "w").write("alias mine \"sym init_task\"\nset silent on\n")
        t = self.start(home)
        assert "KERNEL:" not in t.text()
        assert "(" in t.line("mine") and "init_task" in t.text()
        t.send("q\r")
        assert t.wait() == 0

    def edit_vi(self, home):
        t = self.start(home, "-s")
        t.line("set edit vi")
        t.send("sym init_taskX\x1bxA\r")
        t.expect(r"\(\w\) init_task")
        t.expect(PROMPT)
        t.send("q\r")
        assert t.wait() == 0

    def terminate(self, home):
        """A SIGTERM at the prompt ends it, and the terminal is as it was."""
        t = self.start(home, "-s")
        before = termios.tcgetattr(t.fd)[3] & termios.ECHO
        os.kill(t.pid, signal.SIGTERM)
        t.wait()
        assert not before


def main():
    try:
        for fd in pty.openpty():
            os.close(fd)
    except OSError as e:
        print("skipped: this system has no pseudo terminals (is /dev/pts mounted?): %s" % e)
        sys.exit(77)
    words, wanted = [os.path.abspath(w) for w in sys.argv[1:4]], sys.argv[4:]
    cases, failed = Cases(words), 0
    for name in [n for n in vars(Cases) if not n.startswith("_") and n != "start"]:
        if wanted and name not in wanted:
            continue
        home = tempfile.mkdtemp(prefix="kanalyze-tty-")
        os.mkdir(home + "/subdir")
        begin = time.time()
        try:
            getattr(cases, name)(home)
            print("ok      %-22s %.1f s" % (name, time.time() - begin))
        except AssertionError as e:
            failed += 1
            print("FAILED  %s: %s" % (name, e))
        finally:
            shutil.rmtree(home)
    sys.exit(1 if failed else 0)


main()

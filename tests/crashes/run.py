#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each kind of death: what bt, fault and log say of it, against the files below this folder, and bt against the kernel's own call trace.

run.py KANALYZE DIR [--bless] [NAME...]

DIR is what "testdata/make --no-bundle --work DIR --crash all" left there (with --debian RELEASE for kernels of Debian): a folder for
each kernel, in it a folder for each crash. Goldens are KERNEL/CRASH.txt. Without DIR, or with one that has no dumps, the test is skipped.
Addresses and times differ from run to run: they are replaced by words of the same length that say what kind of address it was. Names,
offsets, small numbers and poison stay. Of the log only what came after the last word of the guest's init is compared, without "?" lines.
Of each dump the CPU, the PID and the functions of the kernel's last "Call Trace" must be those of bt, whatever the goldens say.
"""
import difflib, json, os, re, subprocess, sys

here = os.path.dirname(os.path.abspath(__file__))
# interrupted anywhere: their registers say nothing
ANYWHERE = {"rcu", "nmi", "allnmi", "softlockup", "spinlock", "irq", "softirq", "hardlockup", "mce"}
# where memory ends is another place each time: only the call trace is compared
WITHOUT_GOLDEN = {"oom"}
# panic() says nothing of the stack
WITHOUT_TRACE = {"mce"}
COMMANDS = ["bt", "fault", "log"]
MORE = {"deadlock": ["fault -w", "foreach UN bt"], "waits": ["fault -w"], "allnmi": ["bt -a"], "jumpfreed": ["mod -t"], "slableft": ["mod -t"]}
SKIPPED = 77


def run(kanalyze, folder, vmcore, command, is_json=False):
    env = dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8", NO_COLOR="1", HOME="/nonexistent", XDG_CACHE_HOME="/nonexistent")
    words = [kanalyze, "--no-rc", "--debug-dir", os.path.join(folder, "kernel")] + (["--json"] if is_json else [])
    p = subprocess.run(words + ["-c", command, os.path.join(folder, "kernel", "vmlinux"), vmcore], env=env, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    out, err = p.stdout.decode("utf-8", "backslashreplace"), p.stderr.decode("utf-8", "backslashreplace")
    if is_json:
        if not out:
            sys.exit("%s of %s: nothing came, exit status %d\n%s" % (command, vmcore, p.returncode, err))
        return json.loads(out.splitlines()[0])
    return out + ("--- standard error\n" + err if err else "") + ("--- exit status %d\n" % p.returncode if p.returncode else "")


def has_command(kanalyze, folder, vmcore, command):
    return "exit status" not in run(kanalyze, folder, vmcore, "help " + command)


def address(m):
    text = m[0]
    value = int(text, 16)
    if value < 0x1000 or value >= 2**64 - 0x1000 or re.match("dead|6b6b6b6b|78787878|5a5a5a5a|bbbbbbbb|cccccccc", text):
        return text
    if text.startswith("ffffffff"):
        kind = "text" if value < 0xffffffffc0000000 else "module"
    else:
        kind = "kernel" if text.startswith("ffff") else "user" if value < 2**47 else "odd"
    return kind.ljust(len(text), ".")


def settle(text, is_anywhere):
    """without what differs from one run to the next"""
    if is_anywhere:
        text = re.sub(r"\b(R[A-Z0-9]{1,2}): [0-9a-f]{16}\b", r"\1: any.............", text)
    text = re.sub(r"\b(CR[034]|FS|knlGS|GS|PGD|P4D|PUD|PMD|PKRU):? *(0x)?[0-9a-f]+(\([0-9a-f]+\))?", r"\1 x", text)
    text = re.sub(r"PID: \d+ +TASK", "PID: N  TASK", text)
    text = re.sub(r"\b[0-9a-f]{16}\b", address, text)
    text = re.sub(r"\b0x[0-9a-f]{9,16}\b", lambda m: "0x" + address(re.match(".*", m[0][2:].rjust(16, "0"))).rstrip("."), text)
    text = re.sub(r"\b0x[0-9a-f]{7,8}\b(?!:)", "0xnumber", text)     # a heap of init's, a page's physical address, a distance
    text = re.sub(r"\b0x[0-9a-f]{7,8}:", "0xnumber:", text)
    text = re.sub(r"(?m)^\[ *\d+\.\d+\](\[ *[CT]\d+\])? ", "[time] ", text)
    text = re.sub(r"(RFLAGS|EFLAGS): [0-9a-f]+", r"\1: flags", text)
    text = re.sub(r"(PID|CPU|pid|cpu)([:=#] *)\d+", r"\1\2N", text)
    text = re.sub(r"\bPID \d+ \(", "PID N (", text)
    text = re.sub(r"\bby PID \d+ on CPU \d+", "by PID N on CPU N", text)
    text = re.sub(r"kworker/[^\s\"]+", "kworker/N", text)
    text = re.sub(r"(?m)(task:? \S+):\d+ blocked", r"\1:N blocked", text)
    text = re.sub(r"\[(\S+):\d+\]$", r"[\1:N]", text, flags=re.M)
    text = re.sub(r"(Kernel Offset: 0x)[0-9a-f]+", r"\1text", text)
    text = re.sub(r"\b(\d+)(ns|ms|s| ns| ms| jiffies| usecs)\b", r"N\2", text)
    text = re.sub(r"[^\s:(]*/(kdie|ktgt)(\w*\.[ch])\b", r"\1\2", text)    # where it was built
    text = re.sub(r"Code: .*(<[0-9a-f]{2}>).*", r"Code: \1", text)     # the others hold addresses, too
    # what KASAN and bad_page() print of memory as it was: of slabs in random order
    text = re.sub(r"(?m)^\[time\] (?:page: |page_type: |flags: |raw: |aops:|[> ]kernel\.+: |page dumped| +\^).*\n", "", text)
    text = re.sub(r"(that memory is 0xkernel): .*", r"\1", text)
    text = re.sub(r"\bpfn:[0-9a-f]+", "pfn:N", text)
    text = re.sub(r"\bTSC [0-9a-f]+", "TSC N", re.sub(r"\bTIME \d+", "TIME N", text))
    text = re.sub(r"\b(by task|by PID) \d+", r"\1 N", text)
    text = re.sub(r"\b(on cpu|for cpu|from CPU|to CPUs|seen by CPU) \d+", r"\1 N", text)
    # somewhere in an endless loop, as long as it was patient, as deep as the offset of the stack allowed
    text = re.sub(r"\b((?:kdie_(?:rcu|nmi|spin|softlockup)|kmore_(?:hardlockup|mce)|(?:native_)?queued_spin_lock_slowpath)\+)(0x)?[0-9a-f]+", r"\1N", text)
    text = re.sub(r"(?m)^(\[time\] (?:rcu: |\t\(t=).*)$", lambda m: re.sub(r"0xodd|\d+", "N", m[0]), text)
    if "kdie_recurse" in text:
        text = re.sub(r"(?m)^ *#\d+ ", " #N ", text)
        text = re.sub(r"(?m)^(.*kdie_recurse.*\n)\1+", r"\1(and so on)\n", text)
    return text


def the_end(log):
    lines = log.splitlines(True)
    for i in range(len(lines) - 1, -1, -1):
        if "the end comes by" in lines[i]:
            lines = lines[i:]
            break
    return "".join(line for line in lines if "]  ? " not in line)


def trace_of(log):
    """CPU, PID and functions of each call trace"""
    traces, cpu, pid, rip = [], None, None, None
    log = log.split("Starting crashdump kernel...")[0]    # what stopping the machine warns of (aarch64)
    functions = None
    for line in log.splitlines():
        text = re.sub(r"^\[ *\d+\.\d+\](\[ *[CT]\d+\])? ?", "", line)
        m = re.search(r"\bCPU: (\d+) (?:UID: \d+ )?PID: (\d+)", text)
        if m:
            cpu, pid, rip = int(m[1]), int(m[2]), None
        m = re.match(r"RIP: 0010:([^\s+]+)\+", text)    # aarch64's trace begins with it
        if m and functions is None:
            rip = m[1]
        if text.startswith("Call Trace:") or text.startswith("Call trace:"):
            functions = [rip] if rip else []
            traces.append((cpu, pid, functions))
            continue
        m = re.match(r" +(\? )?([A-Za-z_][^\s+]*)\+0x[0-9a-f]+/0x[0-9a-f]+", text)
        if functions is not None and m:
            if not m[1]:
                functions.append(m[2])
            rip = None
        elif functions is not None and not re.match(r" *</?[A-Z#0-9]+>", text) and not text.startswith("RIP: 0010:"):
            functions = None
    return traces


def check_trace(kanalyze, folder, vmcore, log):
    """what is wrong with bt by the kernel's own words"""
    traces = trace_of(log)
    if not traces:
        return ["the log has no call trace"]
    stacks = run(kanalyze, folder, vmcore, "bt", True).get("stacks", [])
    if not stacks:
        return ["bt shows no stack"]
    stack, wrong = stacks[0], []
    cpu, pid, functions = traces[-1]
    if stack.get("cpu") != cpu:
        wrong.append("the log's CPU is %s, bt's %s" % (cpu, stack.get("cpu")))
    if stack.get("pid") != pid:
        wrong.append("the log's PID is %s, bt's %s" % (pid, stack.get("pid")))
    frames = stack.get("frames", [])
    # what has no line of its own is told by the registers of the line before
    have = [f.get("function") for i, f in enumerate(frames) if f["level"] is not None or "saved" in frames[i - 1]]
    at = 0
    for f in functions:
        if f.split(".")[0] in ("dump_stack_lvl", "show_stack", "dump_stack", "dump_backtrace"):
            continue    # it had returned before the dump was made
        bare = f.split(".isra")[0].split(".constprop")[0].split(".cold")[0].split(".part")[0]
        found = [i for i in range(at, len(have)) if have[i] in (f, bare) or (have[i] or "").split(".")[0] == bare]
        if not found:
            wrong.append("%s of the kernel's call trace is not in bt's%s" % (f, "" if not at else " behind " + have[at - 1]))
        else:
            at = found[0] + 1
    return wrong


def dumps(top):
    for kernel in sorted(os.listdir(top)):
        folder = os.path.join(top, kernel)
        if not os.path.exists(os.path.join(folder, "kernel", "vmlinux")):
            continue
        for crash in sorted(os.listdir(folder)):
            if not os.path.exists(os.path.join(folder, crash, "done")):
                continue
            for file in ("vmcore.raw", "vmcore"):   # makedumpfile that does not know a new kernel leaves too much out
                path = os.path.join(folder, crash, file)
                if os.path.exists(path):
                    yield kernel, crash, folder, path
                    break


def main():
    words = [w for w in sys.argv[1:] if w != "--bless"]
    bless = "--bless" in sys.argv
    if len(words) < 1:
        sys.exit(__doc__)
    kanalyze, top, wanted = os.path.abspath(words[0]), words[1] if len(words) > 1 else os.environ.get("KA_CRASHES", ""), words[2:]
    found = list(dumps(top)) if top and os.path.isdir(top) else []
    if not found:
        print("SKIP: no crash dumps%s; make them with testdata/make --no-bundle --quick --crash all --work DIR, and name DIR in KA_CRASHES"
              % (" in " + top if top else ""))
        return SKIPPED
    passed = failed = 0
    for kernel, crash, folder, vmcore in found:
        if wanted and crash not in wanted:
            continue
        log = run(kanalyze, folder, vmcore, "log")
        now = ""
        for command in COMMANDS[:-1] + MORE.get(crash, []) + COMMANDS[-1:]:
            if has_command(kanalyze, folder, vmcore, command.split()[0]):
                text = the_end(log) if command == "log" else run(kanalyze, folder, vmcore, command)
                now += "==== %s\n%s" % (command, settle(text, crash in ANYWHERE))
        now = "" if crash in WITHOUT_GOLDEN else now
        golden = os.path.join(here, kernel, crash + ".txt")
        wrong = [] if crash in WITHOUT_TRACE else check_trace(kanalyze, folder, vmcore, log)
        for w in wrong:
            print("%s %s: %s" % (kernel, crash, w))
        if bless and not now:
            continue
        if bless:
            os.makedirs(os.path.dirname(golden), exist_ok=True)
            open(golden, "w").write(now)
            continue
        then = open(golden).read() if os.path.exists(golden) else ""
        if now != then:
            print("differs: %s of %s" % (crash, kernel))
            sys.stdout.writelines(list(difflib.unified_diff(then.splitlines(True), now.splitlines(True), golden, "now"))[:60])
        if now == then and not wrong:
            passed += 1
        else:
            failed += 1
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed and not bless else 0


sys.exit(main())

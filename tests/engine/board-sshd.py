#!/usr/bin/env python3
"""A board for tests: an SSH server of its own on this machine.

    board-sshd.py FOLDER [--local] [--arm]

Where the kernel lets it, the board is a network, mount and process namespace behind a veth pair, with an address of its own
(10.213.N.2), a user "pi" with a password, and a cable that can be pulled.  Where it does not (or with --local) it is an sshd on
127.0.0.1 for the user who runs it; what needs a cable, a password or a file system of its own then answers "error".  --arm makes
it say that it is an aarch64 machine, whose programs run under qemu-aarch64-static.

Prints one JSON object when it is ready, then obeys commands on its standard input, one a line, each answered by one line: "ok ..."
or "error why".  It ends, and takes all it made with it, when its input ends.
"""
import ctypes
import errno
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

PASSWORD = "opensesame"
PASSWORD_HASH = "$6$latheboard$gR6mrcRcHCSixC3Y2j32Nw6avyvEfaXkbEqZkbnjbfFI/O.F0OioQPlEaMGDLOnTMQoU69PGgtbI.c5Twph1B1"
USER_ID = 10213
SFTP = next((p for p in ("/usr/lib/openssh/sftp-server", "/usr/libexec/sftp-server", "/usr/lib/ssh/sftp-server")
             if os.path.exists(p)), "internal-sftp")


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Board:
    def __init__(self, folder, host, port, user, link, arm):
        self.folder, self.host, self.port, self.user, self.link, self.arm = folder, host, port, user, link, arm
        self.home = folder / "home"
        self.options = {"auth": "all", "sftp": "good", "command": "yes"}
        self.sshd = None
        self.frozen = []

    # -- files --

    def write_files(self):
        self.home.mkdir(exist_ok=True)
        if self.link:
            os.chown(self.home, USER_ID, USER_ID)
            os.chmod(self.home, 0o755)
        binaries = self.folder / "bin"
        binaries.mkdir(exist_ok=True)
        self.script(binaries / "uname", '[ "$1" = -m ] && { echo aarch64; exit; }\nexec /bin/uname "$@"\n')
        self.script(self.folder / "command.sh", f'''HOME={self.home}; export HOME
cd "$HOME" || exit 1
case "$SSH_ORIGINAL_COMMAND" in
{SFTP}) exec {SFTP} ;;
*/*.sh) exec $SSH_ORIGINAL_COMMAND ;;
esac
''' + (f'''PATH={binaries}:$PATH; export PATH
exec sh -c "$(printf %s "$SSH_ORIGINAL_COMMAND" | sed "s|exec \\./|exec qemu-aarch64-static ./|")"
''' if self.arm else 'exec sh -c "$SSH_ORIGINAL_COMMAND"\n'))
        self.script(self.folder / "sftp-garbage.sh", "printf 'text? \\001\\377'\nexec head -c 100000 /dev/urandom\n")
        self.script(self.folder / "sftp-chatty.sh", f"echo 'Welcome to the board!'\nexec {SFTP}\n")
        self.script(self.folder / "sftp-coloured.sh", f"printf '\\033[32mÜbungsbrett 3\\033[0m\\n'\nexec {SFTP}\n")
        self.script(self.folder / "sftp-unpunctual.sh", "printf 'Hello\\n\\000\\000\\000\\005\\002\\000\\000\\000\\003'\nsleep 1\n")
        self.script(self.folder / "sftp-unended.sh", "printf 'Hello\\000\\000\\000\\005\\002\\000\\000\\000\\003'\nsleep 1\n")
        self.script(self.folder / "sftp-missing.sh", "exit 127\n")
        self.script(self.folder / "sftp-wrong.sh", f"exec /usr/bin/env python3 {__file__} --sftp-wrong\n")
        self.script(self.folder / "sftp-slow.sh", f"exec /usr/bin/env python3 {__file__} --sftp-slow {self.folder}/rate\n")
        for name in ("key", "other", "locked"):
            if not (self.folder / name).exists():
                run("ssh-keygen", "-q", "-t", "ed25519", "-N", "open the key" if name == "locked" else "", "-C", name,
                    "-f", str(self.folder / name))
        keys = [(self.folder / f"{name}.pub").read_text() for name in ("key", "locked")]
        (self.folder / "authorized_keys").write_text("".join(keys))
        os.chmod(self.folder / "authorized_keys", 0o644)
        self.new_host_key()

    def script(self, path, text):
        path.write_text("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)

    def new_host_key(self):
        for end in ("", ".pub"):
            (self.folder / f"host_key{end}").unlink(missing_ok=True)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "board", "-f", str(self.folder / "host_key"))

    def write_config(self):
        o = self.options
        sftp = {"good": SFTP, "none": None}.get(o["sftp"], str(self.folder / f"sftp-{o['sftp']}.sh"))
        questions = o["auth"] == "questions"
        lines = [f"Port {self.port}", f"ListenAddress {self.host}", f"HostKey {self.folder}/host_key",
                 f"AuthorizedKeysFile {self.folder}/authorized_keys", "PidFile none", "StrictModes no", "UseDNS no",
                 f"UsePAM {'yes' if questions else 'no'}",
                 f"PubkeyAuthentication {'no' if questions or o['auth'] == 'password' else 'yes'}",
                 f"PasswordAuthentication {'yes' if self.link and o['auth'] in ('all', 'password') else 'no'}",
                 f"KbdInteractiveAuthentication {'yes' if questions else 'no'}", "PrintMotd no",
                 f"AllowUsers {self.user}", f"ForceCommand {self.folder}/command.sh", "MaxStartups 100"]
        if o["auth"] == "both":
            lines.append("AuthenticationMethods publickey,password")
            lines[lines.index("PasswordAuthentication no")] = "PasswordAuthentication yes"
        if sftp:
            lines.append(f"Subsystem sftp {sftp}")
        (self.folder / "sshd_config").write_text("\n".join(lines) + "\n")

    # -- the server --

    def start(self):
        self.write_config()
        log = self.folder / "sshd.log"
        for _ in range(50):  # the port may still be held by the one before
            self.sshd = subprocess.Popen([shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin"), "-D", "-f",
                                          str(self.folder / "sshd_config"), "-E", str(log)],
                                         stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
            for _ in range(100):
                if self.sshd.poll() is not None:
                    break
                try:
                    socket.create_connection((self.host, self.port), 1).close()
                    return
                except OSError:
                    time.sleep(0.02)
            time.sleep(0.1)
        raise RuntimeError("sshd does not start: " + log.read_text()[-500:])

    def stop(self):
        self.do_thaw()
        self.do_kill()
        self.sshd.terminate()
        self.sshd.wait()
        for _ in range(250):  # a child that it had just made may hold the port a moment longer
            try:
                socket.create_connection((self.host, self.port), 1).close()
            except ConnectionRefusedError:
                break
            except OSError:
                pass
            time.sleep(0.02)

    def descendants(self):
        """Processes under the listening one: sessions, and what they run."""
        children = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = stat.read_text()
            except OSError:
                continue
            children.setdefault(int(text.rsplit(") ", 1)[1].split()[1]), []).append(int(text.split()[0]))
        found, todo = [], [self.sshd.pid]
        while todo:
            todo = [c for p in todo for c in children.get(p, [])]
            found += todo
        return found

    def signal_all(self, pids, number):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    # -- commands --

    def need_link(self):
        if not self.link:
            raise RuntimeError("this board is no namespace")

    def do_cut(self):
        self.need_link()
        run("ip", "link", "set", self.link, "down")

    def do_heal(self):
        self.need_link()
        run("ip", "link", "set", self.link, "up")

    def do_kill(self):
        self.signal_all(self.descendants(), signal.SIGKILL)

    def do_kill_runner(self):
        """Also one that was started to outlive its session."""
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = path.read_bytes()
            except OSError:
                continue
            if b"/lathe-runner-" in command and str(self.home).encode() in os.readlink(path.parent / "cwd").encode():
                self.signal_all([int(path.parent.name)], signal.SIGKILL)

    def do_freeze(self):
        self.frozen = self.descendants()
        self.signal_all(self.frozen, signal.SIGSTOP)

    def do_thaw(self):
        self.signal_all(self.frozen, signal.SIGCONT)
        self.frozen = []

    def do_set(self, key, value):
        self.options[key] = value
        self.stop()
        self.start()

    def do_rate(self, n_bytes_per_s):
        new = self.folder / "rate.new"
        new.write_text(n_bytes_per_s)
        os.chmod(new, 0o644)
        new.rename(self.folder / "rate")

    def do_new_host_key(self):
        self.new_host_key()
        self.stop()
        self.start()

    def do_off(self):
        self.stop()

    def do_on(self):
        self.start()

    def do_tmpfs(self, n_bytes):
        """A small disk where files go."""
        self.need_link()
        folder = self.home / ".cache" / "lathe"
        folder.mkdir(parents=True, exist_ok=True)
        for path in (folder.parent, folder):
            os.chown(path, USER_ID, USER_ID)
        run("mount", "-t", "tmpfs", "-o", f"size={n_bytes},uid={USER_ID},gid={USER_ID},mode=700", "tmpfs", str(folder))

    def do_fill(self, n_left):
        """Somebody else writes to that disk until so little is left."""
        folder = self.home / ".cache" / "lathe"
        info = os.statvfs(folder)
        try:
            with open(folder / "somebody-else", "ab") as file:
                file.write(bytes(max(0, info.f_bavail * info.f_frsize - int(n_left))))
        except OSError as error:
            if error.errno != errno.ENOSPC:  # others were quicker: full is full
                raise

    def do_read_only(self):
        self.need_link()
        run("mount", "--bind", str(self.home), str(self.home))
        run("mount", "-o", "remount,ro,bind", str(self.home))

    def do_umount(self, what):
        run("umount", "-l", str(self.home if what == "home" else self.home / ".cache" / "lathe"))

    # -- lathe-agent on the same board --

    def do_agent(self, program, *options):
        """The service, on any free port, which is the answer."""
        self.agent_program, self.agent_state = program, self.folder / "agent-state"
        self.agent = subprocess.Popen([program, "--state", str(self.agent_state), "--files", str(self.folder / "agent-files"),
                                       "--address", self.host, "--port", "0", "--name", "test-board", "--no-announce", *options, "serve"],
                                      stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        line = self.agent.stdout.readline()
        if "port " not in line:
            raise RuntimeError("lathe-agent does not start: " + line)
        return line.split("port ", 1)[1].split()[0].rstrip(".,;")

    def do_pair(self):
        """What a person at the board does: the code and the fingerprint, as "lathe-agent pair" shows them."""
        self.pairing = subprocess.Popen([self.agent_program, "--state", str(self.agent_state), "pair"],
                                        stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        shown = {}
        while "Code" not in shown or "Fingerprint" not in shown:
            line = self.pairing.stdout.readline()
            if not line:
                raise RuntimeError("lathe-agent pair shows no code")
            shown.setdefault(*(line.strip().split(" ", 1) if " " in line.strip() else (line.strip(), "")))
        return "|".join((shown["Code"].strip(), shown["Fingerprint"].strip()))

    def do_paired(self):
        """Waits until the pairing came to an end: the status of "lathe-agent pair"."""
        return self.pairing.wait(60)

    def do_count(self):
        return len(self.descendants())

    def obey(self):
        for line in sys.stdin:
            words = line.split()
            try:
                answer = getattr(self, "do_" + words[0].replace("-", "_"))(*words[1:])
                print("ok" if answer is None else f"ok {answer}", flush=True)
            except subprocess.CalledProcessError as error:
                print("error", error.stderr.decode(errors="replace").strip().replace("\n", " "), flush=True)
            except (RuntimeError, OSError, AttributeError, TypeError) as error:
                print("error", str(error).replace("\n", " "), flush=True)
        self.stop()

    def announce(self, why_local):
        print(json.dumps({"host": self.host, "port": self.port, "user": self.user, "home": str(self.home),
                          "key": str(self.folder / "key"), "password": PASSWORD, "link": bool(self.link),
                          "why_local": why_local}), flush=True)


# -- as a namespace: an outer process with the near end of the cable, an inner one that is the board --

def inner(folder, number, arm):
    """Runs in the namespaces; waits for its end of the cable."""
    link = f"lt{number}b"
    for _ in range(500):
        if os.path.exists(f"/proc/1/net/dev") and f"{link}:" in Path("/proc/net/dev").read_text():
            break
        time.sleep(0.01)
    run("ip", "addr", "add", f"10.213.{number}.2/24", "dev", link)
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "set", link, "up")
    board = Board(folder, f"10.213.{number}.2", 22, "pi", link, arm)
    etc = folder / "etc"
    etc.mkdir(exist_ok=True)
    (etc / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\nsshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n"
                                f"pi:x:{USER_ID}:{USER_ID}::{board.home}:/bin/sh\n")
    (etc / "group").write_text(f"root:x:0:\nnogroup:x:65534:\nshadow:x:42:\npi:x:{USER_ID}:\n")
    (etc / "shadow").write_text(f"root:*:19000:0:99999:7:::\nsshd:*:19000::::::\npi:{PASSWORD_HASH}:19000:0:99999:7:::\n")
    os.chmod(etc / "shadow", 0o600)
    (etc / "pam").write_text("auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n")
    for name, path in (("passwd", "/etc/passwd"), ("group", "/etc/group"), ("shadow", "/etc/shadow"), ("pam", "/etc/pam.d/sshd")):
        if os.path.exists(path):
            run("mount", "--bind", str(etc / name), path)
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    os.mkdir("/run/sshd", 0o755)
    board.write_files()
    board.start()
    board.announce(None)
    board.obey()


def free_number():
    taken = subprocess.run(["ip", "-4", "addr"], capture_output=True, text=True).stdout
    return random.choice([n for n in range(1, 250) if f" 10.213.{n}." not in taken])


def outer(folder, arm):
    """NULL: it ran as a namespace; else why it cannot."""
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    for tool in ("ip", "unshare"):
        if not shutil.which(tool):
            return f"the program {tool} is missing"
    probe = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "true"], capture_output=True, text=True)
    if probe.returncode != 0:
        return "the kernel permits no namespaces: " + probe.stderr.strip()
    number = free_number()
    near, far = f"lt{number}h", f"lt{number}b"
    made = subprocess.run(["ip", "link", "add", near, "type", "veth", "peer", "name", far], capture_output=True, text=True)
    if made.returncode != 0:
        return "the kernel makes no veth pair: " + made.stderr.strip()
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, __file__,
               str(folder), "--inner", str(number)] + (["--arm"] if arm else [])
    child = subprocess.Popen(command, preexec_fn=die_with_parent)
    try:
        for _ in range(500):
            inside = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
            if inside:
                break
            time.sleep(0.01)
        run("ip", "link", "set", far, "netns", inside[0])
        run("ip", "addr", "add", f"10.213.{number}.1/24", "dev", near)
        run("ip", "link", "set", near, "up")
        child.wait()
    finally:
        child.kill()
        subprocess.run(["ip", "link", "del", near], capture_output=True)
    return None


def local(folder, arm, why):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)
    import pwd
    board = Board(folder, "127.0.0.1", port, pwd.getpwuid(os.geteuid()).pw_name, None, arm)
    board.write_files()
    board.start()
    board.announce(why)
    board.obey()


def sftp_wrong():
    """An SFTP server whose answers have wrong bytes here and there: type, number, fields, never the packet's length."""
    server = subprocess.Popen([SFTP], stdout=subprocess.PIPE)
    while len(head := server.stdout.read(4)) == 4:
        body = bytearray(server.stdout.read(int.from_bytes(head, "big")))
        if body[0] != 2 and random.random() < 0.15:
            for _ in range(random.choice((1, 1, 4))):
                body[random.randrange(min(len(body), 40))] = random.choice((0, 1, 0x7f, 0xff, random.randrange(256)))
        sys.stdout.buffer.write(head + body)
        sys.stdout.buffer.flush()


def sftp_slow():
    """An SFTP server on a card that writes 3 MB/s, or as many bytes as the command "rate" said last."""
    server = subprocess.Popen([SFTP], stdin=subprocess.PIPE)
    rate = Path(sys.argv[-1])
    while block := sys.stdin.buffer.raw.read(30000):
        server.stdin.write(block)
        server.stdin.flush()
        time.sleep(len(block) / (float(rate.read_text()) if rate.exists() else 3e6))


def main():
    for option, function in (("--sftp-wrong", sftp_wrong), ("--sftp-slow", sftp_slow)):
        if option in sys.argv:
            function()
            return
    args = [a for a in sys.argv[1:] if not a.startswith("--")]
    folder, arm = Path(args[0]).resolve(), "--arm" in sys.argv
    folder.mkdir(parents=True, exist_ok=True)
    os.chmod(folder, 0o755)
    if "--inner" in sys.argv:
        inner(folder, int(args[1]), arm)
        return
    why = "asked for" if "--local" in sys.argv else outer(folder, arm)
    if why is not None:
        local(folder, arm, why)


main()

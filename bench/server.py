"""A program to measure, as a child process: a command a line in, a JSON line out. Between commands
it is stopped (SIGSTOP), because OpenMP threads that wait actively would take the cores from
whoever has its turn.
"""
import ctypes
import json
import os
import signal
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    pass


def cpu_seconds(pid):
    """User and system time of a process, all its threads."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def die_with_parent():
    """A stopped child would never notice that its stdin is closed."""
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_policy():
    """Active is faster where nothing else runs, and far slower where something does."""
    return os.environ.get("OMP_WAIT_POLICY", "active")


class Server:
    running = []        # all of them, to see that only one computes

    def __init__(self, name, command, threads):
        env = dict(os.environ, OMP_NUM_THREADS=str(threads), OMP_WAIT_POLICY=wait_policy())
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=env, text=True, bufsize=1, preexec_fn=die_with_parent)
        Server.running.append(self)

    def wait_until_stopped(self):
        """A stop takes effect at each thread's next turn; until then spinning threads run on."""
        for _ in range(200):
            with open(f"/proc/{self.process.pid}/stat") as f:
                if f.read().rsplit(")", 1)[1].split()[0] == "T":
                    break
            time.sleep(0.005)
        time.sleep(0.02)

    def ask(self, command, **given):
        line = f"{command} {json.dumps(given)}" if given else command
        others = [s for s in Server.running if s is not self]
        before = [s.cpu() for s in others]
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise Failure(f"{self.name} ended at '{line}' with status {self.process.wait()}")
        self.process.send_signal(signal.SIGSTOP)
        self.wait_until_stopped()
        answer = json.loads(answer)
        if "error" in answer:
            raise Failure(f"{self.name}: {answer['error']}")
        for other, cpu in zip(others, before):
            if other.cpu() - cpu > 5 / TICK:
                raise Failure(f"{other.name} computed while it was {self.name}'s turn")
        return answer

    def cpu(self):
        return cpu_seconds(self.process.pid)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        Server.running.remove(self)


class Others:
    """What else used the machine's cores since it was made, in cores; and what a host took away."""
    def __init__(self):
        self.begun = self.read()

    @staticmethod
    def read():
        with open("/proc/stat") as f:
            user, nice, system, idle, wait, irq, soft, steal = map(int, f.readline().split()[1:9])
        own = sum(os.times()[:4]) + sum(s.cpu() for s in Server.running)
        with open("/proc/uptime") as f:
            at = float(f.read().split()[0])
        return at, (user + nice + system + irq + soft) / TICK - own, steal / TICK

    def cores(self):
        (a, busy, steal), (b, busy_now, steal_now) = self.begun, self.read()
        return max(0.0, busy_now - busy) / (b - a), max(0.0, steal_now - steal) / (b - a)

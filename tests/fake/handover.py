# SPDX-License-Identifier: Apache-2.0
"""Opens sockets and becomes a program that gets them, as a service manager has it (sd_listen_fds(3)).

    handover.py NAME=HOST:PORT|NAME=/PATH... -- PROGRAM [ARG...]

The number behind --ready-fd of the program is moved out of the way. A UNIX socket gets mode 0600, one whose path ends in
".open" 0666. NAME may be empty.
"""
import os
import socket
import sys

FIRST_FD = 3


def listen(address: str) -> socket.socket:
    if address.startswith("/"):
        made = socket.socket(socket.AF_UNIX)
        os.umask(0o111 if address.endswith(".open") else 0o177)
        made.bind(address)
        os.umask(0o022)
    else:
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, int(port)))
    made.listen(100)
    return made


def main() -> None:
    split = sys.argv.index("--")
    wanted, command = [word.partition("=") for word in sys.argv[1:split]], sys.argv[split + 1:]
    if "--ready-fd" in command:
        at = command.index("--ready-fd") + 1
        moved = os.dup2(int(command[at]), 200)
        command[at] = str(moved)
    sockets = [os.dup2(listen(address).detach(), 100 + i) for i, (_, _, address) in enumerate(wanted)]
    for i, fd in enumerate(sockets):
        os.dup2(fd, FIRST_FD + i)
        os.close(fd)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sockets)),
                      LISTEN_FDNAMES=":".join(name for name, _, _ in wanted))
    os.execv(command[0], command)


main()

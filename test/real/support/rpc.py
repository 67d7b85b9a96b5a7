"""
A client of CRIU's RPC that takes the words of criu: rpc.py --criu BINARY | --service SOCKET [OPTION…] -- dump|restore …

As those of libcriu, go-criu and pycriu, it starts `criu swrk FD`, or connects to `criu service`, and sends one request.
It prints the notifications. It ends with 1 if CRIU says no.

--rpc-config FILE the configuration file of CRIU that the request names
--closed         criu starts without 0, 1 and 2, as pycriu starts it
--pass N         criu gets this descriptor, too
--sibling        the restored tasks are children of the client, as those of runc
--notify         asks for notifications, as --action-script does
"""
import argparse
import os
import socket
import sys

import pycriu.rpc_pb2 as rpc

FLAGS = {'--auto-dedup': 'auto_dedup', '--shell-job': 'shell_job'}


def options_of(words):
    options = rpc.criu_opts(log_level=4)
    words = iter(words)
    for word in words:
        if word in FLAGS:
            setattr(options, FLAGS[word], True)
        elif word == '-D':
            options.images_dir_fd = os.open(next(words), os.O_RDONLY | os.O_DIRECTORY)
        elif word == '-o':
            options.log_file = next(words)
        elif word == '-t':
            options.pid = int(next(words))
        elif word == '--inherit-fd':
            number, key = next(words)[len('fd['):].split(']:', 1)
            options.inherit_fd.add(fd=int(number), key=key)
        elif word not in ('-d', '-v4'):
            sys.exit(f'this client has no {word}')
    return options


def start(criu, closed, passed):
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for fd in [its.fileno(), *passed]:
        os.set_inheritable(fd, True)
    child = os.fork()
    if child == 0:
        if closed:
            os.closerange(0, 3)
        os.execv(criu, [criu, 'swrk', str(its.fileno())])
    its.close()
    return ours, child


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--criu')
    parser.add_argument('--service')
    parser.add_argument('--rpc-config')
    parser.add_argument('--closed', action='store_true')
    parser.add_argument('--pass', dest='passed', type=int, action='append', default=[])
    parser.add_argument('--sibling', action='store_true')
    parser.add_argument('--notify', action='store_true')
    parser.add_argument('words', nargs=argparse.REMAINDER)
    given = parser.parse_args()
    action, *words = given.words[1:]
    options = options_of(words)
    if given.sibling:
        options.rst_sibling = True
    if given.rpc_config:
        options.config_file = given.rpc_config
    options.notify_scripts = given.notify
    child = None
    if given.service:
        talk = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        talk.connect(given.service)
    else:
        talk, child = start(given.criu, given.closed, given.passed + [entry.fd for entry in options.inherit_fd])
    kind = {'dump': rpc.DUMP, 'restore': rpc.RESTORE}[action]
    talk.send(rpc.criu_req(type=kind, opts=options).SerializeToString())
    answer = rpc.criu_resp(type=rpc.NOTIFY)
    while answer.type == rpc.NOTIFY:
        packet = talk.recv(1 << 16)
        if not packet:
            sys.exit('criu ended without an answer')
        answer = rpc.criu_resp.FromString(packet)
        if answer.type == rpc.NOTIFY:
            print(answer.notify.script, flush=True)
            talk.send(rpc.criu_req(type=rpc.NOTIFY, notify_success=True).SerializeToString())
    talk.close()
    if child is not None:
        os.waitpid(child, 0)
    if not answer.success:
        sys.exit('criu says no')


main()

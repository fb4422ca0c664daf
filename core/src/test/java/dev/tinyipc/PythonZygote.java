package dev.tinyipc;

import java.io.IOException;
import java.time.Duration;

/**
 * A zygote in Python, without a library, whose forks run what they are sent.
 */
final class PythonZygote {

	private static final String PROTOCOL = """
			import os, signal, socket, struct, sys, threading

			zygote = socket.socket(fileno=3)

			def text(value):
			    return bytes([0x60 + len(value)]) + value.encode()

			def number(value):
			    return b'\\x1b' + struct.pack('>Q', value)

			def read(packet, at):
			    size = {24: 1, 25: 2, 26: 4, 27: 8}.get(packet[at] & 31, 0)
			    return int.from_bytes(packet[at + 1:at + 1 + size], 'big') if size else packet[at] & 31

			def send(body):
			    zygote.send(struct.pack('=Q', len(body)) + body)

			def hello(*methods):
			    send(b'\\xda\\x49\\x50\\x53\\x4a\\xa2' + text('envelope') + b'\\xf5' + text('methods')
			         + bytes([0x80 + len(methods)]) + b''.join(map(text, methods)))

			def fork(files):
			    pid = os.fork()
			    if pid:
			        os.setpgid(pid, pid)
			        return pid
			    os.setpgid(0, 0)
			    for target, file in enumerate(files):
			        os.dup2(file, target)
			        os.close(file)
			    zygote.detach()
			    return 0

			def serve(fork=fork):
			    while True:
			        packet, files, _, _ = socket.recv_fds(zygote, 65536, 8)
			        if not packet:
			            sys.exit(0)
			        if b'zygote.fork' in packet:
			            result = fork(files)
			            if result == 0:
			                return socket.socket(fileno=3)
			        else:
			            result = os.waitpid(read(packet, packet.index(b'gpayload') + 8), 0)[1]
			        for file in files:
			            os.close(file)
			        id = read(packet, packet.index(b'bid') + 3)
			        send(b'\\xda\\x49\\x50\\x53\\x46\\xa2' + text('id') + number(id) + text('payload') + number(result))

			""";

	private static final String SERVING = """
			hello('zygote.fork', 'zygote.reap')
			forked = serve()

			def say(value):
			    forked.send(str(value).encode())

			while True:
			    command = forked.recv(65536)
			    if not command:
			        break
			    exec(command.decode())
			""";

	private PythonZygote() {
	}

	static IpcProcessBuilder program() {
		return program(SERVING);
	}

	/** One that does something else once it knows the protocol. */
	static IpcProcessBuilder program(String instead) {
		return new IpcProcessBuilder("python3", "-c", PROTOCOL + instead).inheritIO();
	}

	/** One that does something before it serves. */
	static IpcProcessBuilder programThatFirst(String does) {
		return program(does + '\n' + SERVING);
	}

	static IpcZygote start() throws IOException {
		return start(program());
	}

	static IpcZygote start(IpcProcessBuilder program) throws IOException {
		return IpcZygote.start(program, Deadline.in(Duration.ofSeconds(30)));
	}

	/** Has a fork run a line, and returns what it says. */
	static String run(IpcProcess fork, String line) throws IpcException {
		fork.socket().send(Samples.bytes(line));
		return Samples.receiveText(fork.socket());
	}

}

package dev.tinyipc.spring.test;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcProcess;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.IpcSocketPair;
import dev.tinyipc.spring.IpcChannelFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs in place of the processes of a child: its handlers, and between them and the
 * application a relay, which makes the faults.
 *
 * @param child has the handlers
 * @param faults that requests are to meet
 * @param channelFactory creates the channel of the handlers, with the application's
 * mapper
 */
record TestIpcProgram(TestIpcChild child, IpcFaults faults,
		IpcChannelFactory channelFactory) implements IpcProcess.Program {

	private static final Logger logger = LoggerFactory.getLogger(AutoConfigureTestIpc.class);

	@Override
	public int run(IpcSocket socket) throws Exception {
		try (IpcSocketPair inner = IpcSocket.pair(); FrameRelay relay = new FrameRelay()) {
			IpcChannel channel = this.channelFactory.createChannel(inner.child());
			Thread server = new Thread(() -> serve(channel), "tiny-ipc-test-child");
			server.setDaemon(true);
			server.start();
			relay.connect(socket, inner.parent(), new FaultTap(this.child.name(), this.faults, relay, channel));
			return relay.awaitEnd();
		}
	}

	private void serve(IpcChannel channel) {
		try (IpcSocket socket = channel.socket()) { // its end is that of the program
			this.child.serve(channel);
		}
		catch (IpcException ex) {
			logger.debug("The handlers in place of child process '{}' have ended", this.child.name(), ex);
		}
		catch (RuntimeException ex) {
			logger.error("The handlers in place of child process '{}' have failed", this.child.name(), ex);
		}
	}

}

package dev.tinyipc;

import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;

/**
 * The standard streams of a child that is being started: its ends, and our ends of pipes.
 */
final class ChildStreams {

	private static final Path NULL_DEVICE = Path.of("/dev/null");

	private final List<OwnedFd> childEnds = new ArrayList<>();

	private final @Nullable OwnedFd[] parentEnds = new OwnedFd[3];

	private final List<@Nullable Consumer<String>> consumers = Arrays.asList(null, null, null);

	void input(Redirect source) throws IpcException {
		switch (source.type()) {
			case PIPE -> {
				OwnedFd.Pipe pipe = OwnedFd.pipe();
				this.parentEnds[0] = pipe.sink();
				this.childEnds.add(pipe.source());
			}
			case INHERIT -> inherit(0);
			default -> this.childEnds.add(OwnedFd.open(source.file().toPath(), StandardOpenOption.READ));
		}
	}

	void output(Redirect destination) throws IpcException {
		output(1, destination);
	}

	void error(Redirect destination) throws IpcException {
		output(2, destination);
	}

	void errorToOutput() throws IpcException {
		this.childEnds.add(this.childEnds.get(1).duplicate());
	}

	private void output(int stream, Redirect destination) throws IpcException {
		switch (destination.type()) {
			case PIPE -> {
				OwnedFd.Pipe pipe = OwnedFd.pipe();
				this.parentEnds[stream] = pipe.source();
				this.childEnds.add(pipe.sink());
			}
			case INHERIT -> inherit(stream);
			case APPEND -> this.childEnds
				.add(OwnedFd.open(destination.file().toPath(), StandardOpenOption.CREATE, StandardOpenOption.APPEND));
			default -> this.childEnds.add(OwnedFd.open(destination.file().toPath(), StandardOpenOption.CREATE,
					StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING));
		}
	}

	/** This process may have been started without the stream. */
	private void inherit(int stream) throws IpcException {
		int copy = LibC.fcntl(stream, LibC.F_DUPFD_CLOEXEC, 0);
		this.childEnds.add((copy >= 0) ? OwnedFd.of(copy)
				: OwnedFd.open(NULL_DEVICE, StandardOpenOption.READ, StandardOpenOption.WRITE));
	}

	/** The child's ends of streams 0, 1 and 2. */
	List<OwnedFd> childEnds() {
		return new ArrayList<>(this.childEnds);
	}

	/** Our end of a stream, or null if there is no pipe. */
	@Nullable OwnedFd parentEnd(int stream) {
		return this.parentEnds[stream];
	}

	/** Has a stream read line by line, if it is a pipe and there is a consumer. */
	void readLines(int stream, @Nullable Consumer<String> consumer) {
		this.consumers.set(stream, consumer);
	}

	/** Gives up our ends of the streams that are read line by line. */
	List<ChildOutput> takeLines(ChildLines lines) throws IpcException {
		List<ChildOutput> outputs = new ArrayList<>();
		for (int stream = 1; stream <= 2; stream++) {
			OwnedFd end = this.parentEnds[stream];
			Consumer<String> consumer = this.consumers.get(stream);
			if (end != null && consumer != null) {
				outputs.add(new ChildOutput(end, consumer, lines));
			}
		}
		for (int stream = 1; stream <= 2; stream++) {
			if (this.consumers.get(stream) != null) {
				this.parentEnds[stream] = null;
			}
		}
		return outputs;
	}

	void closeChildEnds() {
		OwnedFd.closeAll(this.childEnds);
	}

	void closeParentEnds() {
		for (OwnedFd end : this.parentEnds) {
			if (end != null) {
				end.close();
			}
		}
	}

}

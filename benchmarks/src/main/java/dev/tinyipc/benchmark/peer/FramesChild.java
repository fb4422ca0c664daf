package dev.tinyipc.benchmark.peer;

import java.io.IOException;
import java.nio.ByteBuffer;

import tools.jackson.databind.util.ByteBufferBackedInputStream;
import tools.jackson.dataformat.cbor.CBORMapper;

/** The child's side of {@link Frames}. */
final class FramesChild {

	private final Frames frames;

	FramesChild(Frames frames) {
		this.frames = frames;
	}

	/** Serves until the parent closes. */
	void serve(Kind kind) throws IOException {
		switch (kind) {
			case BYTES, DESCRIPTOR -> echo();
			case COUNT -> count();
			case ORDER, ORDERS -> decode(Codec.of(new CBORMapper(), kind));
		}
	}

	private void echo() throws IOException {
		ByteBuffer frame;
		while ((frame = this.frames.receive()) != null) {
			this.frames.send(frame);
		}
	}

	private void count() throws IOException {
		ByteBuffer answer = Frames.frame(new byte[Long.BYTES]);
		long count = 0;
		ByteBuffer frame;
		while ((frame = this.frames.receive()) != null) {
			count++;
			if (frame.get(Frames.HEADER_SIZE) == 1) {
				this.frames.send(answer.putLong(Frames.HEADER_SIZE, count));
				count = 0;
			}
		}
	}

	private void decode(Codec codec) throws IOException {
		FrameOutput output = new FrameOutput();
		ByteBuffer frame;
		while ((frame = this.frames.receive()) != null) {
			Object value = codec.reader()
				.readValue(new ByteBufferBackedInputStream(frame.position(Frames.HEADER_SIZE)));
			this.frames.send(output.encode(codec, value));
		}
	}

}

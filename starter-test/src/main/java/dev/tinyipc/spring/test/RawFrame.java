package dev.tinyipc.spring.test;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.Packet;
import org.jspecify.annotations.Nullable;

/**
 * A message as it goes over a socket: packets, of which the first begins with the length
 * of the body and brings the descriptors. See {@code docs/wire-format.md}.
 */
final class RawFrame implements Closeable {

	/** The largest packet that anybody may send, in bytes. */
	static final int MAX_PACKET_SIZE = 512 * 1024;

	/** Of what is sent here: any socket takes it. */
	private static final int PACKET_SIZE = 64 * 1024;

	private static final int HEADER_SIZE = Long.BYTES;

	private static final byte NULL = (byte) 0xf6;

	private final List<byte[]> packets;

	private final List<OwnedFd> descriptors = new ArrayList<>();

	private RawFrame(List<byte[]> packets) {
		this.packets = packets;
	}

	/**
	 * Makes a frame of a body.
	 * @param descriptors closed with the frame
	 */
	static RawFrame of(byte[] body, OwnedFd... descriptors) {
		ByteBuffer whole = ByteBuffer.allocate(HEADER_SIZE + body.length).order(ByteOrder.nativeOrder());
		whole.putLong(body.length).put(body).flip();
		List<byte[]> packets = new ArrayList<>();
		while (whole.hasRemaining()) {
			byte[] packet = new byte[Math.min(PACKET_SIZE, whole.remaining())];
			whole.get(packet);
			packets.add(packet);
		}
		RawFrame frame = new RawFrame(packets);
		frame.descriptors.addAll(List.of(descriptors));
		return frame;
	}

	/** Makes a frame of packets that were recorded. */
	static RawFrame ofPackets(List<byte[]> packets) {
		return new RawFrame(packets);
	}

	/**
	 * Receives a frame.
	 * @param buffer room for a packet
	 * @return null at the end of the socket
	 */
	static @Nullable RawFrame receive(IpcSocket socket, ByteBuffer buffer) throws IpcException {
		RawFrame frame = new RawFrame(new ArrayList<>());
		boolean whole = false;
		try {
			if (!frame.receivePacket(socket, buffer)) {
				return null;
			}
			byte[] first = frame.packets.get(0);
			if (first.length >= HEADER_SIZE) {
				long missing = frame.length() - (first.length - HEADER_SIZE);
				while (missing > 0 && frame.receivePacket(socket, buffer)) {
					missing -= frame.packets.get(frame.packets.size() - 1).length;
				}
			}
			whole = true;
			return frame;
		}
		finally {
			if (!whole) {
				frame.close();
			}
		}
	}

	private boolean receivePacket(IpcSocket socket, ByteBuffer buffer) throws IpcException {
		buffer.clear();
		try (Packet packet = socket.receive(buffer)) {
			if (packet == null) {
				return false;
			}
			byte[] bytes = new byte[buffer.flip().remaining()];
			buffer.get(bytes);
			this.packets.add(bytes);
			for (int i = 0; i < packet.descriptors().size(); i++) {
				this.descriptors.add(packet.take(i));
			}
			return true;
		}
	}

	private long length() {
		return ByteBuffer.wrap(this.packets.get(0)).order(ByteOrder.nativeOrder()).getLong();
	}

	/** Sends the frame. Its descriptors stay open. */
	void sendTo(IpcSocket socket) throws IpcException {
		OwnedFd[] files = this.descriptors.toArray(OwnedFd[]::new);
		for (byte[] packet : this.packets) {
			socket.send(ByteBuffer.wrap(packet), files);
			files = new OwnedFd[0];
		}
	}

	List<byte[]> packets() {
		return this.packets;
	}

	List<OwnedFd> descriptors() {
		return this.descriptors;
	}

	/** All that follows the header. */
	byte[] body() {
		ByteArrayOutputStream all = new ByteArrayOutputStream();
		this.packets.forEach(all::writeBytes);
		byte[] frame = all.toByteArray();
		return (frame.length > HEADER_SIZE) ? Arrays.copyOfRange(frame, HEADER_SIZE, frame.length) : new byte[0];
	}

	/** Whether it asks for a lane. */
	boolean isLane() {
		byte[] first = this.packets.get(0);
		return first.length == HEADER_SIZE + 1 && first[HEADER_SIZE] == NULL && this.descriptors.size() == 1;
	}

	/** Takes the socket of a lane, which the caller closes. */
	IpcSocket takeLane() throws IpcException {
		return IpcSocket.adopt(this.descriptors.remove(0).detach());
	}

	/** The agreement to a lane, and what is sent to ask for one, without the socket. */
	static RawFrame ofNull(OwnedFd... descriptors) {
		return of(new byte[] { NULL }, descriptors);
	}

	@Override
	public void close() {
		this.descriptors.forEach(OwnedFd::close);
	}

}

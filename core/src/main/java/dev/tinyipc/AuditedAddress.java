package dev.tinyipc;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

import org.jspecify.annotations.Nullable;

/**
 * The address of a socket of another process, in words ({@code unix(7)}, {@code ip(7)},
 * {@code ipv6(7)}):
 *
 * <pre>
 * struct sockaddr_un {            struct sockaddr_in {           struct sockaddr_in6 {
 *     sa_family_t sun_family; // 0    sa_family_t sin_family; // 0   sa_family_t sin6_family; // 0
 *     char sun_path[108];     // 2    in_port_t   sin_port;   // 2   in_port_t sin6_port;     // 2
 * };                              // struct in_addr sin_addr; // 4   uint32_t sin6_flowinfo;  // 4
 *                                 };                             struct in6_addr sin6_addr; // 8
 * </pre>
 *
 * Ports and addresses are in network order.
 */
final class AuditedAddress {

	/** {@code sizeof(struct sockaddr_storage)}. */
	static final int MAX_SIZE = 128;

	// <bits/socket.h>

	private static final int AF_UNSPEC = 0, AF_INET = 2, AF_INET6 = 10, AF_NETLINK = 16, AF_PACKET = 17, AF_ALG = 38,
			AF_VSOCK = 40;

	private static final int SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_RAW = 3, TYPE = 0xf;

	private static final int PORT = 2, IPV4 = 4, IPV6 = 8, UNIX_PATH = 2;

	private AuditedAddress() {
	}

	/** The path of a Unix socket's address; null for another address. */
	static @Nullable String path(ByteBuffer address) {
		if (family(address) != LibC.AF_UNIX || address.limit() <= UNIX_PATH || address.get(UNIX_PATH) == 0) {
			return null;
		}
		return name(address, UNIX_PATH);
	}

	/** Such as {@code 192.0.2.1:5432}; null for no address, which undoes a connection. */
	static @Nullable String describe(ByteBuffer address) {
		switch (family(address)) {
			case AF_UNSPEC:
				return null;
			case LibC.AF_UNIX:
				String path = path(address);
				if (path != null) {
					return path;
				}
				return (address.limit() > UNIX_PATH) ? '@' + name(address, UNIX_PATH + 1) : "an abstract name";
			case AF_INET:
				return (address.limit() >= IPV4 + 4) ? host(address, IPV4, 4) + ':' + port(address) : "IPv4";
			case AF_INET6:
				return (address.limit() >= IPV6 + 16) ? '[' + host(address, IPV6, 16) + "]:" + port(address) : "IPv6";
			default:
				return domain(family(address));
		}
	}

	/** Such as {@code IPv4, stream}. */
	static String socket(long domain, long type) {
		String kind = switch ((int) type & TYPE) {
			case SOCK_STREAM -> "stream";
			case SOCK_DGRAM -> "datagram";
			case SOCK_RAW -> "raw";
			default -> "type " + ((int) type & TYPE);
		};
		return domain((int) domain) + ", " + kind;
	}

	private static String domain(int domain) {
		return switch (domain) {
			case LibC.AF_UNIX -> "Unix";
			case AF_INET -> "IPv4";
			case AF_INET6 -> "IPv6";
			case AF_NETLINK -> "netlink";
			case AF_PACKET -> "packet";
			case AF_ALG -> "kernel cryptography";
			case AF_VSOCK -> "vsock";
			default -> "domain " + domain;
		};
	}

	private static int family(ByteBuffer address) {
		return address.getShort(0) & 0xffff;
	}

	private static int port(ByteBuffer address) {
		return address.duplicate().order(ByteOrder.BIG_ENDIAN).getShort(PORT) & 0xffff;
	}

	private static String host(ByteBuffer address, int at, int length) {
		byte[] bytes = new byte[length];
		address.get(at, bytes);
		try {
			return InetAddress.getByAddress(bytes).getHostAddress();
		}
		catch (UnknownHostException ex) {
			throw new IllegalArgumentException(ex);
		}
	}

	private static String name(ByteBuffer address, int at) {
		int end = at;
		while (end < address.limit() && address.get(end) != 0) {
			end++;
		}
		byte[] bytes = new byte[end - at];
		address.get(at, bytes);
		return NativeBuffer.decode(bytes);
	}

}

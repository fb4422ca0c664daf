package dev.tinyipc.benchmark;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

import dev.tinyipc.benchmark.own.ChannelContender;
import dev.tinyipc.benchmark.own.RawContender;
import dev.tinyipc.benchmark.own.ReadContender;
import dev.tinyipc.benchmark.own.SpinTime;
import dev.tinyipc.benchmark.own.TemplateContender;
import dev.tinyipc.benchmark.peer.GrpcContender;
import dev.tinyipc.benchmark.peer.HttpContender;
import dev.tinyipc.benchmark.peer.JdkSocketContender;
import dev.tinyipc.benchmark.peer.JmsContender;
import dev.tinyipc.benchmark.peer.JunixsocketContender;
import dev.tinyipc.benchmark.peer.NettyContender;
import dev.tinyipc.benchmark.peer.PipesContender;

/** Everybody who takes part: the one place where a contender is registered. */
final class Contenders {

	/** The one that the ratios are to. */
	static final String REFERENCE = "c";

	/** What {@code benchmarks/run} compiled from C. */
	static final Path NATIVE = Path.of("target", "native");

	/** What {@code peers/build} built or installed, for contenders in other languages. */
	static final Path PEERS = Path.of("target", "peers");

	/** What the targets are about. */
	private static final Set<String> WITH_TARGET = Set.of("c", "raw", "raw-spinning", "raw-locked", "raw-64m", "raw-8g",
			"channel-c", "template", "records", "tokens");

	private static final String FIRST_COMPILER_ONLY = "-XX:TieredStopAtLevel=1";

	private static final Set<String> PEERS_WITH_TARGET = Set.of("pipes", "grpc");

	/**
	 * What the peers take part in. The sizes between those tell nothing more about them,
	 * and each costs a warm-up.
	 */
	private static final String[] PEER_WORKS = { "roundtrip 64", "oneway 64", "descriptor", "object", "objects",
			"spawn java" };

	/** Behind the name of one that does what another one is compared with. */
	private static final String BESIDE = "-beside";

	private static final int NEW_JDK = 25;

	private Contenders() {
	}

	/** In the order in which they take their turns and stand in the tables. */
	static List<Entry> all() {
		List<Entry> all = new ArrayList<>();
		reference(all);
		own(all);
		comparisons(all);
		peers(all);
		return all;
	}

	/**
	 * Those that the targets are about, and the peers only in what they are compared in.
	 */
	static List<Entry> quick() {
		Stream<Entry> own = all().stream().filter((entry) -> WITH_TARGET.contains(entry.name()));
		Stream<Entry> peers = all().stream().filter((entry) -> PEERS_WITH_TARGET.contains(entry.name()));
		return Stream.concat(own, peers.map((entry) -> entry.only("object", "objects"))).toList();
	}

	/**
	 * Those that show that the benchmarks work, in works that they must be able to do.
	 */
	static List<Entry> smoke() {
		List<Entry> all = new ArrayList<>();
		for (Entry entry : all()) {
			switch (entry.name()) {
				case REFERENCE, "records", "tokens", "template-beside" -> all.add(entry);
				case "template" -> all.add(entry.only("roundtrip", "object", "fetch", "callers", "pool"));
				case "channel" -> all.add(entry.only("roundtrip", "object", "fetch"));
				case "grpc" -> all.add(entry.only("fetch"));
				default -> {
					// The others need more time, or what the machine may lack.
				}
			}
		}
		return all;
	}

	private static void reference(List<Entry> all) {
		String program = NATIVE.resolve("contender").toString();
		all.add(program(REFERENCE, "C parent and C child, the same sockets, plain send and recv", program));
		all.add(program("c-spin", "the same, but both ask again and again before they wait", program).spinning(50)
			.only("roundtrip"));
	}

	private static void own(List<Entry> all) {
		String raw = RawContender.class.getName();
		all.add(java("raw", "`IpcSocket`, child in C", raw, "c"));
		all.add(java("raw-spinning", "`raw` with a spin time", raw, "c").spinning(50).only("roundtrip"));
		all.add(java("raw-java", "`IpcSocket`, child in Java", raw, "java"));
		String channel = ChannelContender.class.getName();
		all.add(java("channel-c", "`IpcChannel`, child in C that does not decode", channel, "c"));
		all.add(java("channel", "`IpcChannel`, child in Java", channel, "java"));
		String template = TemplateContender.class.getName();
		all.add(java("template", "`CborMessageTemplate` in a Spring Boot application, worker in Java", template));
		all.add(java("template-asleep", "`template` with a spin time of zero", template).spinning(0)
			.only("roundtrip", "object"));
		all.add(java("template-c1", "`template`, the worker with the first compiler only", template,
				FIRST_COMPILER_ONLY)
			.only("object", "objects", "spawn java"));
		all.add(java("raw-locked", "`raw`, whose child is locked down", raw, "locked-c").only("spawn c", "roundtrip"));
		all.add(java("raw-64m", "`raw`, whose parent has a heap of 64 MiB, touched", raw, "c").only("spawn c")
			.with("-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch"));
		all.add(java("raw-8g", "`raw`, whose parent has a heap of 8 GiB, touched", raw, "c").only("spawn c")
			.with("-Xms8g", "-Xmx8g", "-XX:+AlwaysPreTouch"));
	}

	/** Of which only one comparison is made. */
	private static void comparisons(List<Entry> all) {
		all.add(java("raw" + BESIDE, "`raw`, with one socket open", RawContender.class.getName(), "c").only("sockets"));
		String template = TemplateContender.class.getName();
		all.add(java("template" + BESIDE, "`template`, with a single child or fewer callers", template)
			.only("callers"));
		String reader = ReadContender.class.getName();
		all.add(java("records", "1 000 orders read from memory by the library's mapper", reader, "records")
			.only("read"));
		all.add(java("tokens", "all of their tokens and values read, without a binding", reader, "tokens")
			.only("read"));
		Jdk.find(NEW_JDK).ifPresent((home) -> {
			Entry entry = jvm(home, System.getProperty("java.class.path"), "template-25",
					"`template` on JDK 25, with the starter's defaults", template);
			all.add(entry.only("spawn java-25"));
			// What the starter would choose for the child is chosen as the JVM would.
			all.add(jvm(home, System.getProperty("java.class.path"), "template-25-plain",
					"the same, the child a JVM with its own defaults and no archive of classes", template,
					"-XX:+UseG1GC", "-XX:MaxRAMPercentage=25")
				.with("-Dipc.class-sharing.enabled=false")
				.only("spawn java-25"));
		});
	}

	/** Other ways to do it. */
	private static void peers(List<Entry> all) {
		all.add(peer("junixsocket", "junixsocket's SEQPACKET sockets, CBOR", JunixsocketContender.class));
		all.add(peer("jdk", "the JDK's Unix-domain `SocketChannel`, CBOR", JdkSocketContender.class));
		all.add(peer("netty", "Netty's Unix-domain sockets (epoll), CBOR", NettyContender.class));
		all.add(peer("pipes", "`ProcessBuilder`, a line of JSON a message over its pipes", PipesContender.class));
		all.add(peer("http", "`RestClient` and a Spring Boot web application, JSON over loopback",
				HttpContender.class));
		all.add(peer("grpc", "gRPC over a Unix-domain socket, its own generated types", GrpcContender.class)
			.alsoIn("fetch"));
		all.add(peer("jms", "`JmsTemplate` and an Artemis broker in the parent, in memory, JSON", JmsContender.class));
		all.add(program("python", "Python's `multiprocessing` connections, objects by pickle", "python3",
				"peers/python/contender.py")
			.only(PEER_WORKS));
		all.add(program("node", "Node's `fork` channel, objects by structured clone", "node",
				"peers/node/contender.mjs")
			.only(PEER_WORKS));
		all.add(program("rust", "tiny-nix-ipc itself, parent and child in Rust",
				PEERS.resolve("rust/release/tiny-nix-ipc-contender").toString())
			.only(PEER_WORKS));
	}

	/**
	 * A peer in Java, with the libraries of all of them behind ours on the class path.
	 */
	static Entry peer(String name, String description, Class<? extends Contender> type) {
		String classPath = System.getProperty("java.class.path") + File.pathSeparator
				+ Path.of("target", "peer-class-path", "*");
		return jvm(ownJdk(), classPath, name, description, type.getName()).only(PEER_WORKS);
	}

	static Entry program(String name, String description, String... command) {
		return new Entry(name, description, List.of(command), Set.of());
	}

	/** A class that implements {@link Contender}, in a JVM with the JDK's defaults. */
	static Entry java(String name, String description, String type, String... arguments) {
		return jvm(ownJdk(), System.getProperty("java.class.path"), name, description, type, arguments);
	}

	private static Path ownJdk() {
		return Path.of(System.getProperty("java.home"));
	}

	private static Entry jvm(Path jdk, String classPath, String name, String description, String type,
			String... arguments) {
		List<String> command = new ArrayList<>();
		command.add(jdk.resolve("bin").resolve("java").toString());
		command.add("--enable-native-access=ALL-UNNAMED");
		command.addAll(List.of("-cp", classPath, ContenderMain.class.getName(), type));
		command.addAll(List.of(arguments));
		return new Entry(name, description, command, Set.of());
	}

	/**
	 * A contender.
	 *
	 * @param name short, as in a table
	 * @param description in a few words
	 * @param command the program that speaks the protocol, to be run in the folder
	 * {@code benchmarks}; one that cannot be started is left out, and the report says so
	 * @param works those in which it takes part, with their parameter or for all of them;
	 * empty for all
	 */
	record Entry(String name, String description, List<String> command, Set<String> works) {

		/** Takes part in these works only. */
		Entry only(String... works) {
			return new Entry(this.name, this.description, this.command, Set.of(works));
		}

		/** Takes part in this one too. */
		Entry alsoIn(String work) {
			return only(Stream.concat(this.works.stream(), Stream.of(work)).toArray(String[]::new));
		}

		/** Its JVM gets these flags. */
		Entry with(String... flags) {
			List<String> command = new ArrayList<>(this.command);
			command.addAll(1, List.of(flags));
			return new Entry(this.name, this.description, command, this.works);
		}

		/** Both ends ask again and again for so many microseconds before they wait. */
		Entry spinning(int microseconds) {
			List<String> command = new ArrayList<>(List.of("env", SpinTime.VARIABLE + "=" + microseconds));
			command.addAll(this.command);
			return new Entry(this.name, this.description, command, this.works);
		}

		/** It does what another one is compared with, in the rounds of that one. */
		boolean isBeside() {
			return this.name.endsWith(BESIDE);
		}

		boolean takesPartIn(Work work) {
			// On one core the one that spins has what the other one needs.
			if ((isBeside() && work.beside().isEmpty()) || (this.name.equals(REFERENCE) && work.reference().isEmpty())
					|| (this.name.contains("spin") && work.layout() == Layout.SAME_CORE)) {
				return false;
			}
			return this.works.isEmpty() || this.works.contains(work.name()) || this.works.contains(work.line());
		}

	}

}

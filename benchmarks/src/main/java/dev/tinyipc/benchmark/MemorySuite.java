package dev.tinyipc.benchmark;

import java.util.ArrayList;
import java.util.List;

import dev.tinyipc.benchmark.own.BulkContender;
import dev.tinyipc.benchmark.own.MemoryContender;
import dev.tinyipc.benchmark.own.TemplateContender;
import dev.tinyipc.benchmark.peer.AeronContender;
import dev.tinyipc.benchmark.peer.GrpcContender;
import dev.tinyipc.benchmark.peer.PipesContender;

/** Messages that go through shared memory: what is measured, by whom, and the targets. */
final class MemorySuite {

	private static final String SUFFIX = "-memory";

	/**
	 * What the starter gives a child: longer than a wake-up takes, or nobody stays up.
	 */
	private static final int SPIN_MICROS = 50;

	private static final String SMALL = "roundtrip 64";

	private static final String ONE_WAY = "oneway 64";

	private static final String LARGE = "roundtrip 1048576";

	private static final String BULK = "roundtrip 67108864";

	private static final String SUM = "sum 67108864";

	private static final String IDLE = "idle 8-lanes";

	private static final String BUSY = "object" + Layout.BUSY.suffix();

	private MemorySuite() {
	}

	static Suite full() {
		return new Suite(SUFFIX, works(), contenders(), targets(), false);
	}

	static Suite quick() {
		return new Suite(SUFFIX, works().stream().map(Work::quick).toList(), contenders(), targets(), false);
	}

	/** Without what the machine may lack, and what it has to start for nothing else. */
	static Suite smoke() {
		List<Work> works = works().stream()
			.filter((work) -> List.of(SMALL, ONE_WAY).contains(work.key()))
			.map(Work::smoke)
			.toList();
		List<Contenders.Entry> contenders = contenders().stream()
			.filter((entry) -> List.of(Contenders.REFERENCE, "memory", "memory-c", "template-memory", "aeron")
				.contains(entry.name()))
			.toList();
		return new Suite(SUFFIX, works, contenders, targets(), false);
	}

	private static List<Work> works() {
		List<Work> all = new ArrayList<>();
		all.add(Work.of(SMALL).warmUp(20_000).rounds(11));
		all.add(Work.of(ONE_WAY).warmUp(6000).rounds(11));
		// In C there is no encoding: bytes of about the same number are compared with.
		all.add(Work.of("object").reference("roundtrip 1024").warmUp(24_000).rounds(11));
		all.add(Work.of("objects").reference("roundtrip 262144").warmUp(10_000).turn(250).rounds(9));
		all.add(Work.of(LARGE).warmUp(6000).turn(250).rounds(9));
		all.add(Work.of(SUM).warmUp(4000).turn(500).rounds(7));
		all.add(Work.of(BULK).warmUp(8000).turn(500).rounds(7));
		all.add(Work.of("object").reference("").layout(Layout.BUSY).warmUp(6000).turn(400).rounds(11));
		all.add(Work.of(IDLE).layout(Layout.FREE).warmUp(0).turn(1000).rounds(9, 9));
		return all;
	}

	private static List<Contenders.Entry> contenders() {
		List<Contenders.Entry> all = new ArrayList<>();
		sockets(all);
		own(all);
		arrays(all);
		all.add(Contenders
			.peer("aeron", "Aeron IPC, both ends ask without a break, the media driver in the parent",
					AeronContender.class)
			.with("--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED")
			.only(SMALL, ONE_WAY));
		all.add(Contenders
			.program("iceoryx2", "iceoryx2, parent and child in Rust, both ends ask without a break",
					Contenders.PEERS.resolve("iceoryx2/release/iceoryx2-contender").toString())
			.only(SMALL));
		all.add(Contenders
			.peer("pipes", "`ProcessBuilder`, a line of JSON a message over its pipes", PipesContender.class)
			.only("objects"));
		all.add(Contenders.peer("grpc", "gRPC over a Unix-domain socket, its own generated types", GrpcContender.class)
			.only("object"));
		return all;
	}

	/** What is compared with. */
	private static void sockets(List<Contenders.Entry> all) {
		String program = Contenders.NATIVE.resolve("contender").toString();
		all.add(Contenders
			.program(Contenders.REFERENCE, "C parent and C child over a socket, plain send and recv", program)
			.only("roundtrip", "oneway", "object", "objects", "sum"));
		all.add(Contenders.program("c-spin", "the same, but both ask again and again before they wait", program)
			.spinning(SPIN_MICROS)
			.only(SMALL));
		String channel = MemoryContender.class.getName();
		all.add(Contenders
			.java("socket", "`IpcChannel` over a socket, child in Java, both ends stay awake", channel, "socket",
					"java")
			.spinning(SPIN_MICROS)
			.only(SMALL));
		all.add(Contenders.java("socket-asleep", "the same, but both ends sleep", channel, "socket", "java")
			.spinning(0)
			.only(SMALL));
		all.add(Contenders
			.java("template", "`CborMessageTemplate` in a Spring Boot application, over a socket",
					TemplateContender.class.getName())
			.with("-Dipc.children.worker.transport=socket")
			.only(SMALL, LARGE, "object", "objects", "idle"));
	}

	private static void own(List<Contenders.Entry> all) {
		String channel = MemoryContender.class.getName();
		all.add(Contenders
			.java("memory", "`IpcChannel` through memory, child in Java, both ends stay awake", channel, "memory",
					"java")
			.spinning(SPIN_MICROS)
			.only(SMALL, LARGE));
		all.add(Contenders.java("memory-c", "the same, child in C", channel, "memory", "c")
			.spinning(SPIN_MICROS)
			.only(SMALL, LARGE, ONE_WAY));
		all.add(Contenders.java("memory-asleep", "`memory`, but both ends sleep", channel, "memory", "java")
			.spinning(0)
			.only(SMALL));
		all.add(Contenders.java("template-memory", "`template`, but through memory", TemplateContender.class.getName())
			.with("-Dipc.children.worker.transport=memory")
			.only(SMALL, LARGE, "object", "objects", "idle"));
		all.add(Contenders
			.java("template-blocks", "`template-memory`, with shared blocks", TemplateContender.class.getName())
			.with("-Dipc.children.worker.transport=memory", "-Dipc.children.worker.blocks=16MB")
			.only(LARGE));
		String bulk = BulkContender.class.getName();
		all.add(Contenders.java("blocks", "`IpcRequester` with shared blocks, child in Java", bulk, "java")
			.only(SUM, BULK));
		all.add(Contenders.java("blocks-numpy", "the same, child in Python with NumPy", bulk, "python")
			.only(SUM, BULK));
	}

	/** Parent and child in Python, with an array of NumPy in both. */
	private static void arrays(List<Contenders.Entry> all) {
		String python = BulkContender.PYTHON.toString();
		String program = "peers/python/arrays.py";
		all.add(Contenders
			.program("numpy-shared", "`multiprocessing.shared_memory`, an array of NumPy copied in and out", python,
					program, "shared")
			.only(BULK));
		all.add(Contenders
			.program("numpy-pickled", "`multiprocessing` connections, an array of NumPy by pickle", python, program,
					"pickled")
			.only(BULK));
	}

	private static List<Target> targets() {
		List<Target> all = new ArrayList<>();
		String small = "round trip of 64 B: `memory` to ";
		all.add(Target.ratio(small + "C over a socket, awake", SMALL, "memory", "c-spin", 0.1));
		all.add(Target.ratio(small + "Aeron", SMALL, "memory", "aeron", 1.0));
		all.add(Target.ratio(small + "iceoryx2", SMALL, "memory", "iceoryx2", 2.0));
		all.add(Target.ratio("64 B one way, single sends: `memory-c` to C over a socket", ONE_WAY, "memory-c", "c",
				0.15));
		String object = "typed object: `template-memory` to ";
		all.add(Target.ratio(object + "gRPC", "object", "template-memory", "grpc", 0.05));
		all.add(Target.ratio(object + "1 KiB in C over a socket", "object", "template-memory", "c", 0.3));
		all.add(Target.ratio("list of 1 000 records there and back: `template-memory` to JSON lines over pipes",
				"objects", "template-memory", "pipes", 0.5));
		all.add(Target.ratio("1 MiB there and back, `byte[]`: `template-memory` to C over a socket", LARGE,
				"template-memory", "c", 0.6));
		all.add(Target.ratio("64 MiB of which the child sums all bytes: `blocks` to C over a socket", SUM, "blocks",
				"c", 0.4));
		String array = "array of NumPy of 64 MiB to Python and back: `blocks-numpy` to ";
		all.add(Target.ratio(array + "`multiprocessing.shared_memory`", BULK, "blocks-numpy", "numpy-shared", 1.0));
		all.add(Target.ratio(array + "a pickled one", BULK, "blocks-numpy", "numpy-pickled", 0.1));
		all.add(Target.ratio("round trip of 64 B, both ends asleep: memory to socket", SMALL, "memory-asleep",
				"socket-asleep", 1.1));
		all.add(Target.ratio("typed object beside four busy programs: memory to socket", BUSY, "template-memory",
				"template", 1.1));
		all.add(new Target("idle application, 8 lanes: milliseconds a second on cores more than with sockets", IDLE,
				"template-memory", "template", Target.Measure.CORES, 1.0));
		return List.copyOf(all);
	}

}

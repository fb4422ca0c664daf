package dev.tinyipc;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** One package, so that only this test holds its layers apart. */
class LayersTests {

	private static final List<Set<String>> LAYERS = List.of(Set.of("LibC", "Machine"),
			Set.of("Errno", "IpcException", "Printable", "NativeAccess", "NativeBuffer", "Poll", "Deadline"),
			Set.of("OwnedFd", "CloseActions", "LeakDetector", "FileOpening", "DescriptorStatus", "DescriptorIo",
					"DescriptorChannel", "DescriptorInputStream", "DescriptorOutputStream", "MsgHdr", "PosixSpawn",
					"SystemEnvironment", "Epoll", "ExitStatus", "NativeCall", "Landlock", "Seccomp", "DeniedCalls",
					"Restrictions", "FileGrant", "RestrictedSpawn", "SandboxGap", "SpawnArguments", "Readiness",
					"ParkedThreads", "ChildHandle", "ChildExit", "ChildReaper", "ForkFacts", "ChildOutput", "Sandbox",
					"ResourceLimits", "Protection", "ProgramNeeds", "ChildWatcher", "OrphanGuard", "ChildLines",
					"ChildStreams", "Failures", "ForeignCalls", "SandboxNeed", "SandboxAudit", "SeccompListener",
					"AuditedCall", "AuditedThread", "AuditedAddress", "AuditedRules", "AuditJudge", "SuggestedPaths",
					"NeededPaths", "FileFacts", "ElfFile", "Shebang", "EnvCommand", "SystemNeeds", "LibraryNeeds",
					"ScriptNeeds", "PythonNeeds", "NodeNeeds", "JavaNeeds", "JavaArguments", "ClassPathNeeds",
					"JnaLibrary", "PyenvShim", "WritableFolders"),
			Set.of("IpcSocket", "IpcSocketPair", "Packet", "SocketSide", "SocketCompanion", "SocketSender",
					"SocketReceiver", "SocketOption", "InheritedSocket", "SharedMemory", "IpcPoller", "StructBytes",
					"Spin", "SocketDirections", "LaneMemory", "MemoryRing", "DoorBell", "MemorySender",
					"MemoryReceiver", "FrameWindow", "Watches", "WatchedLanes", "LanePackets", "MappedBlock",
					"BlockFile", "SharedBlocks", "ReceivedBlocks", "IdleBlocks", "BlockLending", "LentElements"),
			Set.of("IpcChannel", "ChannelLimits", "ChannelResources", "ReceivedFrame", "Codec", "CborHead", "CborCheck",
					"CborFinding", "CborPlace", "MapKeys", "Utf8", "Frame", "FrameBuffer", "LargeMemory", "ByteString",
					"IpcMessage", "ErrorItem", "Envelope", "EnvelopeReader", "Prefix", "StreamItem", "DroppedMessage",
					"MessageFilter", "Inbox", "Outbox", "TypedPayload", "NamedTypes", "NamedValues", "RecordModule",
					"RecordDeserializer", "RecordParameters", "RecordPropertyWriter", "SmallBodies", "IpcExchange",
					"IpcContract", "ContractReader", "ContractMethod", "ContractReply", "ContractFuture",
					"ContractClient", "IpcHello", "ReceivedSocket", "IpcServer", "IpcServerBuilder", "RequestGate",
					"IpcContext", "IpcParent", "Handlers", "UnknownMethodException", "ServedExchange", "ServedLane",
					"ServedReply", "ServedStream", "ElementBatch", "ElementReads", "Remarks", "ReceivedElements",
					"ReplyFilter", "ServedPeer", "LaneWatch", "ServerThreads", "ChildEnd", "RequestSender",
					"RequesterPool", "LaneRequest", "LaneOffer", "ParentSettings", "Termination", "IpcMapperCustomizer",
					"IpcInstrumentation", "GuardedInstrumentation", "ServedTrace", "IpcRequester", "Ledger", "Exchange",
					"IpcProcessBuilder", "IpcProcess", "IpcZygote", "InProcessChild", "BlockReference",
					"BlockGenerator", "BlockParser"));

	private static final Set<String> MAY_USE_JNA = Set.of("LibC", "StructBytes");

	private static final String PACKAGE = "dev.tinyipc";

	private final JavaClasses classes = new ClassFileImporter()
		.withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
		.importPackages(PACKAGE);

	@Test
	void everyClassHasALayer() {
		assertThat(this.classes).hasSizeGreaterThan(20);
		assertThat(this.classes.stream().map(LayersTests::topLevelName).distinct())
			.filteredOn((name) -> !name.equals("package-info"))
			.allSatisfy((name) -> assertThat(layers()).containsKey(name));
	}

	@Test
	void eachLayerUsesOnlyItsOwnAndLowerOnes() {
		Map<String, Integer> layers = layers();
		List<String> upwards = new ArrayList<>();
		for (Dependency dependency : dependencies()) {
			int from = layers.getOrDefault(topLevelName(dependency.getOriginClass()), Integer.MAX_VALUE);
			if (layers.getOrDefault(topLevelName(dependency.getTargetClass()), -1) > from) {
				upwards.add(dependency.getDescription());
			}
		}
		assertThat(dependencies()).anyMatch((dependency) -> isIn(dependency.getTargetClass(), PACKAGE));
		assertThat(upwards).isEmpty();
	}

	@Test
	void jnaIsKnownInFewPlacesOnly() {
		assertThat(dependencies()).filteredOn((dependency) -> isIn(dependency.getTargetClass(), "com.sun.jna"))
			.isNotEmpty()
			// What a caller hands in.
			.filteredOn((dependency) -> !dependency.getTargetClass().getName().equals("com.sun.jna.Structure"))
			.allSatisfy((dependency) -> assertThat(MAY_USE_JNA).contains(topLevelName(dependency.getOriginClass())));
	}

	@Test
	void nativeMethodsAreDeclaredInOnePlaceOnly() {
		assertThat(this.classes.stream()
			.flatMap((type) -> type.getMethods().stream())
			.filter((method) -> method.getModifiers().contains(JavaModifier.NATIVE))
			.map((method) -> topLevelName(method.getOwner()))
			.distinct()).containsExactly("LibC");
	}

	@Test
	void springIsNotKnown() {
		assertThat(dependencies()).noneMatch((dependency) -> isIn(dependency.getTargetClass(), "org.springframework"));
	}

	private List<Dependency> dependencies() {
		return this.classes.stream().flatMap((type) -> type.getDirectDependenciesFromSelf().stream()).toList();
	}

	private static boolean isIn(JavaClass type, String packageName) {
		String name = type.getBaseComponentType().getPackageName();
		return name.equals(packageName) || name.startsWith(packageName + '.');
	}

	private static Map<String, Integer> layers() {
		Map<String, Integer> layers = new HashMap<>();
		for (int i = 0; i < LAYERS.size(); i++) {
			for (String name : LAYERS.get(i)) {
				layers.put(name, i);
			}
		}
		return layers;
	}

	/** Empty for a class of another package. */
	private static String topLevelName(JavaClass type) {
		JavaClass component = type.getBaseComponentType();
		return component.getPackageName().equals(PACKAGE)
				? component.getName().substring(PACKAGE.length() + 1).replaceFirst("\\$.*", "") : "";
	}

}

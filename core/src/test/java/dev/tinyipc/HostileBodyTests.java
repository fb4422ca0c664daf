package dev.tinyipc;

import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

import com.sun.management.ThreadMXBean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.dataformat.cbor.CBORMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Bodies that ask for much more than they are: refused before they get it. */
@Timeout(60)
class HostileBodyTests {

	private static final List<Class<?>> TYPES = List.of(Object.class, JsonNode.class, Map.class, String.class);

	record Amounts(BigDecimal amount, List<BigDecimal> more) {
	}

	static Stream<Arguments> chainsOfTags() {
		byte[] chain = new byte[1_000_000];
		Arrays.fill(chain, (byte) 0xc1);
		byte[] wide = new byte[900_000];
		for (int i = 0; i < wide.length; i += 9) {
			System.arraycopy(HexFormat.of().parseHex("db0000000000000001"), 0, wide, i, 9);
		}
		return Stream.of(Arguments.of("alone", join(chain, "00")), Arguments.of("without an item", chain),
				Arguments.of("in heads of 9 bytes", join(wide, "00")),
				Arguments.of("in an array", join("820181", chain, "00")),
				Arguments.of("in a map", join("a16161", chain, "00")),
				Arguments.of("around a key", join("a1", chain, "616100")),
				Arguments.of("around a long text", join(chain, "63616263")),
				Arguments.of("in an indefinite array", join("9f", chain, "00ff")),
				Arguments.of("behind an item", join("00", chain, "00")),
				Arguments.of("around an error item", join(chain, "da49505345a0")),
				Arguments.of("in an error item", join("da49505345a16161", chain, "00")),
				Arguments.of("inside an exponent", join("c482", chain, "0001")));
	}

	@ParameterizedTest(name = "{0}")
	@MethodSource("chainsOfTags")
	void chainOfTagsIsRefusedBeforeItCostsAnything(String where, byte[] body) throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			for (IpcChannel receiver : receivers(pair)) {
				for (Class<?> type : TYPES) {
					assertThat(allocationOfRefusal(pair, receiver, body, type)).isLessThan(100_000);
				}
			}
		}
	}

	@Test
	void fewTagsAreRead() throws Exception {
		assertThat(read("c1".repeat(8) + "05", Integer.class)).isEqualTo(5);
		assertRefused("c1".repeat(9) + "05", Integer.class, "more than 8 tags");
	}

	/** As that of a caller who is deep down himself. */
	@Test
	void nestingThatOverflowsAShortStackIsRefused() throws Exception {
		byte[] nested = new byte[400];
		Arrays.fill(nested, (byte) 0x81);
		nested[nested.length - 1] = 0;
		assertThat(new CborCheck().check(ByteBuffer.wrap(nested), 500, 1000))
			.isEqualTo(CborFinding.UNIQUE_KEYS_WITHOUT_INNER_TAGS);
		AtomicReference<Throwable> thrown = new AtomicReference<>();
		Thread caller = new Thread(null, () -> deepDown(nested, thrown), "caller");
		caller.start();
		caller.join();
		assertThat(thrown.get()).isInstanceOf(DatabindException.class).hasMessageContaining("the stack of this thread");
	}

	/** Tries from where the stack ends up to where there is room enough. */
	private static void deepDown(byte[] body, AtomicReference<Throwable> thrown) {
		try {
			deepDown(body, thrown);
		}
		catch (StackOverflowError ex) {
			return; // too deep to try it
		}
		try {
			new CborCheck().check(ByteBuffer.wrap(body), 500, 1000);
		}
		catch (DatabindException ex) {
			thrown.compareAndSet(null, ex);
		}
	}

	@Test
	void emptyMapsAreRefusedBeforeTheyAreMade() throws Exception {
		byte[] maps = new byte[16_000_000];
		Arrays.fill(maps, (byte) 0xa0);
		byte[] body = join("9a00f42400", maps);
		try (IpcSocketPair pair = Conversation.pair()) {
			for (IpcChannel receiver : receivers(pair)) {
				// A receiver in memory waits for some hundred parts.
				assertThat(allocationOfRefusal(pair, receiver, body, Object.class)).isLessThan(1_000_000);
			}
		}
	}

	@Test
	void limitOnItemsFollowsThatOnBytesUnlessItIsSet() throws Exception {
		byte[] body = join("9a00020000", new byte[0x20000]);
		try (IpcSocketPair pair = Conversation.pair()) {
			IpcChannel receiver = IpcChannel.over(pair.child());
			assertThat(send(pair, body, () -> receiver.receive(int[].class).payload())).hasSize(0x20000);
			assertThat(refusal(pair, receiver.withMaxMessageSize(0x20005), body, int[].class))
				.hasMessageContaining("more than 100000 data items");
			assertThat(send(pair, body,
					() -> receiver.withMaxItems(0x20001).withMaxMessageSize(0x20005).receive(int[].class).payload()))
				.hasSize(0x20000);
			assertThat(refusal(pair, receiver.withMaxItems(0x20000), body, int[].class))
				.hasMessageContaining("more than 131072 data items");
		}
	}

	@ParameterizedTest
	@MethodSource("textsThatAreNone")
	void textThatIsNotUtf8IsRefused(String hex) throws Exception {
		int size = hex.length() / 2;
		String text = HexFormat.of().toHexDigits((byte) (0x60 + size)) + hex;
		for (Class<?> type : TYPES) {
			assertRefused(text, type, "UTF-8");
		}
		assertRefused("a1" + text + "01", Object.class, "UTF-8");
		assertRefused("a16161" + text, Object.class, "UTF-8");
		assertRefused("7f" + text + "ff", Object.class, "UTF-8");
		assertRefused("78" + HexFormat.of().toHexDigits((byte) (100 + size)) + "61".repeat(100) + hex, Object.class,
				"UTF-8");
		assertRefused("78" + HexFormat.of().toHexDigits((byte) (100 + size)) + hex + "61".repeat(100), Object.class,
				"UTF-8");
	}

	static Stream<String> textsThatAreNone() {
		return Stream.of("c080", "c1bf", "e08080", "e09fbf", "f0808080", "f08fbfbf", "eda080", "edbfbf", "eda080edb080",
				"f4908080", "f5808080", "f7bfbfbf", "80", "bf", "c3", "c328", "e282", "f09f98", "f8", "fe", "ff",
				"f0ff8080", "f09fff80", "f09f98ff");
	}

	@Test
	void textOfEveryCharacterIsRead() throws Exception {
		StringBuilder all = new StringBuilder();
		for (int c = 0; c <= 0x10ffff; c += (c < 0x3000) ? 1 : 97) {
			if (c < 0xd800 || c > 0xdfff) {
				all.appendCodePoint(c);
			}
		}
		all.appendCodePoint(0xd7ff).appendCodePoint(0xe000).appendCodePoint(0xffff).appendCodePoint(0x10ffff);
		try (IpcSocketPair pair = Conversation.pair()) {
			Future<?> sent = FrameSizeTests.inBackground(() -> IpcChannel.over(pair.parent()).send(all.toString()));
			assertThat(IpcChannel.over(pair.child()).receive(String.class).payload().contentEquals(all)).isTrue();
			sent.get();
		}
	}

	@Test
	void keyThatIsANumberIsRightOrRefused() throws Exception {
		assertThat(read("a1" + "1b7fffffffffffffff" + "01", Object.class)).isEqualTo(Map.of("9223372036854775807", 1));
		assertThat(read("a1" + "3b7fffffffffffffff" + "01", Object.class)).isEqualTo(Map.of("-9223372036854775808", 1));
		assertThat(read("a1" + "1affffffff" + "01", Object.class)).isEqualTo(Map.of("4294967295", 1));
		assertThat(read("a1" + "3affffffff" + "01", Object.class)).isEqualTo(Map.of("-4294967296", 1));
		for (String key : List.of("1bffffffffffffffff", "1b8000000000000000", "3b8000000000000000",
				"3bffffffffffffffff")) {
			assertRefused("a1" + key + "01", Object.class, "as a key");
			assertRefused("bf" + key + "01ff", JsonNode.class, "as a key");
			assertRefused("a1" + "c1" + key + "01", Map.class, "as a key");
		}
		assertThat(read("a101" + "1bffffffffffffffff", Object.class))
			.isEqualTo(Map.of("1", new BigInteger("18446744073709551615")));
	}

	@Test
	void exponentThatNoNumberHasIsRefused() throws Exception {
		assertThat(read("c4821903e701", BigDecimal.class)).isEqualTo(new BigDecimal("1e999"));
		assertThat(read("c4823903e701", BigDecimal.class)).isEqualTo(new BigDecimal("1e-1000"));
		for (String exponent : List.of("1a77359400", "1903e9", "3a77359400", "3903e8", "1b7fffffffffffffff",
				"3bffffffffffffffff", "c24477359400", "fa4eee6b28")) {
			for (String number : List.of("c482" + exponent + "01", "c582" + exponent + "01", "c1c482" + exponent + "01",
					"c482c1" + exponent + "01", "d9000482" + exponent + "01")) {
				assertRefused(number, BigDecimal.class, "exponent");
				assertRefused("81" + number, JsonNode.class, "exponent");
				assertRefused("a166616d6f756e74" + number, Amounts.class, "exponent");
			}
		}
	}

	/** Which Jackson's parser would read as a negative one. */
	@Test
	void bignumThatWouldBeReadAsAnotherIsRefused() throws Exception {
		assertThat(read("c24900ffffffffffffffff", BigInteger.class)).isEqualTo(new BigInteger("18446744073709551615"));
		assertThat(read("c349ffffffffffffffffff", BigInteger.class)).isEqualTo(BigInteger.TWO.pow(72).negate());
		assertRefused("c249ffffffffffffffffff", BigInteger.class, "bignum");
	}

	@ParameterizedTest
	@MethodSource("bodiesThatAreMalformed")
	void bodyThatIsMalformedIsRefused(String hex) throws Exception {
		assertRefused(hex, Object.class, "");
	}

	static Stream<String> bodiesThatAreMalformed() {
		return Stream.of("ff", "18", "1c", "1f", "3f", "df00", "fc", "fe", "f8", "f800", "f81f", "9f01", "bf01",
				"bf0102", "bf01ff", "5f6161ff", "7f4161ff", "7f7f6161ffff", "82", "8201", "a1", "a101", "0000", "c1",
				"da495053", "9bffffffffffffffff", "bbffffffffffffffff", "bb7fffffffffffffff", "5bffffffffffffffff",
				"81ff", "a1ff01");
	}

	private static <T> T read(String hex, Class<T> type) throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			RawSender.sendFrame(pair.parent(), HexFormat.of().parseHex(hex));
			return IpcChannel.over(pair.child()).receive(type).payload();
		}
	}

	private static void assertRefused(String hex, Class<?> type, String why) throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			for (IpcChannel receiver : receivers(pair)) {
				assertThat(refusal(pair, receiver, HexFormat.of().parseHex(hex), type)).hasMessageContaining(why);
			}
		}
	}

	private static List<IpcChannel> receivers(IpcSocketPair pair) {
		return List.of(IpcChannel.over(pair.child()),
				IpcChannel.over(pair.child(), CBORMapper.builder().findAndAddModules().build()));
	}

	private static JacksonException refusal(IpcSocketPair pair, IpcChannel receiver, byte[] body, Class<?> type)
			throws Exception {
		return send(pair, body, () -> {
			try {
				throw new AssertionError("read: " + receiver.receive(type).payload());
			}
			catch (JacksonException ex) {
				return ex;
			}
		});
	}

	/** The bytes of heap that it takes to refuse a body. */
	private static long allocationOfRefusal(IpcSocketPair pair, IpcChannel receiver, byte[] body, Class<?> type)
			throws Exception {
		ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
		refusal(pair, receiver, new byte[] { 0x1c }, type); // loads what is needed
		long before = threads.getCurrentThreadAllocatedBytes();
		refusal(pair, receiver, body, type);
		return threads.getCurrentThreadAllocatedBytes() - before;
	}

	@FunctionalInterface
	private interface Receive<T> {

		T receive() throws Exception;

	}

	private static <T> T send(IpcSocketPair pair, byte[] body, Receive<T> receive) throws Exception {
		Future<?> sent = FrameSizeTests.inBackground(() -> {
			RawSender.sendFrame(pair.parent(), body);
			return null;
		});
		T result = receive.receive();
		sent.get();
		return result;
	}

	private static byte[] join(Object... parts) {
		ByteArrayOutputStream joined = new ByteArrayOutputStream();
		for (Object part : parts) {
			joined.writeBytes((part instanceof byte[] bytes) ? bytes : HexFormat.of().parseHex((String) part));
		}
		return joined.toByteArray();
	}

}

package dev.tinyipc.interop;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * What a child can do. Each says how it is seen, and what is seen where a language
 * cannot.
 */
enum Capability {

	ECHO {
		@Override
		String check(Language language) throws Exception {
			try (Child child = new Child(language.command())) {
				for (Object payload : List.of("Größe", 42, -1L, 1.5, true, List.of(1, "a", List.of()),
						Map.of("key", Map.of("inner", 7)))) {
					assertThat(child.echo(payload).toString()).isEqualTo(JSON.writeValueAsString(payload));
				}
			}
			return OK;
		}
	},

	SUM {
		@Override
		String check(Language language) throws Exception {
			try (Child child = new Child(language.command())) {
				assertThat(child.ask(Map.of("do", "sum", "numbers", List.of(1, 2, 39))).longValue()).isEqualTo(42);
				assertThat(child.ask(Map.of("do", "sum", "numbers", List.of())).longValue()).isZero();
				assertThat(child.ask(Map.of("do", "sum", "numbers", List.of(-5_000_000_000L, 7))).longValue())
					.isEqualTo(-4_999_999_993L);
			}
			return OK;
		}
	},

	LENGTH {
		@Override
		String check(Language language) throws Exception {
			Path content = Files.write(Programs.TARGET.resolve(language + "-length"), new byte[12_345]);
			try (Child child = new Child(language.command()); OwnedFd file = OwnedFd.open(content)) {
				Map<String, String> request = Map.of("do", "length");
				if (!language.passesDescriptors()) {
					child.error(request, file);
					assertThat(child.echo("next").stringValue()).isEqualTo("next");
					return OK + ", as an error item";
				}
				assertThat(child.ask(request, file).longValue()).isEqualTo(12_345);
				child.error(request); // without a descriptor
				assertThat(child.ask(request, file).longValue()).isEqualTo(12_345);
				return OK;
			}
		}
	},

	MEMORY {
		@Override
		String check(Language language) throws Exception {
			try (Child child = new Child(language.command())) {
				Map<String, String> request = Map.of("do", "memory", "text", "in der Größe");
				if (!language.passesDescriptors()) {
					child.error(request);
					assertThat(child.echo("next").stringValue()).isEqualTo("next");
					return OK + ", as an error item";
				}
				try (IpcMessage<JsonNode> reply = child.exchange(request)) {
					assertThat(reply.payload().intValue()).isEqualTo(14);
					assertThat(reply.descriptors()).hasSize(1);
					assertThat(reply.descriptors().get(0).inputStream().readAllBytes())
						.isEqualTo("in der Größe".getBytes(StandardCharsets.UTF_8));
				}
				return OK;
			}
		}
	},

	ERROR_ITEM {
		@Override
		String check(Language language) throws Exception {
			try (Child child = new Child(language.command())) {
				IpcException.Remote error = child.error(Map.of("do", "fail", "message", "keine Größe"));
				assertThat(error.remoteMessage()).contains("keine Größe");
				assertThat(error.type()).isNotBlank();
				child.error(Map.of("do", "nothing known"));
				child.error(Map.of());
				child.error(List.of(1, 2));
				child.error("no request");
				assertThat(child.echo("next").stringValue()).isEqualTo("next");
			}
			return OK;
		}
	},

	LARGE {
		@Override
		String check(Language language) throws Exception {
			byte[] payload = new byte[5 * 1024 * 1024];
			new Random(5).nextBytes(payload);
			try (Child child = new Child(language.command())) {
				if (!language.continuesFrames()) {
					assertThatExceptionOfType(IpcException.class).isThrownBy(() -> {
						child.echo(payload);
					});
					assertThat(child.exit().exitValue()).isEqualTo(1);
					return OK + ", as an end with code 1";
				}
				for (int i = 0; i < 3; i++) {
					// AssertJ would print both.
					assertThat(Arrays.equals(child.echo(payload).binaryValue(), payload)).isTrue();
				}
				String text = "ö".repeat(1_000_000);
				assertThat(child.echo(text).stringValue().equals(text)).isTrue();
			}
			return OK;
		}
	},

	END {
		@Override
		String check(Language language) throws Exception {
			try (Child child = new Child(language.command())) {
				child.echo("before");
				child.socket().close();
				assertThat(child.exit().exitValue()).isZero();
			}
			try (Child child = new Child(language.command())) {
				child.echo("before");
				child.channel().send(Map.of("do", "echo", "payload", "the answer to which nobody waits for"));
				child.socket().close();
				assertThat(child.exit().signal()).isEmpty(); // the code is of no matter
																// then
			}
			return OK;
		}
	},

	VECTORS {
		@Override
		String check(Language language) throws Exception {
			return OK + ", " + Vectors.check(language);
		}
	},

	DESCRIPTORS {
		@Override
		String check(Language language) throws Exception {
			Path content = Files.write(Programs.TARGET.resolve(language + "-descriptors"), new byte[77]);
			try (Child child = new Child(language.command()); OwnedFd file = OwnedFd.open(content)) {
				Map<String, String> request = Map.of("do", "length");
				Map<String, String> unknown = Map.of("do", "nothing known");
				OwnedFd[] several = new OwnedFd[language.continuesFrames() ? 3 : 1]; // the
																						// crate
																						// takes
																						// one
				Arrays.fill(several, file);
				List<String> before = List.of();
				for (int i = 0; i < 10_000; i++) {
					if (i % 10 == 0) {
						child.error(unknown, several);
					}
					else if (language.passesDescriptors()) {
						assertThat(child.ask(request, file).longValue()).isEqualTo(77);
					}
					else {
						child.error(request, file);
					}
					if (i == 100) {
						before = child.descriptors(); // with what the language opens at
														// the first use
					}
				}
				assertThat(child.descriptors()).isEqualTo(before);
			}
			return OK;
		}
	},

	SPRING {
		@Override
		String check(Language language) throws Exception {
			SpringParent.check(language);
			return OK;
		}
	};

	private static final String OK = "ok";

	private static final JsonMapper JSON = JsonMapper.shared();

	/**
	 * Sees whether the language can.
	 * @return how it can
	 */
	abstract String check(Language language) throws Exception;

	@Override
	public String toString() {
		return name().toLowerCase(Locale.ROOT).replace('_', ' ');
	}

}

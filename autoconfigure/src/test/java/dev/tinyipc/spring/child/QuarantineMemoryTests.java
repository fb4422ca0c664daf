package dev.tinyipc.spring.child;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;

import dev.tinyipc.Deadline;
import dev.tinyipc.IpcException;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.spring.IpcPoisonRequestException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** What a quarantine remembers, for how long, and what it takes for the same request. */
@Timeout(60)
class QuarantineMemoryTests {

	private static final Duration HOUR = Duration.ofHours(1);

	private Instant now = Instant.parse("2030-01-01T00:00:00Z");

	private final Quarantine quarantine = new Quarantine("worker", HOUR, () -> this.now);

	private long pid = 1;

	@Test
	void aRequestMayBeSentOnceMoreWhenItsTimeIsOverAndIsRefusedAgainIfThatKillsAThirdProcess() throws Exception {
		Instant first = this.now;
		die("poison");
		die("poison");
		this.now = this.now.plus(HOUR).minusMillis(1);
		assertThatExceptionOfType(IpcPoisonRequestException.class).isThrownBy(() -> admit("poison"));
		assertThat(this.quarantine.size()).isEqualTo(1);
		this.now = this.now.plusMillis(1);
		assertThat(this.quarantine.size()).isZero();
		die("poison");
		assertThatExceptionOfType(IpcPoisonRequestException.class).isThrownBy(() -> admit("poison")).satisfies((ex) -> {
			assertThat(ex.deaths()).isEqualTo(3);
			assertThat(ex.since()).isEqualTo(first);
			assertThat(ex.until()).isEqualTo(this.now.plus(HOUR));
		});
	}

	@Test
	void oneDeathIsForgottenAfterAWhile() throws Exception {
		die("innocent");
		this.now = this.now.plus(HOUR);
		die("innocent");
		admit("innocent").leave();
	}

	@Test
	void noMoreThanAFixedNumberOfRequestsIsRemembered() throws Exception {
		die("first");
		die("first");
		for (int i = 0; i < Quarantine.MAX_REQUESTS - 1; i++) {
			admit("other " + i).died(this.pid);
		}
		assertThatExceptionOfType(IpcPoisonRequestException.class).isThrownBy(() -> admit("first"));
		for (int i = 0; i < Quarantine.MAX_REQUESTS; i++) {
			admit("another " + i).died(this.pid);
		}
		admit("first").leave();
	}

	@Test
	void suspectedRequestsRunOneAtATimeAndOthersBesideThem() throws Exception {
		die("one");
		die("other");
		Quarantine.Admission one = admit("one");
		admit("unsuspected").leave();
		assertThatExceptionOfType(IpcException.Timeout.class)
			.isThrownBy(() -> admit(null, "other", Deadline.in(Duration.ofMillis(50))));
		CompletableFuture<?> other = CompletableFuture.runAsync(() -> {
			try {
				admit("other").leave();
			}
			catch (IpcException ex) {
				throw new AssertionError(ex);
			}
		});
		one.leave();
		one.leave();
		assertThat(other).succeedsWithin(Duration.ofSeconds(30));
	}

	@Test
	void oneThatHasWaitedForItsTurnIsRefusedIfItsLikeHasKilledAnotherProcessMeanwhile() throws Exception {
		die("poison");
		Quarantine.Admission first = admit("poison");
		CompletableFuture<?> second = CompletableFuture.supplyAsync(() -> {
			try {
				return admit("poison");
			}
			catch (IpcException ex) {
				throw new AssertionError(ex);
			}
		});
		first.died(++this.pid);
		first.leave();
		assertThat(second).failsWithin(Duration.ofSeconds(30))
			.withThrowableThat()
			.withCauseInstanceOf(IpcPoisonRequestException.class);
		die("other");
		admit("other").leave();
	}

	@Test
	void anotherMethodOrAnotherFileMakesAnotherRequest(@TempDir Path folder) throws Exception {
		assertThat(digest("scale", "x")).isEqualTo(digest("scale", "x"))
			.isNotEqualTo(digest("turn", "x"))
			.isNotEqualTo(digest(null, "x"))
			.isNotEqualTo(digest("scal", "ex"));
		Path picture = Files.writeString(folder.resolve("picture"), "a picture");
		Path copy = Files.copy(picture, folder.resolve("copy"));
		try (OwnedFd one = OwnedFd.open(picture);
				OwnedFd again = OwnedFd.open(picture);
				OwnedFd other = OwnedFd.open(copy)) {
			ByteBuffer request = digest("scale", "x", one);
			assertThat(request).isEqualTo(digest("scale", "x", again))
				.isNotEqualTo(digest("scale", "x", other))
				.isNotEqualTo(digest("scale", "x", one, one))
				.isNotEqualTo(digest("scale", "x"));
			Files.writeString(picture, "another picture");
			assertThat(digest("scale", "x", again)).isNotEqualTo(request);
		}
	}

	private static ByteBuffer digest(@Nullable String method, String payload, OwnedFd... descriptors) {
		return RequestDigest.of(method, bytes(payload), List.of(), List.of(descriptors));
	}

	private static ByteBuffer bytes(String text) {
		return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
	}

	/** Lets a request in, of which another process dies. */
	private void die(String request) throws IpcException {
		Quarantine.Admission admission = admit(request);
		admission.died(++this.pid);
		admission.leave();
	}

	private Quarantine.Admission admit(String request) throws IpcException {
		return admit(null, request, Deadline.in(Duration.ofSeconds(30)));
	}

	private Quarantine.Admission admit(@Nullable String method, String request, Deadline deadline) throws IpcException {
		return this.quarantine.admit(method, bytes(request), List.of(), List.of(), deadline);
	}

}

package dev.tinyipc.spring.test;

import java.time.Duration;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

import org.jspecify.annotations.Nullable;

import org.springframework.util.Assert;

/**
 * Lets handlers of a test fail as processes do, see {@link AutoConfigureTestIpc}. Each
 * fault meets one request, the next one that the child gets, and further ones those that
 * follow. Faults that no request has met are cleared after each test.
 *
 * <pre class="code">
 * this.faults.die("thumbnailer");
 * assertThatExceptionOfType(IpcReplyLostException.class)
 *     .isThrownBy(() -&gt; this.thumbnails.make(picture, 256));
 * </pre>
 */
public final class IpcFaults {

	private final Map<String, Queue<Fault>> faults = new ConcurrentHashMap<>();

	IpcFaults() {
	}

	void children(Set<String> names) {
		names.forEach((name) -> this.faults.put(name, new ConcurrentLinkedQueue<>()));
	}

	/**
	 * The instance that gets the next request ends without an answer, with exit code 1,
	 * as a process that crashes. Another takes its place.
	 * @param child the child's name
	 */
	public void die(String child) {
		add(child, new Fault(Kind.DIE, Duration.ZERO));
	}

	/**
	 * The next request is never answered, and is not cancelled either. After its timeout,
	 * that costs a lane or the instance.
	 * @param child the child's name
	 */
	public void hang(String child) {
		add(child, new Fault(Kind.HANG, Duration.ZERO));
	}

	/**
	 * The next request is handled, and the answer held back.
	 * @param child the child's name
	 * @param delay for how long
	 */
	public void answerLate(String child, Duration delay) {
		add(child, new Fault(Kind.LATE, delay));
	}

	/**
	 * The next request is handled, and the answer replaced by one that is a little larger
	 * than the application accepts.
	 * @param child the child's name
	 */
	public void answerTooLarge(String child) {
		add(child, new Fault(Kind.TOO_LARGE, Duration.ZERO));
	}

	/**
	 * The next request is handled, and the answer replaced by one that is no CBOR.
	 * @param child the child's name
	 */
	public void answerMalformed(String child) {
		add(child, new Fault(Kind.MALFORMED, Duration.ZERO));
	}

	private void add(String child, Fault fault) {
		Queue<Fault> ofChild = this.faults.get(child);
		Assert.isTrue(ofChild != null, () -> "There is no TestIpcChild bean for '" + child + "'. There are those for: "
				+ String.join(", ", this.faults.keySet()));
		ofChild.add(fault);
	}

	/** Forgets all faults that no request has met yet. */
	public void clear() {
		this.faults.values().forEach(Queue::clear);
	}

	/** Takes the fault that the next request meets; null if there is none. */
	@Nullable Fault next(String child) {
		return this.faults.get(child).poll();
	}

	/** What a request can meet. */
	enum Kind {

		DIE, HANG, LATE, TOO_LARGE, MALFORMED

	}

	/**
	 * What a request will meet.
	 *
	 * @param delay before the answer, if that is late
	 */
	record Fault(Kind kind, Duration delay) {

	}

}

package dev.tinyipc;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;

/**
 * The result of a method that returns a future. Whoever completes it before the reply has
 * come, by {@link #cancel} or a timeout of its own, does not wait for it any more: the
 * call is cancelled.
 */
final class ContractFuture extends CompletableFuture<Object> {

	private volatile boolean mayInterrupt = true;

	/**
	 * Waits for a call.
	 * @param call brings the reply, which this future takes over
	 * @param reply makes the result of it
	 * @param translation of failures
	 */
	ContractFuture(CompletableFuture<IpcMessage<Object>> call, ContractReply reply,
			Function<Throwable, Throwable> translation) {
		whenComplete((result, failure) -> call.cancel(this.mayInterrupt));
		call.whenComplete((message, failure) -> {
			if (message != null) {
				deliver(message, reply, translation);
			}
			else {
				completeExceptionally(
						translation.apply((failure instanceof CompletionException wrapper && wrapper.getCause() != null)
								? wrapper.getCause() : failure));
			}
		});
	}

	private void deliver(IpcMessage<Object> message, ContractReply reply, Function<Throwable, Throwable> translation) {
		Object result;
		try {
			result = reply.received(message);
		}
		catch (IpcException | RuntimeException ex) {
			completeExceptionally(translation.apply(ex));
			return;
		}
		if (!complete(result)) {
			ContractReply.discard(result);
		}
	}

	@Override
	public boolean cancel(boolean mayInterruptIfRunning) {
		this.mayInterrupt = mayInterruptIfRunning;
		return super.cancel(mayInterruptIfRunning);
	}

}

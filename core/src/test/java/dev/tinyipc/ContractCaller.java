package dev.tinyipc;

import java.lang.reflect.Type;
import java.time.Duration;
import java.util.Iterator;
import java.util.Spliterators;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

import org.jspecify.annotations.Nullable;

/** Sends the requests of a contract over the one socket of a conversation. */
final class ContractCaller implements IpcContract.Caller {

	private final Conversation conversation;

	/** Waits for the reply to the last request. */
	private @Nullable Thread waiting;

	ContractCaller(Conversation conversation) {
		this.conversation = conversation;
	}

	@Override
	public <R> IpcMessage<R> call(String method, Object payload, Type type, @Nullable Duration timeout,
			OwnedFd... descriptors) throws IpcException {
		return ask(method, payload, timeout, descriptors).reply(type);
	}

	/** Whoever cancels the reply tells the peer, which then ends it. */
	@Override
	public <R> CompletableFuture<IpcMessage<R>> callAsync(String method, Object payload, Type type,
			@Nullable Duration timeout, OwnedFd... descriptors) throws IpcException {
		Exchange exchange = ask(method, payload, timeout, descriptors);
		CompletableFuture<IpcMessage<R>> reply = new CompletableFuture<>();
		Thread thread = new Thread(() -> {
			try {
				reply.complete(exchange.reply(type));
			}
			catch (IpcException ex) {
				reply.completeExceptionally(ex);
			}
		}, "contract-caller");
		this.waiting = thread;
		thread.start();
		reply.whenComplete((message, failure) -> exchange.cancel());
		return reply;
	}

	@Override
	public <R> Stream<IpcMessage<R>> stream(String method, Object payload, Type type, @Nullable Duration timeout,
			OwnedFd... descriptors) throws IpcException {
		Exchange exchange = ask(method, payload, timeout, descriptors);
		Iterator<IpcMessage<R>> elements = new Iterator<>() {

			private @Nullable IpcMessage<R> next;

			@Override
			public boolean hasNext() {
				try {
					this.next = (this.next != null) ? this.next : exchange.next(type, Conversation.inTime());
					return this.next != null;
				}
				catch (IpcException ex) {
					throw new IllegalStateException(ex);
				}
			}

			@Override
			public IpcMessage<R> next() {
				IpcMessage<R> element = this.next;
				this.next = null;
				return element;
			}

		};
		return StreamSupport.stream(Spliterators.spliteratorUnknownSize(elements, 0), false).onClose(exchange::cancel);
	}

	private Exchange ask(String method, Object payload, @Nullable Duration timeout, OwnedFd... descriptors)
			throws IpcException {
		awaitLast();
		Deadline deadline = (timeout != null) ? Deadline.in(timeout).interruptible() : Conversation.inTime();
		Exchange exchange = this.conversation.requester().begin(deadline);
		exchange.method(method);
		exchange.request(payload, descriptors);
		return exchange;
	}

	/** There is one socket, for one exchange at a time. */
	private void awaitLast() {
		try {
			if (this.waiting != null) {
				this.waiting.join();
			}
		}
		catch (InterruptedException ex) {
			throw new IllegalStateException(ex);
		}
	}

	@Override
	public String toString() {
		return "the peer";
	}

}

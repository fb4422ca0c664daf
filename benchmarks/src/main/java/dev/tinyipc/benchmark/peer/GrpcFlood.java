package dev.tinyipc.benchmark.peer;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

import dev.tinyipc.benchmark.peer.proto.Bytes;
import dev.tinyipc.benchmark.peer.proto.Count;
import dev.tinyipc.benchmark.peer.proto.WorkerGrpc;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import org.jspecify.annotations.Nullable;

/** A stream of messages to the child, which ends with how many came. */
final class GrpcFlood implements Flood {

	private final WorkerGrpc.WorkerStub stub;

	private final Bytes message;

	private @Nullable Stream stream;

	GrpcFlood(WorkerGrpc.WorkerStub stub, Bytes message) {
		this.stub = stub;
		this.message = message;
	}

	@Override
	public void send() throws InterruptedException {
		stream().send(this.message);
	}

	@Override
	public long sendLast() throws Exception {
		Stream ended = stream();
		this.stream = null;
		ended.send(this.message);
		return ended.end();
	}

	private Stream stream() {
		Stream current = this.stream;
		if (current == null) {
			current = new Stream();
			this.stub.countBytes(current);
			this.stream = current;
		}
		return current;
	}

	/** Waits while more was sent than the transport wants to hold. */
	private static final class Stream implements ClientResponseObserver<Bytes, Count> {

		private final CompletableFuture<Long> count = new CompletableFuture<>();

		private final Semaphore ready = new Semaphore(0);

		private @Nullable ClientCallStreamObserver<Bytes> requests;

		@Override
		public void beforeStart(ClientCallStreamObserver<Bytes> requests) {
			this.requests = requests;
			requests.setOnReadyHandler(this.ready::release);
		}

		void send(Bytes message) throws InterruptedException {
			while (!requests().isReady() && !this.count.isDone()) {
				this.ready.tryAcquire(1, TimeUnit.SECONDS);
			}
			requests().onNext(message);
		}

		long end() throws Exception {
			requests().onCompleted();
			return this.count.get(1, TimeUnit.MINUTES);
		}

		private ClientCallStreamObserver<Bytes> requests() {
			if (this.requests == null) {
				throw new IllegalStateException("not started");
			}
			return this.requests;
		}

		@Override
		public void onNext(Count value) {
			this.count.complete(value.getCount());
		}

		@Override
		public void onError(Throwable error) {
			this.count.completeExceptionally(error);
		}

		@Override
		public void onCompleted() {
			// The count has come before.
		}

	}

}

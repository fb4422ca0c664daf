package dev.tinyipc.spring;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;

import org.springframework.core.ParameterizedTypeReference;

/** Only arranges what the operations can do. */
record DefaultIpcClient(CborMessageOperations operations) implements IpcClient {

	@Override
	public OperationSpec destination(String name) {
		return new DefaultOperationSpec(this.operations, name, new OwnedFd[0]);
	}

	/**
	 * A handle.
	 *
	 * @param operations with all that was set
	 * @param destination the peer's name
	 * @param descriptors to be sent
	 */
	private record DefaultOperationSpec(CborMessageOperations operations, String destination,
			OwnedFd[] descriptors) implements OperationSpec {

		private OperationSpec with(CborMessageOperations operations) {
			return new DefaultOperationSpec(operations, this.destination, this.descriptors);
		}

		@Override
		public OperationSpec timeout(Duration timeout) {
			return with(this.operations.timeout(timeout));
		}

		@Override
		public OperationSpec totalTimeout(Duration total) {
			return with(this.operations.totalTimeout(total));
		}

		@Override
		public OperationSpec descriptors(OwnedFd... descriptors) {
			return new DefaultOperationSpec(this.operations, this.destination, descriptors.clone());
		}

		@Override
		public OperationSpec idempotent() {
			return with(this.operations.idempotent());
		}

		@Override
		public OperationSpec method(String name) {
			return with(this.operations.method(name));
		}

		@Override
		public OperationSpec header(String name, String value) {
			return with(this.operations.header(name, value));
		}

		@Override
		public void send(Object payload) {
			this.operations.convertAndSend(this.destination, payload, this.descriptors);
		}

		@Override
		public <R> R call(Object request, ParameterizedTypeReference<R> type) {
			return this.operations.convertSendAndReceive(this.destination, request, type, this.descriptors);
		}

		@Override
		public <R> CompletableFuture<R> callAsync(Object request, ParameterizedTypeReference<R> type) {
			return this.operations.convertSendAndReceiveAsync(this.destination, request, type, this.descriptors);
		}

		@Override
		public <T> Stream<T> stream(Object request, ParameterizedTypeReference<T> type) {
			return this.operations.convertSendAndStream(this.destination, request, type, this.descriptors);
		}

		@Override
		public MessageSpec messages() {
			return new DefaultMessageSpec(this.operations, this.destination, this.descriptors);
		}

	}

	/** The calls that return whole messages. */
	private record DefaultMessageSpec(CborMessageOperations operations, String destination,
			OwnedFd[] descriptors) implements MessageSpec {

		@Override
		public <R> IpcMessage<R> call(Object request, ParameterizedTypeReference<R> type) {
			return this.operations.sendAndReceive(this.destination, request, type, this.descriptors);
		}

		@Override
		public <R> CompletableFuture<IpcMessage<R>> callAsync(Object request, ParameterizedTypeReference<R> type) {
			return this.operations.sendAndReceiveAsync(this.destination, request, type, this.descriptors);
		}

		@Override
		public <T> Stream<IpcMessage<T>> stream(Object request, ParameterizedTypeReference<T> type) {
			return this.operations.sendAndStream(this.destination, request, type, this.descriptors);
		}

	}

	/** Collects what all messages have in common. */
	static final class DefaultBuilder implements Builder {

		private CborMessageOperations operations;

		DefaultBuilder(CborMessageOperations operations) {
			this.operations = operations;
		}

		@Override
		public Builder defaultTimeout(Duration timeout) {
			this.operations = this.operations.timeout(timeout);
			return this;
		}

		@Override
		public Builder defaultHeader(String name, String value) {
			this.operations = this.operations.header(name, value);
			return this;
		}

		@Override
		public IpcClient build() {
			return new DefaultIpcClient(this.operations);
		}

	}

}

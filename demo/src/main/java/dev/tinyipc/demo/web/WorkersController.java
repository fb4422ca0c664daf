package dev.tinyipc.demo.web;

import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import dev.tinyipc.ExitStatus;
import dev.tinyipc.spring.child.ChildState;
import dev.tinyipc.spring.child.IpcChild;
import org.jspecify.annotations.Nullable;

import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

/** Lists the workers, and crashes them on demand. */
@RestController
class WorkersController {

	private final List<IpcChild> children;

	WorkersController(List<IpcChild> children) {
		this.children = children;
	}

	@GetMapping(path = "/workers", produces = MediaType.APPLICATION_JSON_VALUE)
	List<Worker> workers() {
		return this.children.stream().flatMap(Worker::of).toList();
	}

	/** Kills the worker with the fewest restarts, so that they take turns. */
	@PostMapping(path = "/workers/crash", produces = MediaType.APPLICATION_JSON_VALUE)
	@ResponseStatus(HttpStatus.ACCEPTED)
	Worker crash() {
		return workers().stream()
			.sorted(Comparator.comparing(Worker::restarts))
			.filter(WorkersController::kill)
			.findFirst()
			.orElseThrow(() -> new ResponseStatusException(HttpStatus.CONFLICT, "No worker is running."));
	}

	/** Sends signal 9, as the kernel does when it runs out of memory. */
	private static boolean kill(Worker worker) {
		// By now, another process may have the number.
		return ProcessHandle.current()
			.children()
			.anyMatch((process) -> Long.valueOf(process.pid()).equals(worker.pid()) && process.destroyForcibly());
	}

	/**
	 * A worker.
	 *
	 * @param name the destination
	 * @param instance its index among the workers of that name, from 0
	 * @param state what it is doing
	 * @param pid its process ID; null unless it runs
	 * @param uptimeSeconds how long it has been running; null unless it runs
	 * @param restarts how often it was restarted
	 * @param lastExit how the previous process ended; null if there was none
	 */
	record Worker(String name, int instance, ChildState state, @Nullable Long pid, @Nullable Long uptimeSeconds,
			long restarts, @Nullable String lastExit) {

		private static Stream<Worker> of(IpcChild child) {
			List<IpcChild.Instance> instances = child.instances();
			return IntStream.range(0, instances.size())
				.mapToObj((index) -> of(child.name(), index, instances.get(index)));
		}

		private static Worker of(String name, int index, IpcChild.Instance instance) {
			return new Worker(name, index, instance.state(), instance.pid().orElse(null),
					instance.uptime().map(Duration::toSeconds).orElse(null), instance.restarts(),
					instance.lastExit().map(ExitStatus::toString).orElse(null));
		}

	}

}

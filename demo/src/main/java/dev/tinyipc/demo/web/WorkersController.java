package dev.tinyipc.demo.web;

import java.util.List;

import dev.tinyipc.spring.IpcChild;
import org.jspecify.annotations.Nullable;

import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Tells which workers there are. */
@RestController
class WorkersController {

	private final List<IpcChild> children;

	WorkersController(List<IpcChild> children) {
		this.children = children;
	}

	@GetMapping(path = "/workers", produces = MediaType.APPLICATION_JSON_VALUE)
	List<Worker> workers() {
		return this.children.stream().map(Worker::of).toList();
	}

	/**
	 * A worker.
	 *
	 * @param name the destination of its messages
	 * @param pid its process id; null while it does not run
	 */
	record Worker(String name, @Nullable Long pid) {

		private static Worker of(IpcChild child) {
			return new Worker(child.name(), child.pid().isPresent() ? child.pid().getAsLong() : null);
		}

	}

}

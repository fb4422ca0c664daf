package dev.tinyipc.benchmark.peer;

import java.io.IOException;
import java.util.List;
import java.util.Map;

import dev.tinyipc.benchmark.Order;

import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.artemis.autoconfigure.ArtemisAutoConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Import;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

/** The child of {@link HttpContender}. */
final class HttpChild {

	private HttpChild() {
	}

	/**
	 * Serves until its input ends.
	 * @param arguments the kind, which does not matter
	 * @throws IOException if it failed
	 */
	public static void main(String[] arguments) throws IOException {
		try (ConfigurableApplicationContext context = new SpringApplicationBuilder(Application.class)
			.web(WebApplicationType.SERVLET)
			.properties(Map.of("server.address", "127.0.0.1", "server.port", "0", "spring.main.banner-mode", "off",
					"logging.level.root", "warn"))
			.run()) {
			ChildJvm.tellReady(context.getEnvironment().getRequiredProperty("local.server.port"));
		}
	}

	/** The application, without the broker that lies on its class path as well. */
	@SpringBootConfiguration(proxyBeanMethods = false)
	@EnableAutoConfiguration(exclude = ArtemisAutoConfiguration.class)
	@Import(Echo.class)
	static class Application {

	}

	/** What it serves. */
	@RestController
	static class Echo {

		@PostMapping("/bytes")
		byte[] bytes(@RequestBody byte[] bytes) {
			return bytes;
		}

		@PostMapping("/order")
		Order order(@RequestBody Order order) {
			return order;
		}

		@PostMapping("/orders")
		List<Order> orders(@RequestBody List<Order> orders) {
			return orders;
		}

	}

}

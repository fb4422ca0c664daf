package dev.tinyipc.spring.listener;

import java.util.List;
import java.util.function.Consumer;

import dev.tinyipc.IpcServerBuilder;

/**
 * What one annotation has a bean serve.
 *
 * @param destination whose requests, as it is spelled
 * @param methods their names in requests, of which the empty one stands for none
 * @param concurrency how many at a time; 0 if it does not say
 * @param description names the bean and the method in messages
 * @param handlers adds the handlers to a server
 */
record ListenerEndpoint(String destination, List<String> methods, int concurrency, String description,
		Consumer<IpcServerBuilder> handlers) {

}

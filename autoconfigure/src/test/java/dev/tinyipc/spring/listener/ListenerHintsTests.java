package dev.tinyipc.spring.listener;

import org.junit.jupiter.api.Test;

import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.annotation.ReflectiveRuntimeHintsRegistrar;
import org.springframework.aot.hint.predicate.RuntimeHintsPredicates;

import static org.assertj.core.api.Assertions.assertThat;

/** What a native image is told about listeners. */
class ListenerHintsTests {

	@Test
	void methodsCanBeCalledAndTheirPayloadsBeRead() {
		RuntimeHints hints = new RuntimeHints();
		new ReflectiveRuntimeHintsRegistrar().registerRuntimeHints(hints, ShopApplication.Shop.class);
		assertThat(RuntimeHintsPredicates.reflection().onMethodInvocation(ShopApplication.Shop.class, "place"))
			.accepts(hints);
		assertThat(RuntimeHintsPredicates.reflection().onMethodInvocation(ShopApplication.Shop.class, "unsupported"))
			.accepts(hints);
		assertThat(RuntimeHintsPredicates.reflection().onType(ShopApplication.Order.class)).accepts(hints);
	}

}

package dev.tinyipc.spring.autoconfigure;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.builder.SpringApplicationBuilder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

class BootVersionCheckTests {

	@ParameterizedTest
	@ValueSource(strings = { "2.7.18", "3.5.7", "4.0.12", "4.0.0-M1", "4.0" })
	void anOlderBootIsRefusedByItsName(String version) {
		assertThatIllegalStateException().isThrownBy(() -> BootVersionCheck.check(version))
			.withMessageContaining("Spring Boot 4.1 or newer")
			.withMessageContaining(version);
	}

	@ParameterizedTest
	@NullSource
	@ValueSource(strings = { "4.1.0", "4.1.0-RC1", "4.2", "4.10.3", "5.0.0-SNAPSHOT", "next" })
	void aNewerBootIsNot(String version) {
		BootVersionCheck.check(version);
	}

	@Test
	void everyApplicationIsChecked() {
		SpringApplication application = new SpringApplicationBuilder().web(WebApplicationType.NONE).build();
		assertThat(application.getInitializers()).hasAtLeastOneElementOfType(BootVersionCheck.class);
	}

}

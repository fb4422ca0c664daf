package dev.tinyipc.spring.readme;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildProcess;

import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

@SpringBootApplication
@ChildProcess(name = "echo", command = { "python3", "echo.py" })
public class EchoApplication {

	record Greeting(String text, int times) {
	}

	public static void main(String[] arguments) {
		SpringApplication.run(EchoApplication.class, arguments);
	}

	@Bean
	CommandLineRunner greet(CborMessageTemplate template) {
		return (arguments) -> System.out
			.println(template.convertSendAndReceive(new Greeting("Hello", 2), Greeting.class));
	}

}

package dev.tinyipc.spring.readme;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

import dev.tinyipc.OwnedFd;
import dev.tinyipc.spring.CborMessageOperations;
import dev.tinyipc.spring.ChildProcess;
import dev.tinyipc.spring.ImportIpcServices;
import dev.tinyipc.spring.IpcServiceProxyFactory;

import org.springframework.context.annotation.Configuration;
import org.springframework.stereotype.Component;

/** The README's application with a typed client. */
@Configuration(proxyBeanMethods = false)
@ChildProcess(name = "pictures", main = PictureWorker.class, ready = true, concurrency = 8)
@ImportIpcServices(destination = "pictures", types = Pictures.class)
class PictureApplication {

	static Pictures client(CborMessageOperations template) {
		Pictures pictures = IpcServiceProxyFactory.builder(template)
			.destination("pictures")
			.build()
			.createClient(Pictures.class);
		return pictures;
	}

	@Component
	static class Album {

		private final Pictures pictures;

		Album(Pictures pictures) {
			this.pictures = pictures;
		}

		void writeSmall(Path picture, OutputStream target) throws IOException {
			try (OwnedFd small = this.pictures.scaled(picture, 256, "png", Duration.ofSeconds(5))) {
				small.inputStream().transferTo(target);
			}
		}

		List<String> tags(Path picture) {
			try (Stream<String> tags = this.pictures.tags(picture)) {
				return tags.sorted().toList();
			}
		}

	}

}

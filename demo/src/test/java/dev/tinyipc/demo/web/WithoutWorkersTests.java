package dev.tinyipc.demo.web;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.List;

import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.SharedMemory;
import dev.tinyipc.demo.worker.Dimensions;
import dev.tinyipc.demo.worker.ThumbnailReply;
import dev.tinyipc.demo.worker.Thumbnails;
import dev.tinyipc.spring.test.AutoConfigureTestIpc;
import dev.tinyipc.spring.test.IpcFaults;
import dev.tinyipc.spring.test.TestIpcChild;
import org.junit.jupiter.api.Test;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.boot.webmvc.test.autoconfigure.WebMvcTest;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.servlet.autoconfigure.MultipartAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.test.web.servlet.assertj.MockMvcTester;
import org.springframework.test.web.servlet.assertj.MvcTestResult;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The controller and the contract, with a handler in this JVM in place of the workers:
 * pictures and thumbnails are real files that go over a real socket.
 */
@WebMvcTest(controllers = ThumbnailController.class,
		properties = { "ipc.children.thumbnailer.exchange-timeout=500ms",
				"ipc.children.thumbnailer.cancel-timeout=100ms", "ipc.children.thumbnailer.restart.initial-delay=1ms",
				"ipc.children.thumbnailer.restart.max-delay=10ms" })
@AutoConfigureTestIpc
@ImportAutoConfiguration(MultipartAutoConfiguration.class)
@Import(Uploads.class)
class WithoutWorkersTests {

	@Autowired
	private MockMvcTester mvc;

	@Autowired
	private IpcFaults faults;

	@Test
	void aThumbnailIsWhatTheWorkerMakes() {
		assertThat(upload("a picture")).hasStatusOk()
			.hasContentType(MediaType.IMAGE_PNG)
			.hasHeader("X-Original-Width", "4")
			.bodyText()
			.isEqualTo("a picture, in 256 pixels");
	}

	@Test
	void aPictureThatKillsItsWorkerIsUnprocessableAndTheNextOneIsMade() {
		this.faults.die("thumbnailer");
		assertThat(upload("a bomb")).hasStatus(HttpStatus.UNPROCESSABLE_CONTENT);
		assertThat(upload("a picture")).hasStatusOk();
	}

	@Test
	void aWorkerThatDoesNotAnswerIsNotAvailable() {
		this.faults.hang("thumbnailer");
		assertThat(upload("a picture")).hasStatus(HttpStatus.SERVICE_UNAVAILABLE);
	}

	@Test
	void aWorkerThatAnswersLateIsNotAvailable() {
		this.faults.answerLate("thumbnailer", Duration.ofSeconds(1));
		assertThat(upload("a picture")).hasStatus(HttpStatus.SERVICE_UNAVAILABLE);
	}

	@Test
	void aWorkerThatAnswersNonsenseIsNotAvailable() {
		this.faults.answerMalformed("thumbnailer");
		assertThat(upload("a picture")).hasStatus(HttpStatus.SERVICE_UNAVAILABLE);
	}

	private MvcTestResult upload(String picture) {
		return this.mvc.post().uri("/thumbnails").multipart().file("file", picture.getBytes()).exchange();
	}

	@TestConfiguration
	static class Workers {

		@Bean
		TestIpcChild thumbnailer() {
			return TestIpcChild.of("thumbnailer", Thumbnails.class, Workers::make);
		}

		private static IpcMessage<ThumbnailReply> make(OwnedFd picture, int size) throws IOException {
			SharedMemory png = SharedMemory.create("thumbnail");
			try (InputStream source = picture.inputStream(); OutputStream target = png.outputStream()) {
				source.transferTo(target);
				target.write((", in " + size + " pixels").getBytes());
			}
			png.seal();
			return IpcMessage.of(new ThumbnailReply(new Dimensions(4, 3), new Dimensions(4, 3), null, List.of()),
					png.descriptor());
		}

	}

}

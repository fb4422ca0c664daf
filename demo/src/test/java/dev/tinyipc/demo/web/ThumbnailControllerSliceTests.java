package dev.tinyipc.demo.web;

import dev.tinyipc.demo.worker.Thumbnails;
import dev.tinyipc.spring.IpcBusyException;
import dev.tinyipc.spring.IpcReplyLostException;
import dev.tinyipc.spring.child.IpcChild;
import org.junit.jupiter.api.Test;
import org.mockito.ArgumentMatchers;
import org.mockito.Mockito;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.servlet.autoconfigure.MultipartAutoConfiguration;
import org.springframework.boot.webmvc.test.autoconfigure.WebMvcTest;
import org.springframework.context.ApplicationContext;
import org.springframework.http.HttpStatus;
import org.springframework.test.context.bean.override.mockito.MockitoBean;
import org.springframework.test.web.servlet.assertj.MockMvcTester;

import static org.assertj.core.api.Assertions.assertThat;

/** The controller alone: no worker is started for it. */
@WebMvcTest(ThumbnailController.class)
@ImportAutoConfiguration(MultipartAutoConfiguration.class)
class ThumbnailControllerSliceTests {

	@MockitoBean
	private Thumbnails thumbnails;

	@MockitoBean
	private Uploads uploads;

	@Autowired
	private MockMvcTester mvc;

	@Autowired
	private ApplicationContext context;

	@Test
	void aMockAnswersInPlaceOfAWorker() throws Exception {
		Mockito.when(this.thumbnails.make(ArgumentMatchers.any(), ArgumentMatchers.anyInt()))
			.thenThrow(new IpcReplyLostException("thumbnailer", "mocked", null, null));
		assertThat(this.mvc.post().uri("/thumbnails").multipart().file("file", new byte[1]))
			.hasStatus(HttpStatus.UNPROCESSABLE_CONTENT);
	}

	@Test
	void whenAllWorkersAreBusyTheUserIsAskedToTryAgain() throws Exception {
		Mockito.when(this.thumbnails.make(ArgumentMatchers.any(), ArgumentMatchers.anyInt()))
			.thenThrow(new IpcBusyException("thumbnailer", "mocked"));
		assertThat(this.mvc.post().uri("/thumbnails").multipart().file("file", new byte[1]))
			.hasStatus(HttpStatus.SERVICE_UNAVAILABLE)
			.bodyJson()
			.extractingPath("$.detail")
			.isEqualTo("All workers are busy. Please try again in a moment.");
	}

	@Test
	void noWorkerIsStarted() {
		assertThat(this.context.getBeansOfType(IpcChild.class)).isEmpty();
	}

}

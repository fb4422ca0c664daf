package dev.tinyipc.demo.web;

import java.io.IOException;
import java.time.Duration;

import org.springframework.http.CacheControl;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** Serves sample pictures, which are drawn on request. */
@RestController
@RequestMapping("/samples")
class SampleController {

	@GetMapping(path = "/landscape.jpg", produces = MediaType.IMAGE_JPEG_VALUE)
	ResponseEntity<byte[]> landscape() throws IOException {
		return cached(SamplePictures.landscape());
	}

	@GetMapping(path = "/glass.png", produces = MediaType.IMAGE_PNG_VALUE)
	ResponseEntity<byte[]> glass() throws IOException {
		return cached(SamplePictures.glass());
	}

	@GetMapping(path = "/bomb.png", produces = MediaType.IMAGE_PNG_VALUE)
	ResponseEntity<byte[]> bomb() throws IOException {
		return cached(DecompressionBomb.png());
	}

	@GetMapping(path = "/exploit.png", produces = MediaType.IMAGE_PNG_VALUE)
	ResponseEntity<byte[]> exploit() throws IOException {
		return cached(SamplePictures.exploit());
	}

	/** The browser caches samples for the length of a visit. */
	private static ResponseEntity<byte[]> cached(byte[] picture) {
		return ResponseEntity.ok().cacheControl(CacheControl.maxAge(Duration.ofHours(1))).body(picture);
	}

}

package dev.tinyipc.demo.web;

import java.io.IOException;
import java.io.InputStream;

import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.SharedMemory;
import dev.tinyipc.demo.worker.Dimensions;
import dev.tinyipc.demo.worker.ThumbnailReply;
import dev.tinyipc.demo.worker.Thumbnails;
import jakarta.servlet.http.HttpServletResponse;

import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.web.ErrorResponseException;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.multipart.MultipartFile;
import org.springframework.web.server.ResponseStatusException;

/**
 * Makes thumbnails of uploads. Neither the picture nor its thumbnail is ever loaded into
 * this process: the worker receives the picture as an open file, and returns the
 * thumbnail as one.
 */
@RestController
class ThumbnailController {

	private static final int MIN_SIZE = 16;

	private static final int MAX_SIZE = 1024;

	private final Uploads uploads;

	private final Thumbnails thumbnails;

	ThumbnailController(Uploads uploads, Thumbnails thumbnails) {
		this.uploads = uploads;
		this.thumbnails = thumbnails;
	}

	@PostMapping(path = "/thumbnails", consumes = MediaType.MULTIPART_FORM_DATA_VALUE)
	void create(@RequestParam MultipartFile file, @RequestParam(defaultValue = "256") int size,
			HttpServletResponse response) throws IOException {
		if (size < MIN_SIZE || size > MAX_SIZE) {
			throw new ResponseStatusException(HttpStatus.BAD_REQUEST,
					"The size must be between " + MIN_SIZE + " and " + MAX_SIZE + " pixels, not " + size + '.');
		}
		try (OwnedFd picture = this.uploads.open(file);
				IpcMessage<ThumbnailReply> reply = this.thumbnails.make(picture, size)) {
			write(reply, response);
		}
	}

	private static void write(IpcMessage<ThumbnailReply> message, HttpServletResponse response) throws IOException {
		ThumbnailReply reply = message.payload();
		if (reply.refusal() != null) {
			throw refusal(reply);
		}
		SharedMemory png = SharedMemory.of(message.file(0));
		response.setContentType(MediaType.IMAGE_PNG_VALUE);
		response.setContentLengthLong(png.size());
		response.setHeader(HttpHeaders.CACHE_CONTROL, "no-store");
		Dimensions original = reply.original();
		if (original != null) {
			response.setIntHeader("X-Original-Width", original.width());
			response.setIntHeader("X-Original-Height", original.height());
		}
		try (InputStream content = png.inputStream()) {
			content.transferTo(response.getOutputStream());
		}
	}

	private static ErrorResponseException refusal(ThumbnailReply reply) {
		ResponseStatusException refusal = new ResponseStatusException(HttpStatus.UNPROCESSABLE_CONTENT,
				reply.refusal());
		if (!reply.attempts().isEmpty()) {
			refusal.getBody().setProperty("attempts", reply.attempts());
		}
		return refusal;
	}

}

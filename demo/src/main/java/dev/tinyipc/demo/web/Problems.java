package dev.tinyipc.demo.web;

import dev.tinyipc.spring.IpcBusyException;
import dev.tinyipc.spring.IpcMessagingException;
import dev.tinyipc.spring.IpcReplyLostException;
import org.jspecify.annotations.Nullable;

import org.springframework.boot.servlet.autoconfigure.MultipartProperties;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.WebRequest;
import org.springframework.web.multipart.MaxUploadSizeExceededException;
import org.springframework.web.multipart.MultipartException;
import org.springframework.web.servlet.mvc.method.annotation.ResponseEntityExceptionHandler;

/**
 * Explains what went wrong, in words and as {@code application/problem+json} (RFC 9457).
 */
@RestControllerAdvice
class Problems extends ResponseEntityExceptionHandler {

	private final MultipartProperties limits;

	Problems(MultipartProperties limits) {
		this.limits = limits;
	}

	@ExceptionHandler
	@Nullable ResponseEntity<Object> workerFailed(IpcMessagingException ex, WebRequest request) {
		this.logger.warn("Failed to make a thumbnail: " + ex.getMessage());
		return problem(ex, HttpStatus.SERVICE_UNAVAILABLE,
				"Thumbnails are not available right now. Please try again later.", request);
	}

	@ExceptionHandler
	@Nullable ResponseEntity<Object> allWorkersAreBusy(IpcBusyException ex, WebRequest request) {
		this.logger.warn("Failed to find a free worker: " + ex.getMessage());
		return problem(ex, HttpStatus.SERVICE_UNAVAILABLE, "All workers are busy. Please try again in a moment.",
				request);
	}

	/**
	 * The picture is probably to blame. After a timeout it may not be: a slow worker can
	 * have other reasons.
	 */
	@ExceptionHandler
	@Nullable ResponseEntity<Object> workerDied(IpcReplyLostException ex, WebRequest request) {
		this.logger.warn("A worker died while it made a thumbnail: " + ex.getMessage());
		return problem(ex, HttpStatus.UNPROCESSABLE_CONTENT,
				"The worker crashed while it processed this picture. A new worker is taking its place.", request);
	}

	@ExceptionHandler
	@Nullable ResponseEntity<Object> brokenUpload(MultipartException ex, WebRequest request) {
		return problem(ex, HttpStatus.BAD_REQUEST, "The upload is incomplete or malformed.", request);
	}

	@Override
	protected @Nullable ResponseEntity<Object> handleMaxUploadSizeExceededException(MaxUploadSizeExceededException ex,
			HttpHeaders headers, HttpStatusCode status, WebRequest request) {
		return problem(ex, HttpStatus.CONTENT_TOO_LARGE,
				"This file is too large. The limit is %d MB.".formatted(this.limits.getMaxFileSize().toMegabytes()),
				request);
	}

	private @Nullable ResponseEntity<Object> problem(Exception ex, HttpStatus status, String detail,
			WebRequest request) {
		return handleExceptionInternal(ex, ProblemDetail.forStatusAndDetail(status, detail), new HttpHeaders(), status,
				request);
	}

	/** Always JSON: with CBOR on the class path, the client may get that otherwise. */
	@Override
	protected ResponseEntity<Object> createResponseEntity(@Nullable Object body, HttpHeaders headers,
			HttpStatusCode statusCode, WebRequest request) {
		HttpHeaders problem = HttpHeaders.copyOf(headers);
		problem.setContentType(MediaType.APPLICATION_PROBLEM_JSON);
		return super.createResponseEntity(body, problem, statusCode, request);
	}

}

package dev.tinyipc.demo.worker;

import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * What has become of a picture: either a thumbnail, whose PNG is attached to the message
 * as sealed memory, or the reason why there is none.
 *
 * @param original the size of the picture; null if there is no thumbnail
 * @param thumbnail the size of the thumbnail; null if there is none
 * @param refusal tells the user why there is no thumbnail; null if there is one
 * @param attempts what an exploit tried; empty if the picture holds none
 */
public record ThumbnailReply(@Nullable Dimensions original, @Nullable Dimensions thumbnail, @Nullable String refusal,
		List<Attempt> attempts) {

	static ThumbnailReply made(Dimensions original, Dimensions thumbnail) {
		return new ThumbnailReply(original, thumbnail, null, List.of());
	}

	static ThumbnailReply refused(String refusal) {
		return new ThumbnailReply(null, null, refusal, List.of());
	}

	static ThumbnailReply takenOver(List<Attempt> attempts) {
		long refused = attempts.stream().filter((attempt) -> attempt.refusal() != null).count();
		return new ThumbnailReply(null, null,
				"An exploit in this picture took over its worker. %d of %d attempts were refused.".formatted(refused,
						attempts.size()),
				attempts);
	}

}

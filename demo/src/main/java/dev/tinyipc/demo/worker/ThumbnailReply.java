package dev.tinyipc.demo.worker;

import org.jspecify.annotations.Nullable;

/**
 * What has become of a picture: either a thumbnail, whose PNG is attached to the message
 * as sealed memory, or the reason why there is none.
 *
 * @param original the size of the picture; null if there is no thumbnail
 * @param thumbnail the size of the thumbnail; null if there is none
 * @param refusal tells the user why there is no thumbnail; null if there is one
 */
public record ThumbnailReply(@Nullable Dimensions original, @Nullable Dimensions thumbnail, @Nullable String refusal) {

	static ThumbnailReply made(Dimensions original, Dimensions thumbnail) {
		return new ThumbnailReply(original, thumbnail, null);
	}

	static ThumbnailReply refused(String refusal) {
		return new ThumbnailReply(null, null, refusal);
	}

}

package dev.tinyipc.demo.worker;

/**
 * Asks for a thumbnail of the picture that is attached to the message as an open file.
 *
 * @param size the maximum length of the longest side, in pixels
 */
public record ThumbnailRequest(int size) {
}

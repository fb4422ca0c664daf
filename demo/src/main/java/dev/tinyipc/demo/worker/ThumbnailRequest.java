package dev.tinyipc.demo.worker;

/**
 * Asks for a thumbnail of the picture whose open file goes with the message.
 *
 * @param size what the longest side becomes, in pixels, if it is longer
 */
public record ThumbnailRequest(int size) {
}

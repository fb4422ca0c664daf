package dev.tinyipc.demo.worker;

/**
 * The size of a picture.
 *
 * @param width pixels
 * @param height pixels
 */
public record Dimensions(int width, int height) {

	int longest() {
		return Math.max(this.width, this.height);
	}

	long pixels() {
		return (long) this.width * this.height;
	}

	/** Scales down to fit into a square; never scales up. */
	Dimensions fitInto(int size) {
		if (longest() <= size) {
			return this;
		}
		return new Dimensions(scaled(this.width, size), scaled(this.height, size));
	}

	private int scaled(int length, int size) {
		return Math.max(1, Math.round((float) length * size / longest()));
	}

}

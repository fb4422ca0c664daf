package dev.tinyipc;

import java.io.IOException;
import java.io.OutputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.List;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.Base64Variant;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.SerializableString;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.core.sym.PropertyNameMatcher;
import tools.jackson.core.util.JsonParserDelegate;
import tools.jackson.databind.DatabindException;
import tools.jackson.dataformat.cbor.CBORParser;

/**
 * Reads CBOR, and makes a byte string of each reference to a block. What it returns is a
 * copy, unless somebody asks for the {@link #view}.
 */
final class BlockParser extends JsonParserDelegate {

	private static final BigInteger MAX_NUMBER = BigInteger.valueOf(Long.MAX_VALUE);

	private final CBORParser source;

	private final ReceivedBlocks.Message blocks;

	private final List<OwnedFd> descriptors;

	/** Whether views stay valid after the message was read. */
	private final boolean hasViews;

	/** What the current token refers to; null if it is no reference. */
	private @Nullable ByteBuffer referred;

	private byte @Nullable [] copy;

	BlockParser(CBORParser source, ReceivedBlocks.Message blocks, List<OwnedFd> descriptors, boolean hasViews) {
		super(source);
		this.source = source;
		this.blocks = blocks;
		this.descriptors = descriptors;
		this.hasViews = hasViews;
	}

	/** The data itself, if this token is a reference, and its reader may keep it. */
	@Nullable ByteBuffer view() {
		if (!this.hasViews || this.referred == null) {
			return null;
		}
		this.blocks.viewed();
		return this.referred;
	}

	@Override
	public @Nullable JsonToken nextToken() {
		this.referred = null;
		this.copy = null;
		JsonToken token = super.nextToken();
		if (token != null && token != JsonToken.PROPERTY_NAME
				&& this.source.getCurrentTags().contains(BlockReference.TAG)) {
			read(token);
			return JsonToken.VALUE_EMBEDDED_OBJECT;
		}
		return token;
	}

	private void read(JsonToken token) {
		if (token != JsonToken.START_ARRAY) {
			throw malformed("it is not an array", null);
		}
		long block = number();
		long offset = number();
		long length = number();
		if (this.source.nextToken() != JsonToken.END_ARRAY) {
			throw malformed("it has more than three numbers", null);
		}
		try {
			this.referred = this.blocks.at(this.descriptors, block, offset, length);
		}
		catch (IpcException ex) {
			throw malformed(ex.getMessage(), ex);
		}
	}

	/** Those that are above 2^31 - 1 fit no block, so they need not be told apart. */
	private long number() {
		boolean isNumber = this.source.nextToken() == JsonToken.VALUE_NUMBER_INT && this.source.getCurrentTag() < 0
				&& this.source.getBigIntegerValue().signum() >= 0;
		if (!isNumber) {
			throw malformed("it is not an array of three unsigned numbers", null);
		}
		return this.source.getBigIntegerValue().min(MAX_NUMBER).longValue();
	}

	private DatabindException malformed(@Nullable String why, @Nullable IpcException cause) {
		return DatabindException.from(this,
				"A reference to a shared block (CBOR tag " + BlockReference.TAG + ") is malformed: " + why, cause);
	}

	private byte[] copy(ByteBuffer referred) {
		byte[] copy = this.copy;
		if (copy == null) {
			copy = new byte[referred.remaining()];
			referred.get(referred.position(), copy);
			this.copy = copy;
		}
		return copy;
	}

	@Override
	public byte[] getBinaryValue(Base64Variant variant) {
		ByteBuffer referred = this.referred;
		return (referred != null) ? copy(referred) : super.getBinaryValue(variant);
	}

	@Override
	public int readBinaryValue(Base64Variant variant, OutputStream target) {
		ByteBuffer referred = this.referred;
		if (referred == null) {
			return super.readBinaryValue(variant, target);
		}
		try {
			target.write(copy(referred));
			return referred.remaining();
		}
		catch (IOException ex) {
			throw JacksonIOException.construct(ex, this);
		}
	}

	@Override
	public @Nullable Object getEmbeddedObject() {
		ByteBuffer referred = this.referred;
		return (referred != null) ? copy(referred) : super.getEmbeddedObject();
	}

	// What looks at the token, or moves on to the next one

	@Override
	public @Nullable JsonToken currentToken() {
		return (this.referred != null) ? JsonToken.VALUE_EMBEDDED_OBJECT : super.currentToken();
	}

	@Override
	public int currentTokenId() {
		return (this.referred != null) ? JsonToken.VALUE_EMBEDDED_OBJECT.id() : super.currentTokenId();
	}

	@Override
	public boolean hasTokenId(int id) {
		return currentTokenId() == id;
	}

	@Override
	public boolean hasToken(JsonToken token) {
		return currentToken() == token;
	}

	@Override
	public boolean isExpectedStartArrayToken() {
		return this.referred == null && super.isExpectedStartArrayToken();
	}

	@Override
	public @Nullable JsonToken nextValue() {
		JsonToken token = nextToken();
		return (token == JsonToken.PROPERTY_NAME) ? nextToken() : token;
	}

	@Override
	public @Nullable String nextName() {
		return (nextToken() == JsonToken.PROPERTY_NAME) ? currentName() : null;
	}

	@Override
	public boolean nextName(SerializableString name) {
		return nextToken() == JsonToken.PROPERTY_NAME && name.getValue().equals(currentName());
	}

	@Override
	public int nextNameMatch(PropertyNameMatcher matcher) {
		JsonToken token = nextToken();
		return (token == JsonToken.PROPERTY_NAME) ? currentNameMatch(matcher) : (token == JsonToken.END_OBJECT)
				? PropertyNameMatcher.MATCH_END_OBJECT : PropertyNameMatcher.MATCH_ODD_TOKEN;
	}

	@Override
	public JsonParser skipChildren() {
		JsonToken first = currentToken();
		if (first == null || !first.isStructStart()) {
			return this;
		}
		// Not as the source would, for which a reference is an array.
		for (int open = 1; open > 0;) {
			JsonToken token = nextToken();
			if (token == null) {
				break;
			}
			open += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
		}
		return this;
	}

}

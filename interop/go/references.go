package main

import (
	"errors"
	"iter"

	"github.com/fxamacker/cbor/v2"
)

const referenceTag = 1230000972

// References are those of one message: the bytes that each refers to, by its encoding.
type references map[string][]byte

// openReferences checks all references of a well-formed body. It also says how many descriptors come before those of blocks.
func openReferences(from *blocks, body []byte, descriptors []int) (found references, files int, err error) {
	files = len(descriptors)
	if blocksLimit == 0 {
		// To this end, it is a tag like any other.
		return nil, files, nil
	}
	from.begin()
	found = make(references)
	for _, encoded := range encodedReferences(body) {
		block, offset, length, err := parseReference(encoded)
		if err != nil {
			return nil, 0, err
		}
		if block >= uint64(len(descriptors)) {
			return nil, 0, errors.New("a reference is to a block that the message does not bring")
		}
		if found[string(encoded)], err = from.slice(descriptors[block], offset, length); err != nil {
			return nil, 0, err
		}
		files = min(files, int(block))
	}
	return found, files, nil
}

// bytes returns a byte string of the message, which is in a block if the item is a reference.
func (r references) bytes(item cbor.RawMessage) ([]byte, error) {
	if bytes, ok := r[string(item)]; ok {
		return bytes, nil
	}
	if item[0]>>5 != bytesType {
		return nil, errors.New("no byte string")
	}
	var bytes []byte
	err := decoding.Unmarshal(item, &bytes)
	return bytes, err
}

// resolve copies an item of the message, with byte strings in the place of references.
func (r references) resolve(item cbor.RawMessage) (cbor.RawMessage, error) {
	if len(r) == 0 {
		return item, nil
	}
	var resolved cbor.RawMessage
	end := 0
	for start, encoded := range encodedReferences(item) {
		bytes, err := cbor.Marshal(r[string(encoded)])
		if err != nil {
			return nil, err
		}
		resolved = append(append(resolved, item[end:start]...), bytes...)
		end = start + len(encoded)
	}
	return append(resolved, item[end:]...), nil
}

// encodedReferences yields where in a well-formed item each reference begins, and its encoding. Items within an item follow
// its head, so there is no need to descend.
func encodedReferences(item []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for at := 0; at < len(item); {
			kind, number, length := parseHead(item[at:])
			switch {
			case kind == bytesType || kind == textType:
				length += int(number)
			case kind == tagType && number == referenceTag:
				rest, _ := decoding.UnmarshalFirst(item[at:], new(cbor.RawMessage))
				length = len(item) - at - len(rest)
				if !yield(at, item[at:at+length]) {
					return
				}
			}
			at += length
		}
	}
}

func parseReference(encoded []byte) (block, offset, length uint64, err error) {
	_, _, start := parseHead(encoded)
	content := encoded[start:]
	var items []cbor.RawMessage
	// The library itself would take other items for numbers too.
	if content[0]>>5 == arrayType && decoding.Unmarshal(content, &items) == nil && len(items) == 3 &&
		items[0][0]>>5 == unsignedType && items[1][0]>>5 == unsignedType && items[2][0]>>5 == unsignedType {
		_, block, _ = parseHead(items[0])
		_, offset, _ = parseHead(items[1])
		_, length, _ = parseHead(items[2])
		return block, offset, length, nil
	}
	return 0, 0, 0, errors.New("a reference is not an array of three unsigned numbers")
}

// parseHead returns the type of a well-formed item, its number, and the length of both. The number is 0 if the item has no
// definite length: its parts have one.
func parseHead(item []byte) (kind byte, number uint64, length int) {
	const (
		oneByte    = 24
		eightBytes = 27
	)
	kind, info := item[0]>>5, item[0]&0x1f
	switch {
	case info < oneByte:
		return kind, uint64(info), 1
	case info > eightBytes:
		return kind, 0, 1
	}
	length = 1 + 1<<(info-oneByte)
	for _, next := range item[1:length] {
		number = number<<8 | uint64(next)
	}
	return kind, number, length
}

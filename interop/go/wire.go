package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/fxamacker/cbor/v2"
	"golang.org/x/sys/unix"
)

const (
	header          = 8
	packetSize      = 64 << 10
	largestPacket   = 512 << 10
	largestBody     = 16 << 20
	mostDescriptors = 253
)

// The tags of CBOR that mean something.
const (
	errorTag = 1230000965 + iota
	envelopeTag
	elementTag
	endTag
	cancelTag
	helloTag
)

// The first three bits of a CBOR item.
const (
	unsignedType = 0
	bytesType    = 2
	textType     = 3
	arrayType    = 4
	mapType      = 5
	tagType      = 6
)

type failure struct {
	Type    string `cbor:"type"`
	Message string `cbor:"message"`
}

type hello struct {
	Protocol int      `cbor:"protocol"`
	Envelope bool     `cbor:"envelope"`
	Cancel   bool     `cbor:"cancel"`
	Lanes    int      `cbor:"lanes"`
	Memory   bool     `cbor:"memory"`
	Blocks   uint64   `cbor:"blocks,omitempty"`
	Methods  []string `cbor:"methods"`
}

// The values are decoded once it is known that they are of the right type.
type envelope struct {
	ID      cbor.RawMessage `cbor:"id"`
	Method  cbor.RawMessage `cbor:"method"`
	Headers cbor.RawMessage `cbor:"headers"`
	Payload cbor.RawMessage `cbor:"payload"`
}

// The library's own limits would refuse an array of more than 131072 items.
var decoding, _ = cbor.DecOptions{
	FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
	MaxArrayElements:  largestBody,
	MaxMapPairs:       largestBody,
	MaxNestedLevels:   256,
}.DecMode()

// A link is a socket, the memory that its messages go through once the parent has shared some, and the blocks that they
// refer to.
type link struct {
	socket int
	memory *lane
	// For the goroutine that answers.
	blocks blocks
}

// receive returns the next body and its descriptors, or nothing once the peer has closed.
func (l *link) receive(buffer []byte) ([]byte, []int, error) {
	if l.memory != nil {
		return l.memory.receive()
	}
	packet, descriptors, err := receivePacket(l.socket, buffer, 0)
	if err != nil || len(packet) == 0 && len(descriptors) == 0 {
		return nil, descriptors, err
	}
	if len(packet) <= header {
		return nil, descriptors, fmt.Errorf("a message begins with a packet of %d bytes", len(packet))
	}
	length := binary.NativeEndian.Uint64(packet)
	if length == 0 || length > largestBody {
		return nil, descriptors, fmt.Errorf("a body of %d bytes was announced", length)
	}
	body := append(make([]byte, 0, length), packet[header:]...)
	for uint64(len(body)) < length {
		packet, stray, err := receivePacket(l.socket, buffer, 0)
		descriptors = append(descriptors, stray...)
		switch {
		case err != nil:
			return nil, descriptors, err
		case len(stray) > 0:
			return nil, descriptors, errors.New("descriptors in the middle of a message")
		case len(packet) == 0:
			return nil, descriptors, errors.New("the end in the middle of a message")
		}
		body = append(body, packet...)
	}
	if uint64(len(body)) > length {
		return nil, descriptors, fmt.Errorf("a body of %d bytes was announced, but %d came", length, len(body))
	}
	return body, descriptors, nil
}

func receivePacket(socket int, buffer []byte, flags int) (packet []byte, descriptors []int, err error) {
	control := make([]byte, unix.CmsgSpace(mostDescriptors*4))
	length, controlLength, flags, _, err := unix.Recvmsg(socket, buffer, control, flags|unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return nil, nil, os.NewSyscallError("recvmsg", err)
	}
	messages, err := unix.ParseSocketControlMessage(control[:controlLength])
	for _, message := range messages {
		rights, _ := unix.ParseUnixRights(&message)
		descriptors = append(descriptors, rights...)
	}
	if flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		err = errors.New("a packet was cut short")
	}
	return buffer[:length], descriptors, err
}

// Nothing was sent, so that an error can be.
var errUnencodable = errors.New("not to be encoded")

// send sends one message; the descriptors stay the caller's.
func (l *link) send(item any, descriptors ...int) error {
	body, err := cbor.Marshal(item)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnencodable, err)
	}
	frame := append(binary.NativeEndian.AppendUint64(nil, uint64(len(body))), body...)
	if l.memory != nil {
		return l.memory.send(frame, descriptors)
	}
	for start := 0; start < len(frame); start += packetSize {
		packet := frame[start:min(start+packetSize, len(frame))]
		if err := sendPacket(l.socket, packet, descriptors); err != nil {
			return err
		}
		// They travel with the first one.
		descriptors = nil
	}
	return nil
}

// shutDown ends whatever waits for the peer.
func (l *link) shutDown() {
	unix.Shutdown(l.socket, unix.SHUT_RDWR)
}

// close is for when nobody uses it any more.
func (l *link) close() {
	unix.Close(l.socket)
	l.blocks.unmap()
	if l.memory != nil {
		l.memory.close()
	}
}

func sendPacket(socket int, packet []byte, descriptors []int) error {
	var control []byte
	if len(descriptors) > 0 {
		control = unix.UnixRights(descriptors...)
	}
	return os.NewSyscallError("sendmsg", unix.Sendmsg(socket, packet, control, nil, unix.MSG_NOSIGNAL))
}

func failed(kind, message string) cbor.Tag {
	return cbor.Tag{Number: errorTag, Content: failure{kind, message}}
}

// open returns what is in the envelope, or the body itself as the payload if it is none.
func open(body []byte) (payload []byte, id *uint64, method *string, err error) {
	if body[0]>>5 != tagType {
		return body, nil, nil, nil
	}
	var tag cbor.RawTag
	if err := decoding.Unmarshal(body, &tag); err != nil || tag.Number != envelopeTag {
		return body, nil, nil, err
	}
	var opened envelope
	if tag.Content[0]>>5 != mapType {
		return nil, nil, nil, errors.New("an envelope that is no map")
	}
	if err := decoding.Unmarshal(tag.Content, &opened); err != nil {
		return nil, nil, nil, err
	}
	if opened.Payload == nil {
		return nil, nil, nil, errors.New("an envelope without a payload")
	}
	if opened.Headers != nil && !areTexts(opened.Headers) {
		return nil, nil, nil, errors.New("headers that are no map of texts to texts")
	}
	if opened.Method != nil && (opened.Method[0]>>5 != textType || decoding.Unmarshal(opened.Method, &method) != nil) {
		return nil, nil, nil, errors.New("a method that is no text")
	}
	if opened.ID != nil && (opened.ID[0]>>5 != unsignedType || decoding.Unmarshal(opened.ID, &id) != nil) {
		return nil, nil, nil, errors.New("an id that is no unsigned number of 64 bits")
	}
	return opened.Payload, id, method, nil
}

func areTexts(item []byte) bool {
	var pairs map[any]any
	if item[0]>>5 != mapType || decoding.Unmarshal(item, &pairs) != nil {
		return false
	}
	for key, value := range pairs {
		_, keyIsText := key.(string)
		_, valueIsText := value.(string)
		if !keyIsText || !valueIsText {
			return false
		}
	}
	return true
}

func isCancel(body []byte) bool {
	const longest = 1 + 8 + 1
	if len(body) > longest || body[0]>>5 != tagType {
		return false
	}
	var tag cbor.RawTag
	return decoding.Unmarshal(body, &tag) == nil && tag.Number == cancelTag && isNull(tag.Content)
}

func isNull(item []byte) bool {
	return len(item) == 1 && item[0] == 0xf6
}

func closeAll(descriptors []int) {
	for _, descriptor := range descriptors {
		unix.Close(descriptor)
	}
}

// A child of tiny-ipc in Go.
//
// Build:  go build -o child .
// Run:    a parent starts it (`./child`) and names the socket in TINY_IPC_FD.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"math/big"
	"os"
	"strconv"

	"github.com/fxamacker/cbor/v2"
	"golang.org/x/sys/unix"
)

const (
	header          = 8
	packetSize      = 64 << 10
	largestPacket   = 512 << 10
	largestBody     = 16 << 20
	mostDescriptors = 253
	errorItem       = 1230000965
)

type request struct {
	Do      string          `cbor:"do"`
	Payload cbor.RawMessage `cbor:"payload"`
	Numbers *[]big.Int      `cbor:"numbers"`
	Text    *string         `cbor:"text"`
	Message *string         `cbor:"message"`
}

type failure struct {
	Type    string `cbor:"type"`
	Message string `cbor:"message"`
}

// The library's own limits would refuse an array of more than 131072 items.
var decoding, _ = cbor.DecOptions{
	FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
	MaxArrayElements:  largestBody,
	MaxMapPairs:       largestBody,
	MaxNestedLevels:   256,
}.DecMode()

func main() {
	log.SetFlags(0)
	log.SetPrefix("child: ")
	peer, err := strconv.Atoi(os.Getenv("TINY_IPC_FD"))
	if err != nil {
		log.Fatal("TINY_IPC_FD names no socket: a parent starts this program")
	}
	buffer := make([]byte, largestPacket)
	for {
		body, descriptors, err := receive(peer, buffer)
		if err == nil && body != nil {
			err = answer(peer, body, descriptors)
		}
		for _, descriptor := range descriptors {
			unix.Close(descriptor)
		}
		if err != nil {
			log.Fatal(err)
		}
		if body == nil {
			return
		}
	}
}

// receive returns the next body and its descriptors, or nothing once the peer has closed.
func receive(peer int, buffer []byte) ([]byte, []int, error) {
	packet, descriptors, err := receivePacket(peer, buffer)
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
		packet, stray, err := receivePacket(peer, buffer)
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

func receivePacket(peer int, buffer []byte) (packet []byte, descriptors []int, err error) {
	control := make([]byte, unix.CmsgSpace(mostDescriptors*4))
	length, controlLength, flags, _, err := unix.Recvmsg(peer, buffer, control, unix.MSG_CMSG_CLOEXEC)
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

// send sends one message; descriptors travel with its first packet, and stay the caller's.
func send(peer int, item any, descriptors ...int) error {
	body, err := cbor.Marshal(item)
	if err != nil {
		return sendError(peer, "Unencodable", err.Error())
	}
	frame := append(binary.NativeEndian.AppendUint64(nil, uint64(len(body))), body...)
	var control []byte
	if len(descriptors) > 0 {
		control = unix.UnixRights(descriptors...)
	}
	for start := 0; start < len(frame); start += packetSize {
		packet := frame[start:min(start+packetSize, len(frame))]
		if err := unix.Sendmsg(peer, packet, control, nil, unix.MSG_NOSIGNAL); err != nil {
			return os.NewSyscallError("sendmsg", err)
		}
		control = nil
	}
	return nil
}

func answer(peer int, body []byte, descriptors []int) error {
	var asked request
	if err := decoding.Unmarshal(body, &asked); err != nil {
		return sendError(peer, "Malformed", err.Error())
	}
	switch {
	case asked.Do == "echo" && asked.Payload != nil:
		return send(peer, asked.Payload)
	case asked.Do == "sum" && asked.Numbers != nil:
		sum := new(big.Int)
		for _, number := range *asked.Numbers {
			sum.Add(sum, &number)
		}
		return send(peer, sum)
	case asked.Do == "length" && len(descriptors) == 1:
		var file unix.Stat_t
		if err := unix.Fstat(descriptors[0], &file); err != nil {
			return sendError(peer, "Failure", err.Error())
		}
		return send(peer, file.Size)
	case asked.Do == "memory" && asked.Text != nil:
		memory, err := unix.MemfdCreate("text", unix.MFD_CLOEXEC)
		if err != nil {
			return os.NewSyscallError("memfd_create", err)
		}
		defer unix.Close(memory)
		length, err := unix.Pwrite(memory, []byte(*asked.Text), 0)
		if err != nil {
			return os.NewSyscallError("pwrite", err)
		}
		return send(peer, length, memory)
	case asked.Do == "fail" && asked.Message != nil:
		return sendError(peer, "Failure", *asked.Message)
	}
	return sendError(peer, "Unknown", fmt.Sprintf("no request that this child knows: %q", asked.Do))
}

func sendError(peer int, kind, message string) error {
	return send(peer, cbor.Tag{Number: errorItem, Content: failure{kind, message}})
}

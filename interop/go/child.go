// A child of tiny-ipc in Go.
//
// Build:  go build -o child .
// Run:    a parent starts it (`./child`) and names the socket in TINY_IPC_FD.
package main

import (
	"errors"
	"fmt"
	"log"
	"math/big"
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/fxamacker/cbor/v2"
	"golang.org/x/sys/unix"
)

// How many sockets it serves at a time.
const mostLanes = 4

type request struct {
	Do      string          `cbor:"do"`
	Payload cbor.RawMessage `cbor:"payload"`
	Numbers *[]big.Int      `cbor:"numbers"`
	Bytes   cbor.RawMessage `cbor:"bytes"`
	Text    *string         `cbor:"text"`
	Message *string         `cbor:"message"`
	Count   *uint64         `cbor:"count"`
	FailAt  *uint64         `cbor:"failAt"`
}

// Whether the parent knows hellos, envelopes, lanes and cancel items.
var invited = os.Getenv("TINY_IPC_HELLO") == "1"

// How many sockets are served.
var lanes atomic.Int32

func main() {
	log.SetFlags(0)
	log.SetPrefix("child: ")
	socket, err := strconv.Atoi(os.Getenv("TINY_IPC_FD"))
	if err != nil {
		log.Fatal("TINY_IPC_FD names no socket: a parent starts this program")
	}
	peer := &link{socket: socket}
	if invited {
		methods := []string{"", "echo", "sum", "length", "memory", "fail", "stream", "meet", "total"}
		greeting := hello{2, true, true, mostLanes, true, blocksLimit, methods}
		if err := peer.send(cbor.Tag{Number: helloTag, Content: greeting}); err != nil {
			log.Fatal(err)
		}
	}
	lanes.Add(1)
	if err := serve(peer); err != nil {
		log.Fatal(err)
	}
}

// A message is what one receive has led to.
type message struct {
	body        []byte
	descriptors []int
	err         error
	// Closed once the parent has cancelled the request, or is gone.
	cancelled <-chan struct{}
	// Nothing is received before this is called, if there is one: it may be through memory then.
	done func()
}

// finish is called once, whatever has become of the message.
func (m message) finish() {
	closeAll(m.descriptors)
	if m.done != nil {
		m.done()
	}
}

// serve answers the requests of one socket until it closes, and then closes it here too.
func serve(peer *link) error {
	messages := make(chan message)
	go receiveAll(peer, messages)
	defer func() {
		peer.shutDown()
		for unanswered := range messages {
			unanswered.finish()
		}
		peer.close()
	}()
	for received := range messages {
		err := received.err
		if err == nil {
			err = serveOne(peer, &received)
		}
		received.finish()
		if err != nil {
			return err
		}
	}
	return nil
}

func serveOne(peer *link, received *message) error {
	if invited && isNull(received.body) {
		descriptors := received.descriptors
		switch {
		case (len(descriptors) == 1 || len(descriptors) == 2) && isLane(descriptors[0]):
			received.descriptors = descriptors[1:]
			return openLane(peer, &link{socket: descriptors[0]}, descriptors[1:])
		case len(descriptors) == 1:
			return shareMemory(peer, descriptors[0])
		}
		// Any other null is a request that is not known.
	}
	return answer(peer, *received)
}

// receiveAll receives also while a request is being answered: it may be cancelled.
func receiveAll(peer *link, messages chan<- message) {
	defer close(messages)
	cancel := func() {}
	defer func() { cancel() }()
	buffer := make([]byte, largestPacket)
	for {
		body, descriptors, err := peer.receive(buffer)
		switch {
		case err != nil:
			// Nothing more is waited for in order to answer.
			peer.shutDown()
			messages <- message{descriptors: descriptors, err: err}
			return
		case body == nil:
			return
		case invited && isCancel(body):
			closeAll(descriptors)
			cancel()
		default:
			cancelled := make(chan struct{})
			cancel = sync.OnceFunc(func() { close(cancelled) })
			received := message{body: body, descriptors: descriptors, cancelled: cancelled}
			done := make(chan struct{})
			if isNull(body) {
				received.done = func() { close(done) }
			} else {
				close(done)
			}
			messages <- received
			<-done
		}
	}
}

// isLane says whether a descriptor is a further socket to be served.
func isLane(descriptor int) bool {
	domain, err := unix.GetsockoptInt(descriptor, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil || domain != unix.AF_UNIX {
		return false
	}
	kind, err := unix.GetsockoptInt(descriptor, unix.SOL_SOCKET, unix.SO_TYPE)
	return err == nil && kind == unix.SOCK_SEQPACKET
}

// openLane owns the further socket, for which there may be memory. That a lane ends, in any way, does not concern the others.
func openLane(peer, further *link, files []int) error {
	for _, file := range files {
		var err error
		if further.memory, err = acceptMemory(further.socket, file); err != nil {
			further.close()
			return peer.send(failed("Refused", err.Error()))
		}
	}
	if lanes.Add(1) > mostLanes {
		lanes.Add(-1)
		further.close()
		return peer.send(failed("Busy", fmt.Sprintf("%d lanes are open already", mostLanes)))
	}
	go func() {
		defer lanes.Add(-1)
		if err := serve(further); err != nil {
			log.Print("a lane ended: ", err)
		}
	}()
	return peer.send(nil)
}

// shareMemory takes memory for a socket. The answer still goes over the socket itself.
func shareMemory(peer *link, file int) error {
	if peer.memory != nil {
		return peer.send(failed("Refused", "messages go through memory already"))
	}
	shared, err := acceptMemory(peer.socket, file)
	if err != nil {
		return peer.send(failed("Refused", err.Error()))
	}
	err = peer.send(nil)
	peer.memory = shared
	return err
}

// An exchange is one request, and where its answers go: into envelopes if it came in one with a number.
type exchange struct {
	peer       *link
	id         *uint64
	references references
	cancelled  <-chan struct{}
}

func (e *exchange) send(item any, descriptors ...int) error {
	if e.id != nil {
		item = cbor.Tag{Number: envelopeTag, Content: struct {
			ID      uint64 `cbor:"id"`
			Payload any    `cbor:"payload"`
		}{*e.id, item}}
	}
	err := e.peer.send(item, descriptors...)
	if errors.Is(err, errUnencodable) {
		return e.fail("Unencodable", err.Error())
	}
	return err
}

func (e *exchange) fail(kind, message string) error {
	return e.send(failed(kind, message))
}

func answer(peer *link, received message) error {
	e := &exchange{peer: peer, cancelled: received.cancelled}
	body := received.body
	var method *string
	if invited {
		var err error
		if body, e.id, method, err = open(body); err != nil {
			return e.fail("Malformed", err.Error())
		}
	}
	var asked request
	if err := decoding.Unmarshal(body, &asked); err != nil {
		return e.fail("Malformed", err.Error())
	}
	if method != nil {
		asked.Do = *method
	}
	found, files, err := openReferences(&peer.blocks, body, received.descriptors)
	if err != nil {
		return e.fail("Malformed", err.Error())
	}
	e.references = found
	return e.answer(asked, received.descriptors[:files])
}

func (e *exchange) answer(asked request, descriptors []int) error {
	switch {
	case asked.Do == "echo" && asked.Payload != nil:
		payload, err := e.references.resolve(asked.Payload)
		if err != nil {
			return e.fail("Failure", err.Error())
		}
		return e.send(payload)
	case asked.Do == "total" && asked.Bytes != nil:
		bytes, err := e.references.bytes(asked.Bytes)
		if err != nil {
			return e.fail("Malformed", err.Error())
		}
		return e.send(total(bytes))
	case asked.Do == "sum" && asked.Numbers != nil:
		sum := new(big.Int)
		for _, number := range *asked.Numbers {
			sum.Add(sum, &number)
		}
		return e.send(sum)
	case asked.Do == "length" && len(descriptors) == 1:
		var file unix.Stat_t
		if err := unix.Fstat(descriptors[0], &file); err != nil {
			return e.fail("Failure", err.Error())
		}
		return e.send(file.Size)
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
		return e.send(length, memory)
	case asked.Do == "fail" && asked.Message != nil:
		return e.fail("Failure", *asked.Message)
	case asked.Do == "stream" && asked.Count != nil:
		return e.stream(asked)
	case asked.Do == "meet" && asked.Count != nil:
		if !meet(*asked.Count, e.cancelled) {
			return e.fail("Cancelled", "nobody else came")
		}
		return e.send(*asked.Count)
	}
	return e.fail("Unknown", fmt.Sprintf("no request that this child knows: %q", asked.Do))
}

// total adds up all bytes.
func total(bytes []byte) (sum uint64) {
	for _, each := range bytes {
		sum += uint64(each)
	}
	return sum
}

func (e *exchange) stream(asked request) error {
	for number := range *asked.Count {
		select {
		case <-e.cancelled:
			return e.fail("Cancelled", fmt.Sprintf("after %d elements", number))
		default:
		}
		if asked.FailAt != nil && *asked.FailAt == number {
			return e.fail("Failure", fmt.Sprintf("no element %d", number))
		}
		if err := e.send(cbor.Tag{Number: elementTag, Content: number}); err != nil {
			return err
		}
	}
	return e.send(cbor.Tag{Number: endTag})
}

// Those who wait to meet, on all lanes.
var meeting = struct {
	sync.Mutex
	waiting uint64
	over    chan struct{}
}{over: make(chan struct{})}

// meet returns true once as many requests have met as there should be, or false if this one is cancelled before.
func meet(count uint64, cancelled <-chan struct{}) bool {
	meeting.Lock()
	over := meeting.over
	meeting.waiting++
	if meeting.waiting >= count {
		close(over)
		meeting.waiting, meeting.over = 0, make(chan struct{})
	}
	meeting.Unlock()
	select {
	case <-over:
		return true
	case <-cancelled:
	}
	meeting.Lock()
	defer meeting.Unlock()
	if over != meeting.over {
		return true
	}
	meeting.waiting--
	return false
}

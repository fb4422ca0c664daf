/*
 * A child of tiny-ipc in JavaScript.
 *
 * Build:  npm install
 * Run:    a parent starts it (`node child.js`) and names the socket in TINY_IPC_FD.
 *
 * Node's net module knows no SEQPACKET sockets, so this reads and writes the descriptor as a file: read(2) and write(2)
 * keep the borders of the packets, and run on Node's thread pool. They carry no descriptors: the kernel drops (and closes)
 * those that a message brings, "length" and "memory" answer that they cannot be done, and a descriptor in the middle of a
 * message goes unseen. So there are no lanes either: their sockets would not arrive.
 */
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import { promisify } from 'node:util';
import { decode as decodeItem, encode, Tag } from 'cbor2';

const HEADER = 8;
const PACKET = 64 * 1024;
const LARGEST_PACKET = 512 * 1024;
const LARGEST_BODY = 16 * 1024 * 1024;

const ERROR_ITEM = 1230000965;
const ENVELOPE = 1230000966;
const ELEMENT = 1230000967;
const END = 1230000968;
const CANCEL = 1230000969;
const HELLO = 1230000970;
const METHODS = ['', 'echo', 'sum', 'fail', 'stream', 'meet'];

const littleEndian = os.endianness() === 'LE';
const STRICT = { preferMap: true, rejectDuplicateKeys: true };
const read = promisify(fs.read);
const write = promisify(fs.write);

// One byte more than a packet may have: read(2) cuts silently, and a full buffer tells it.
const buffer = Buffer.alloc(LARGEST_PACKET + 1);

async function receivePacket(peer) {
  const { bytesRead } = await read(peer, buffer, 0, buffer.length, null);
  if (bytesRead > LARGEST_PACKET) throw new Error('a packet was cut short');
  return Buffer.from(buffer.subarray(0, bytesRead));
}

/** Returns the body of the next message, or null once the peer has closed. */
async function receive(peer) {
  const first = await receivePacket(peer);
  if (first.length === 0) return null;
  if (first.length <= HEADER) throw new Error(`a message begins with a packet of ${first.length} bytes`);
  const length = Number(littleEndian ? first.readBigUInt64LE() : first.readBigUInt64BE());
  if (length === 0 || length > LARGEST_BODY) throw new Error(`a body of ${length} bytes was announced`);
  const parts = [first.subarray(HEADER)];
  let received = parts[0].length;
  while (received < length) {
    const part = await receivePacket(peer);
    if (part.length === 0) throw new Error('the end in the middle of a message');
    parts.push(part);
    received += part.length;
  }
  if (received > length) throw new Error(`a body of ${length} bytes was announced, but ${received} came`);
  return Buffer.concat(parts);
}

async function send(peer, body) {
  const header = Buffer.alloc(HEADER);
  if (littleEndian) header.writeBigUInt64LE(BigInt(body.length));
  else header.writeBigUInt64BE(BigInt(body.length));
  const frame = Buffer.concat([header, body]);
  for (let start = 0; start < frame.length; start += PACKET) {
    await write(peer, frame, start, Math.min(PACKET, frame.length - start), null);
  }
}

function decode(body) {
  // Byte strings come out as what goes in, and only those in a plain Uint8Array are written as byte strings again.
  return decodeItem(new Uint8Array(body.buffer, body.byteOffset, body.length), STRICT);
}

/** One request, and where its answers go: into envelopes if it came in one with a number. */
class Exchange {
  #peer;
  #id;
  #cancelled;

  constructor(peer, cancelled) {
    this.#peer = peer;
    this.#cancelled = cancelled;
  }

  async serve(body, opensEnvelopes) {
    try {
      let request = decode(body);
      let what;
      if (opensEnvelopes && isTagged(request, ENVELOPE)) {
        const envelope = checked(request.contents);
        this.#id = envelope.get('id');
        what = envelope.get('method');
        request = envelope.get('payload');
      }
      if (what === undefined && request instanceof Map) what = request.get('do');
      await this.#answer(what, request);
    } catch (error) {
      if (error.syscall) throw error; // the socket itself fails
      await this.#send(new Tag(ERROR_ITEM, new Map([['type', error.constructor.name], ['message', error.message]])));
    }
  }

  async #answer(what, request) {
    if ((what === 'stream' || what === 'meet') && isUnsigned(request.get('count'))) {
      const count = Number(request.get('count'));
      if (what === 'stream') return this.#stream(count, Number(request.get('failAt')));
      return this.#send(await meet(count, this.#cancelled));
    }
    return this.#send(answer(what, request));
  }

  async #stream(count, failAt) {
    for (let number = 0; number < count; number++) {
      if (this.#cancelled.aborted) throw new Cancelled(`after ${number} elements`);
      if (number === failAt) throw new Failure(`no element ${number}`);
      await this.#send(new Tag(ELEMENT, number));
    }
    return this.#send(new Tag(END, null));
  }

  #send(item) {
    const enveloped = this.#id !== undefined;
    return send(this.#peer, encode(enveloped ? new Tag(ENVELOPE, new Map([['id', this.#id], ['payload', item]])) : item));
  }
}

function isTagged(item, tag) {
  return item instanceof Tag && Number(item.tag) === tag;
}

/** Returns the envelope if it is well-formed. Nothing of any other can be relied on, not even its number. */
function checked(envelope) {
  if (!(envelope instanceof Map && envelope.has('payload'))) throw new Error('an envelope is a map with a payload');
  if (envelope.has('id') && !isUnsigned(envelope.get('id'))) throw new Error('the id is no unsigned number of 64 bits');
  if (envelope.has('method') && !isText(envelope.get('method'))) throw new Error('the method is no text');
  if (envelope.has('headers')) {
    const headers = envelope.get('headers');
    if (!(headers instanceof Map && [...headers].flat().every(isText))) throw new Error('the headers are not all texts');
  }
  return envelope;
}

function isUnsigned(item) {
  return (typeof item === 'bigint' || Number.isInteger(item)) && item >= 0 && item < 2n ** 64n;
}

function isText(item) {
  return typeof item === 'string';
}

function answer(what, request) {
  if (what === 'echo' && request.has('payload')) return request.get('payload');
  if (what === 'sum') return request.get('numbers').reduce((sum, number) => sum + BigInt(number), 0n);
  if (what === 'fail' && request.has('message')) throw new Failure(request.get('message'));
  if (what === 'length' || what === 'memory') throw new Error(`${what}: Node cannot pass descriptors`);
  throw new Error(`no request that this child knows: ${what}`);
}

/** Is never over for more than one, as there is one request at a time: it waits until it is cancelled. */
async function meet(count, cancelled) {
  if (count > 1 && !cancelled.aborted) await once(cancelled, 'abort');
  if (count > 1) throw new Cancelled('nobody else came');
  return count;
}

class Failure extends Error {}

class Cancelled extends Error {}

function isCancel(body) {
  const longest = 1 + 8 + 1;
  if (body.length > longest) return false;
  try {
    const item = decode(body);
    return isTagged(item, CANCEL) && item.contents === null;
  } catch {
    return false; // it is answered as any other body that is malformed
  }
}

async function main() {
  const peer = Number(process.env.TINY_IPC_FD);
  const invited = process.env.TINY_IPC_HELLO === '1';
  if (invited) {
    const hello = { protocol: 2, envelope: true, cancel: true, methods: METHODS };
    await send(peer, encode(new Tag(HELLO, hello)));
  }
  let current = new AbortController();
  let served = Promise.resolve();
  let body;
  // This receives also while a request is being answered: it may be cancelled.
  while ((body = await receive(peer)) !== null) {
    if (invited && isCancel(body)) {
      current.abort();
      continue;
    }
    await served;
    current = new AbortController();
    served = new Exchange(peer, current.signal).serve(body, invited);
    served.catch(() => current.abort()); // the loop throws it when it has received what comes next
  }
  current.abort();
  await served;
}

main().catch((error) => {
  console.error(`child: ${error.message}`);
  process.exitCode = 1;
});

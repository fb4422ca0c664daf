/*
 * A child of tiny-ipc in JavaScript.
 *
 * Build:  npm install
 * Run:    a parent starts it (`node child.js`) and names the socket in TINY_IPC_FD.
 *
 * Node's net module knows no SEQPACKET sockets, so this reads and writes the descriptor as a file: read(2) and write(2)
 * keep the borders of the packets, and run on Node's thread pool. They carry no descriptors: the kernel drops (and closes)
 * those that a message brings, "length" and "memory" answer that they cannot be done, and a descriptor in the middle of a
 * message goes unseen.
 */
import fs from 'node:fs';
import os from 'node:os';
import { promisify } from 'node:util';
import { decode as decodeItem, encode, Tag } from 'cbor2';

const HEADER = 8;
const PACKET = 64 * 1024;
const LARGEST_PACKET = 512 * 1024;
const LARGEST_BODY = 16 * 1024 * 1024;
const ERROR_ITEM = 1230000965;

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

function answer(body) {
  const request = decode(body);
  const what = request instanceof Map ? request.get('do') : undefined;
  if (what === 'echo' && request.has('payload')) return request.get('payload');
  if (what === 'sum') return request.get('numbers').reduce((sum, number) => sum + BigInt(number), 0n);
  if (what === 'fail' && request.has('message')) throw new Failure(request.get('message'));
  if (what === 'length' || what === 'memory') throw new Error(`${what}: Node cannot pass descriptors`);
  throw new Error(`no request that this child knows: ${what}`);
}

class Failure extends Error {}

function errorItem({ constructor, message }) {
  return new Tag(ERROR_ITEM, new Map([['type', constructor.name], ['message', message]]));
}

async function main() {
  const peer = Number(process.env.TINY_IPC_FD);
  let body;
  while ((body = await receive(peer)) !== null) {
    let reply;
    try {
      reply = encode(answer(body));
    } catch (error) {
      reply = encode(errorItem(error));
    }
    await send(peer, reply);
  }
}

main().catch((error) => {
  console.error(`child: ${error.message}`);
  process.exitCode = 1;
});

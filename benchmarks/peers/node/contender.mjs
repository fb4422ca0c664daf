/*
 * A contender in JavaScript: child_process.fork with the serialization "advanced", that is the structured clone of V8.
 *
 * Run in the folder benchmarks:  node peers/node/contender.mjs
 *
 * The child is this program again. Each turn is a loop of promises that settle when a message came, or was written.
 */
import { fork } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

const STATUS = ['PLACED', 'PACKED', 'SHIPPED', 'DELIVERED'];

function order(number) {
  return {
    id: 9007199254 + number, customer: 'Ada Lovelace ABC', product: 'Analytical Engine, brass',
    quantity: 1 + number % 100, price: 1843.25 + number, discount: 0.125, created: 1700000000000 + number,
    status: STATUS[number % STATUS.length], paid: true, gift: false,
    address: { street: "St James's Square", number: 12, city: 'London' },
    note: 'To be left with the porter, if need be. '
  };
}

/** The other end, for which at most one caller waits at a time. */
class Child {
  #process;
  #waiting = null;

  constructor(work) {
    const options = { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] };
    this.#process = fork(fileURLToPath(import.meta.url), [work], options);
    this.ended = new Promise((resolve) => this.#process.on('exit', resolve));
    this.#process.on('message', (message) => this.#settle('resolve', message));
    this.#process.on('error', (error) => this.#settle('reject', error));
    this.#process.on('disconnect', () => this.#settle('reject', new Error('the child has gone')));
  }

  #settle(how, value) {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.[how](value);
  }

  ask(message) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#process.send(message);
    });
  }

  /** Settles when it is written: without that the messages would pile up in memory. */
  tell(message) {
    return new Promise((resolve, reject) => {
      this.#process.send(message, (error) => error ? reject(error) : resolve());
    });
  }

  async end() {
    if (this.#process.connected) this.#process.disconnect();
    await this.ended;
  }
}

/** A work: the operation, what comes before the first turn, and what comes at the end of each. */
class RoundTrip {
  constructor(request, isEqual) {
    this.request = request;
    this.isEqual = isEqual;
  }

  operate(child) {
    return child.ask(this.request);
  }

  async check(child) {
    if (!this.isEqual(await child.ask(this.request), this.request)) throw new Error('the child answered something else');
  }

  finish(child, operations) {
    return operations;
  }
}

class OneWay {
  constructor(size) {
    this.message = Buffer.alloc(size);
    this.last = Buffer.alloc(size);
    this.last[0] = 1;
  }

  operate(child) {
    return child.tell(this.message);
  }

  check(child) {
    return this.finish(child, 0);
  }

  async finish(child, operations) {
    const count = await child.ask(this.last);
    if (count !== operations + 1) throw new Error(`${count} messages came of ${operations + 1}`);
    return count;
  }
}

const WORKS = {
  roundtrip: (size) => new RoundTrip(randomFillSync(Buffer.alloc(size)), (a, b) => Buffer.compare(a, b) === 0),
  oneway: (size) => new OneWay(size),
  object: () => new RoundTrip(order(0), isDeepStrictEqual),
  objects: () => new RoundTrip(Array.from({ length: 1000 }, (_, number) => order(number)), isDeepStrictEqual)
};

let work;
let child;

async function prepare(name, parameter) {
  await done();
  if (name === 'descriptor') return 'cannot sends sockets and servers of its own only, no files';
  if (!Object.hasOwn(WORKS, name)) return 'cannot no batches, no pool, one channel to a child, which is in JavaScript';
  work = WORKS[name](Number(parameter));
  child = new Child(name);
  await work.check(child);
  return 'ready';
}

async function run(milliseconds) {
  let operations = 0;
  const start = performance.now();
  do {
    await work.operate(child);
    operations++;
  } while (performance.now() - start < milliseconds);
  operations = await work.finish(child, operations);
  return `result ${operations} ${Math.round((performance.now() - start) * 1e6)}`;
}

async function done() {
  const ending = child;
  child = undefined;
  await ending?.end();
  return 'ok';
}

async function serveHarness() {
  const verbs = { prepare, run: (milliseconds) => run(Number(milliseconds)), done };
  for await (const line of createInterface({ input: process.stdin })) {
    const [verb, ...words] = line.split(' ');
    if (verb === 'quit') break;
    const answer = await verbs[verb](...words).catch((error) => {
      console.error(error);
      return `failed ${error.message}`;
    });
    process.stdout.write(answer + '\n');
  }
  await done();
  // An input that is still open would keep this alive.
  process.stdin.destroy();
}

/** Ends by itself once the parent has closed the channel. */
function serveParent(name) {
  let count = 0;
  process.on('message', name !== 'oneway' ? (message) => process.send(message) : (message) => {
    count++;
    if (message[0] === 1) {
      process.send(count);
      count = 0;
    }
  });
}

if (process.argv.length > 2) serveParent(process.argv[2]);
else await serveHarness();

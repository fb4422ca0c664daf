/*
 * The door bell of a memory lane: a writer and a reader share a ring of bytes, and each
 * rings by a packet on the socket if, and only if, the other one sleeps.
 *
 * Checked: nobody sleeps for ever while there is something to do (no invalid end state),
 * each message is read once and in order, and no more bells are in flight than the
 * socket has room for.
 *
 * With -DWATCHED, a poller watches the reader's socket as well. It is to see the last
 * message, which the reader does not read, although the reader may take a bell or say that
 * it is awake meanwhile: then it tells the watch to look again. If it did not
 * (-DNOT_TOLD), the model must fail.
 *
 * With -DROOM_TOO, another thread of the reader's end waits for room in the other ring. One
 * of the two attends to the socket for both, and signals when it is done. If it did not
 * (-DNOT_SIGNALLED), the model must fail.
 *
 * Processors delay stores (x86, TSO; others do more, which acquire and release forbid
 * where it matters). So each side has a store buffer, which empties itself at some time.
 * A fence waits until it is empty. Without the fences (-DNO_FENCE) the model must fail.
 *
 *   spin -a door-bell.pml && cc -O2 -DSAFETY -o pan pan.c && ./pan
 */

#ifndef MESSAGES
#define MESSAGES 4
#endif
#define ROOM 2

#define TAIL 0
#define HEAD 1
#define READER_SLEEPS 2
#define WRITER_SLEEPS 3
#define SPACE 4
#define SLEEPS_FOR_ROOM 5

/* What the memory holds. */
byte memory[6];
byte ring[ROOM];

/* Stores that are on their way: position and value. */
chan writersStores = [2] of { byte, byte };
chan readersStores = [2] of { byte, byte };

/* The socket, one queue for each direction. */
chan bellOfReader = [1] of { bit };
chan bellOfWriter = [1] of { bit };

byte given, taken;

/* Whether a thread of the reader's end waits for the socket: then no other takes bells. */
bit attended;

/* The lock of that end's bell. */
bit locked;

/* Whether a thread that waits for that one is to look again. */
bit signalOfReader, signalOfRoom;

/* Whether the watch is to look again. */
bit told;

#ifdef WATCHED
#define LAST (MESSAGES - 1)
#else
#define LAST MESSAGES
#endif

#ifdef NOT_SIGNALLED
#define SIGNAL(whom) skip
#else
#define SIGNAL(whom) whom = 1
#endif

#ifdef NOT_TOLD
#define TELL skip
#else
#define TELL told = 1
#endif

#ifdef NO_FENCE
#define FENCE(stores) skip
#else
#define FENCE(stores) (empty(stores))
#endif

/* A queue that is full has been rung already. */
inline ring_bell(bell)
{
	atomic {
		if
		:: nfull(bell) -> bell ! 1
		:: full(bell) -> skip
		fi
	}
}

/* compareAndSet(1, 0), which empties the store buffer as every locked instruction does. */
inline wake(sleeps, stores, bell)
{
	if
	:: memory[sleeps] == 1 ->
		empty(stores);
		atomic {
			if
			:: memory[sleeps] == 1 -> memory[sleeps] = 0; woken = 1
			:: else -> woken = 0
			fi
		}
		if
		:: woken -> ring_bell(bell)
		:: else
		fi
	:: else
	fi
}

active proctype WritersBuffer()
{
	byte at, value;
end:	do
	:: atomic { writersStores ? <at, value> -> memory[at] = value; writersStores ? at, value }
	od
}

active proctype ReadersBuffer()
{
	byte at, value;
end:	do
	:: atomic { readersStores ? <at, value> -> memory[at] = value; readersStores ? at, value }
	od
}

active proctype Writer()
{
	byte tail = 0;
	bit woken;
	do
	:: tail == MESSAGES -> break
	:: else ->
		/* Room? If not: sleep. */
		do
		:: tail - memory[HEAD] < ROOM -> break
		:: else ->
			writersStores ! WRITER_SLEEPS, 1;
			FENCE(writersStores);
			if
			:: tail - memory[HEAD] < ROOM -> writersStores ! WRITER_SLEEPS, 0; break
			:: else -> bellOfWriter ? _; writersStores ! WRITER_SLEEPS, 0
			fi
		od;
		ring[tail % ROOM] = tail; /* before the position, which is released */
		given = tail + 1;
		tail++;
		writersStores ! TAIL, tail;
		FENCE(writersStores);
		wake(READER_SLEEPS, writersStores, bellOfReader)
	od
}

inline take_lock()
{
	atomic { !locked -> locked = 1 }
}

/* Waits for the socket, or for the thread that does. */
inline attend(own, others)
{
	if
	:: attended ->
		own = 0;
		locked = 0;
		own == 1;
		take_lock()
	:: else ->
		attended = 1;
		locked = 0;
		bellOfReader ? _;
		take_lock();
		attended = 0;
		SIGNAL(others);
		TELL
	fi
}

/* A locked instruction. The watch has said with the same word that it sleeps. */
inline reader_is_awake()
{
	atomic { empty(readersStores) -> memory[READER_SLEEPS] = 0 };
	TELL
}

active proctype Reader()
{
	byte head = 0;
	bit woken;
	do
	:: head == LAST -> break
	:: else ->
		if
		:: memory[TAIL] != head
		:: else ->
			take_lock();
			do
			:: memory[TAIL] != head -> break
			:: else ->
				readersStores ! READER_SLEEPS, 1;
				FENCE(readersStores);
				if
				:: memory[TAIL] != head -> break
				:: else -> attend(signalOfReader, signalOfRoom)
				fi
			od;
			reader_is_awake();
			locked = 0
		fi;
		assert(ring[head % ROOM] == head);
		taken = head + 1;
		head++;
		readersStores ! HEAD, head;
		FENCE(readersStores);
		wake(WRITER_SLEEPS, readersStores, bellOfWriter)
	od
}

#ifdef WATCHED
active proctype Watch()
{
	do
	:: told = 0;
		atomic { !locked -> memory[READER_SLEEPS] = 1 };
		if
		:: memory[TAIL] == MESSAGES -> break
		:: else ->
			/* The kernel tells it of a bell until somebody takes it. */
			if
			:: nempty(bellOfReader) ->
				atomic {
					if
					:: len(bellOfReader) > 0 && !attended && !locked -> bellOfReader ? _
					:: else
					fi
				}
			:: told
			fi
		fi
	od
}
#endif

#ifdef ROOM_TOO
/* The words change by locked instructions only, so that there is no buffer of this one. */
active proctype WaitsForRoom()
{
	take_lock();
	do
	:: memory[SPACE] == 1 -> break
	:: else ->
		memory[SLEEPS_FOR_ROOM] = 1;
		if
		:: memory[SPACE] == 1 -> break
		:: else -> attend(signalOfRoom, signalOfReader)
		fi
	od;
	memory[SLEEPS_FOR_ROOM] = 0;
	locked = 0
}

/* The peer's other thread, which reads what fills that ring. */
active proctype MakesRoom()
{
	bit woken;
	memory[SPACE] = 1;
	atomic {
		woken = memory[SLEEPS_FOR_ROOM];
		memory[SLEEPS_FOR_ROOM] = 0
	};
	if
	:: woken -> ring_bell(bellOfReader)
	:: else
	fi
}
#endif

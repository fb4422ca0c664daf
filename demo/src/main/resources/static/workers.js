/* Shows the workers and their metrics, and refreshes them once a second. */

import { byId, failure, getJson, numbers } from './common.js';

const INTERVAL = 1000;
const SILENCE = 'The server is not responding.';

const rows = new Map();
const seen = new Map();

let timer;
let turn = 0;

byId('crash').addEventListener('click', crash);

document.addEventListener('visibilitychange', () => document.hidden || showWorkers());

export async function showWorkers() {
	clearTimeout(timer);
	const mine = ++turn;
	try {
		const workers = await getJson('workers');
		const messages = await Promise.all([...new Set(workers.map(({ name }) => name))].map(countMessages));
		if (mine === turn) {
			if (byId('news').textContent === SILENCE) {
				tell('');
			}
			show(workers);
			byId('messages').textContent = messages.join(' ');
		}
	}
	catch {
		if (mine === turn) {
			tell(SILENCE);
		}
	}
	// A later call schedules the next refresh itself.
	if (mine === turn && !document.hidden) {
		timer = setTimeout(showWorkers, INTERVAL);
	}
}

function show(workers) {
	for (const worker of workers) {
		const label = `${worker.name} ${worker.instance}`;
		fill(row(label), { ...worker, label, uptime: uptime(worker), pid: worker.pid ?? '–', lastExit: worker.lastExit ?? '–' });
		const news = change(seen.get(label), worker);
		if (news) {
			tell(`${label} ${news}.`);
		}
		seen.set(label, worker);
	}
}

function row(label) {
	if (!rows.has(label)) {
		rows.set(label, byId('worker').content.cloneNode(true).firstElementChild);
		byId('workers').append(rows.get(label));
	}
	return rows.get(label);
}

/* Updates only what has changed, so that selections and the position of a screen reader are kept. */
function fill(row, values) {
	row.dataset.state = values.state;
	for (const cell of row.querySelectorAll('[data-of]')) {
		const text = String(values[cell.dataset.of]);
		if (cell.textContent !== text) {
			cell.textContent = text;
		}
	}
}

function change(before, now) {
	if (!before || (before.state === now.state && before.pid === now.pid)) {
		return null;
	}
	return {
		STARTING: 'is starting',
		RUNNING: `is running again as process ${now.pid}`,
		BACKOFF: `ended with ${now.lastExit} and will restart shortly`,
		STOPPING: 'is stopping',
		STOPPED: 'has stopped',
		FAILED: 'has failed and will not restart'
	}[now.state];
}

function uptime({ uptimeSeconds: seconds }) {
	if (seconds === null) {
		return '';
	}
	const [value, unit] = seconds < 60 ? [seconds, 's'] : seconds < 3600 ? [seconds / 60, 'min'] : [seconds / 3600, 'h'];
	return `for ${Math.floor(value)} ${unit}`;
}

function tell(news) {
	if (byId('news').textContent !== news) {
		byId('news').textContent = news;
	}
}

async function crash() {
	try {
		const response = await fetch('workers/crash', { method: 'POST' });
		if (response.ok) {
			const { name, instance, pid } = await response.json();
			tell(`${name} ${instance} (process ${pid}) was killed.`);
		}
		else {
			tell((await failure(response)).message);
		}
	}
	catch {
		tell(SILENCE);
	}
	showWorkers();
}

async function countMessages(name) {
	const [sent, received] = await Promise.all([count('ipc.messages.sent', name), count('ipc.messages.received', name)]);
	return `Messages to and from ${name}: ${sent} sent, ${received} received.`;
}

async function count(meter, worker) {
	const { measurements } = await getJson(`actuator/metrics/${meter}?tag=destination:${encodeURIComponent(worker)}`);
	return numbers.format(measurements[0].value);
}

showWorkers();

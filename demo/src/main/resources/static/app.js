const byId = id => document.getElementById(id);
const form = byId('form');
const result = byId('result');

const numbers = new Intl.NumberFormat('en');

let picture = null;
let request = new AbortController();

/* Choosing: by the field, or by dropping anywhere on the page. */

byId('file').addEventListener('change', event => choose(event.target.files));

form.size.forEach(size => size.addEventListener('change', () => picture && makeThumbnail()));

form.addEventListener('submit', event => event.preventDefault());

document.addEventListener('dragover', event => {
	event.preventDefault();
	document.body.classList.add('dragging');
});

document.addEventListener('dragleave', event => {
	if (!event.relatedTarget) {
		document.body.classList.remove('dragging');
	}
});

document.addEventListener('drop', event => {
	event.preventDefault();
	document.body.classList.remove('dragging');
	choose(event.dataTransfer.files);
});

function choose(files) {
	if (files.length > 0) {
		picture = files[0];
		makeThumbnail();
	}
}

/* Making the thumbnail. What was asked for last is what is shown. */

async function makeThumbnail() {
	request.abort();
	request = new AbortController();
	const { signal } = request;
	const file = picture;
	const data = new FormData(form);
	data.set('file', file);
	const start = performance.now();
	busy(true);
	try {
		const response = await fetch('thumbnails', { method: 'POST', body: data, signal });
		if (!response.ok) {
			throw new Error(await explanation(response));
		}
		const thumbnail = await response.blob();
		const took = performance.now() - start;
		await Promise.all([show(byId('original'), file), show(byId('thumbnail'), thumbnail)]);
		signal.throwIfAborted();
		describe(file, thumbnail, response.headers, took);
		result.hidden = false;
		say('The thumbnail is there.');
	}
	catch (error) {
		if (signal.aborted) {
			return;
		}
		showProblem(file, error instanceof TypeError ? 'The server does not answer. Is it still running?' : error.message);
	}
	busy(false);
	// The input forgets, so that the same file can be chosen again.
	byId('file').value = '';
	await showWorkers();
}

async function explanation(response) {
	try {
		return (await response.json()).detail;
	}
	catch {
		return `The server answered ${response.status}.`;
	}
}

function busy(isBusy) {
	document.body.classList.toggle('busy', isBusy);
	if (isBusy) {
		byId('problem').hidden = true;
		say('Making the thumbnail…');
	}
}

function describe(file, thumbnail, headers, milliseconds) {
	const image = byId('thumbnail');
	byId('original-name').textContent = file.name;
	byId('original-name').title = file.name;
	byId('original-facts').textContent =
		facts(headers.get('X-Original-Width'), headers.get('X-Original-Height'), file.size);
	byId('thumbnail-facts').textContent =
		`${facts(image.naturalWidth, image.naturalHeight, thumbnail.size)}, in ${numbers.format(Math.round(milliseconds))} ms`;
}

async function show(image, blob) {
	URL.revokeObjectURL(image.src);
	const url = URL.createObjectURL(blob);
	image.src = url;
	try {
		await image.decode();
	}
	catch {
		// The worker knows TIFF, this browser may not. Or another picture came in between.
		if (image.src === url) {
			image.removeAttribute('src');
		}
	}
}

function showProblem(file, text) {
	const problem = byId('problem');
	const name = document.createElement('strong');
	name.textContent = file.name;
	problem.replaceChildren(name, ` ${text}`);
	problem.hidden = false;
	result.hidden = true;
	say('');
}

function say(text) {
	byId('status').textContent = text;
}

function facts(width, height, bytes) {
	return `${numbers.format(width)} × ${numbers.format(height)} pixels, ${size(bytes)}`;
}

function size(bytes) {
	const [value, unit] = bytes < 1000 ? [bytes, 'byte'] : bytes < 1e6 ? [bytes / 1e3, 'kilobyte'] : [bytes / 1e6, 'megabyte'];
	return new Intl.NumberFormat('en', { style: 'unit', unit, maximumSignificantDigits: 3 }).format(value);
}

/* The workers, as the application and its metrics tell. */

async function showWorkers() {
	try {
		const workers = await getJson('workers');
		const rows = await Promise.all(workers.map(async ({ name, pid }) => row({
			name,
			pid: pid ?? 'not running',
			sent: numbers.format(await count('ipc.messages.sent', name)),
			received: numbers.format(await count('ipc.messages.received', name))
		})));
		byId('workers').replaceChildren(...rows);
	}
	catch {
		byId('workers').replaceChildren(row({ name: 'The server does not answer', pid: '', sent: '', received: '' }));
	}
}

function row(values) {
	const row = byId('worker').content.cloneNode(true).firstElementChild;
	for (const cell of row.children) {
		cell.textContent = values[cell.dataset.of];
	}
	return row;
}

async function count(meter, worker) {
	const { measurements } = await getJson(`actuator/metrics/${meter}?tag=destination:${encodeURIComponent(worker)}`);
	return measurements[0].value;
}

async function getJson(path) {
	const response = await fetch(path);
	if (!response.ok) {
		throw new Error(`${path} answered ${response.status}`);
	}
	return response.json();
}

showWorkers();
